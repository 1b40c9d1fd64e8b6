"""Local: warm worker processes on this machine, below a supervisor in a process of its own."""

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

import msgspec

from headrace.engine.executor import Report, Slice
from headrace.settings import Settings
from headrace.worker import verdicts, wire
from headrace.worker.bounds import Bounds
from headrace.worker.channel import Channel
from headrace.worker.recent import Recent

LEAVING = 5.0  # seconds that the supervisor and all below it are given to be gone
_NEEDED = ("PATH", "HOME", "LANG", "LC_", "LD_", "PYTHON", "TMPDIR", "TZ", "VIRTUAL_ENV")  # to start Python as here


class Local:
    """The default executor; see `engine.executor.Executor`.

    The supervisor's process is started at once, so that it gets ready while its maker does other things; and again for
    the next task when it was killed. OSError when it cannot be started.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._report: Callable[[Report], None] | None = None
        self._lock = threading.Lock()
        self._held: list[int] = []  # open files
        self._until: float | None = None  # the end of the lease
        self._closed = False
        self._recent = Recent()
        self._line = self._new_line()

    @property
    def slots(self) -> int:
        return self._settings.workers

    def start(self, report: Callable[[Report], None]) -> None:
        """Does not wait until the supervisor is ready."""
        self._report = report
        self._line.listen(report)

    def submit(self, work: Slice) -> None:
        for task in work:
            try:
                self._submit(task)
            except OSError as error:
                self._answer(verdicts.no_worker(task, str(error)))

    def stop(self, attempt: str, reason: str) -> None:
        self._line.send(wire.Stop(attempt=attempt, reason=reason))

    def answer(self, answered: wire.Answered) -> None:
        self._line.send(answered)

    def extend(self, until: float) -> None:
        with self._lock:
            self._until = until
            self._line.send(wire.Lease(until))

    def hold(self, file: int) -> None:
        with self._lock:
            if not self._closed:
                self._held.append(os.dup(file))
                self._line.hold(self._held[-1])

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._line.close()
        while self._held:
            os.close(self._held.pop())

    def _submit(self, task: wire.Task) -> None:
        with self._lock:
            if self._closed or not self._recent.is_new(task.attempt) or self._line.submit(task):
                return
            self._line = self._new_line()
            self._line.listen(self._answer)
            self._line.submit(task)

    def _new_line(self) -> "_Line":
        """One that knows what was said to those before."""
        line = _Line(self._settings)
        for file in self._held:
            line.hold(file)
        if self._until is not None:
            line.send(wire.Lease(self._until))
        return line

    def _answer(self, report: Report) -> None:
        if self._report and not self._closed:
            self._report(report)


class _Line:
    """The connection to one supervisor, and what is still to be heard from it.

    Once it is lost nothing more is submitted, and everything that was is reported.
    """

    def __init__(self, settings: Settings) -> None:
        self._tasks: dict[str, wire.Task] = {}  # not finished
        self._profiles: set[str] = set()  # attempts of which they are to come
        self._lock = threading.Lock()
        self._lost = self._closing = self._ready = False
        self._thread: threading.Thread | None = None
        self._selector = selectors.DefaultSelector()
        ours, theirs = socket.socketpair()
        self._channel: Channel[wire.FromSupervisor] = Channel(ours, wire.FromSupervisor, self._on_stalled)
        self._kept, kept = socket.socketpair()
        with theirs, kept:
            self._process = _start(settings, theirs.fileno(), kept.fileno())
        self._selector.register(ours, selectors.EVENT_READ)

    def listen(self, report: Callable[[Report], None]) -> None:
        """Reports what is heard, from a thread of its own."""
        self._thread = threading.Thread(target=self._listen, args=(report,), name="headrace-local", daemon=True)
        self._thread.start()

    def submit(self, task: wire.Task) -> bool:
        """Whether it was taken; it is not when the line is lost."""
        with self._lock:
            if not self._lost:
                self._tasks[task.attempt] = task
                self._channel.send(task)
            return not self._lost

    def send(self, message: wire.Stop | wire.Lease | wire.Answered | wire.Close) -> None:
        with self._lock:
            self._channel.send(message)

    def hold(self, file: int) -> None:
        """Warden and supervisor have it open from now on, as long as one of them is there."""
        with self._lock, contextlib.suppress(BrokenPipeError, ConnectionResetError):  # neither is there any more
            if not self._lost:
                socket.send_fds(self._kept, [b"\0"], [file])

    def close(self) -> None:
        """Nothing is reported when this has returned, and no process is left."""
        self._closing = True
        self.send(wire.Close())
        if self._thread is None:
            self._let_go()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _on_stalled(self, stalled: bool) -> None:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE if stalled else selectors.EVENT_READ
        self._selector.modify(self._channel.socket, events)

    def _listen(self, report: Callable[[Report], None]) -> None:
        """The thread's work: hands on what is said until nobody is left to say it."""
        while not self._channel.closed:
            self._selector.select()
            with self._lock:
                self._channel.flush()
                said = self._channel.receive()
            for message in said:
                self._hand_on(message, report)
        self._let_go()
        for message in self._last_words():
            self._hand_on(message, report)

    def _hand_on(self, message: wire.FromSupervisor, report: Callable[[Report], None]) -> None:
        match message:
            case wire.Slots():
                self._ready = True
            case _ if self._closing:
                pass
            case wire.Finished() if self._tasks.pop(message.attempt, None):
                if message.profiles_follow:
                    self._profiles.add(message.attempt)
                report(message)
            case wire.Asked() if message.attempt in self._tasks:
                report(message)
            case wire.Profiled() if message.attempt in self._profiles:
                self._profiles.remove(message.attempt)
                report(message)
            case _:
                pass  # a second answer to one question

    def _let_go(self) -> None:
        """Waits until nothing of the process is left."""
        try:
            self._process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._lock:
            self._lost = True
            self._selector.close()
            self._channel.close()
            self._kept.close()

    def _last_words(self) -> list[wire.FromSupervisor]:
        """What the supervisor has not said and will not say."""
        tasks, status = list(self._tasks.values()), self._process.returncode
        answers = [
            verdicts.supervisor_gone(each) if self._ready else verdicts.never_ready(each, status) for each in tasks
        ]
        return [*answers, *(wire.Profiled(attempt=each, outputs=()) for each in self._profiles)]


def _start(settings: Settings, engine: int, kept: int) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C in the terminal is the engine's alone."""
    bounds = msgspec.json.encode(Bounds.of(settings)).decode()
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-m", "headrace.worker.warden", str(engine), str(kept), bounds],
        env=environment(os.environ, settings.environment),
        pass_fds=[engine, kept],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def environment(ours: Mapping[str, str], allowed: tuple[str, ...] | None) -> dict[str, str]:
    """What the supervisor may know, since a block can read it in /proc: nothing that blocks are not to see."""
    if allowed is None:
        return {name: value for name, value in ours.items() if not name.startswith("HEADRACE_")}
    return {name: value for name, value in ours.items() if name in allowed or name.startswith(_NEEDED)}
