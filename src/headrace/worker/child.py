"""Child: one worker process as its parent sees it: a socket, two pipes, and the log of the attempt it runs."""

import contextlib
import dataclasses
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from headrace import clock
from headrace.logs import masking, writing
from headrace.model.run import Failure, TestResult
from headrace.worker import birth, pool, wire
from headrace.worker.bounds import Bounds
from headrace.worker.channel import Channel
from headrace.worker.loop import Alarm, Loop

Said = birth.Born | birth.Broken | birth.Serving | wire.Finished | wire.Profiled | wire.Asked | wire.Ready

_CHUNK = 2**14  # bytes taken from a pipe at once, so that one that never dries up leaves others their turn


class Child(pool.Worker):
    """It is watched by the loop from its making to `close`. What it says is given to `heard`, in order.

    `verdict` is set when its attempt is ended from here: that will be the answer, whatever it says itself.
    `owed` is the attempt of which profiles are still to come; one that `has_asked` has read its task. `pid` is None
    before it was born and once it is `gone`; one `for_one` task takes no other. `_masks` are of its task, and grow by the
    secrets that it reads.
    """

    def __init__(
        self, loop: Loop, modules: frozenset[str], bounds: Bounds, heard: Callable[["Child", list[Said]], None]
    ) -> None:
        super().__init__(modules=modules)
        self.pid: int | None = None
        self.gone = False
        self.for_one = self.has_asked = False
        self.number = 0
        self.task: wire.Task | None = None
        self.started: datetime | None = None
        self.verdict: wire.Finished | None = None
        self.owed: str | None = None
        self.deadline: Alarm | None = None
        self._masks: tuple[str, ...] = ()
        self._log: writing.AttemptLog | None = None  # made when there is something to write
        self._bounds = bounds
        self._loop = loop
        self._heard = heard
        ours, self._socket = socket.socketpair()
        self.channel: Channel[Said] = Channel(ours, Said, lambda yes: loop.want_write(ours, yes))
        self._pipes: dict[str, int] = {}
        self._ends: list[int] = []
        self._open("stdout")
        self._open("stderr")
        loop.watch(ours, self._on_socket)

    def hand_over(self, give: Callable[[list[int]], None]) -> None:
        """Gives the other ends of socket and pipes away; OSError when nobody takes them."""
        try:
            give([self._socket.fileno(), *self._ends])
        finally:
            self._socket.close()
            for end in self._ends:
                os.close(end)

    def begin(self, number: int, task: wire.Task, until: float | None) -> None:
        """Sends the task, which was the `number`th to arrive and is not to begin past `until`.

        What was printed since the last one is nobody's.
        """
        self.drain()
        self.number = number
        self.task, self.state, self.for_one = task, pool.State.BUSY, task.fresh_process
        self.has_asked = False
        self._masks = (*task.workplace.masks, *task.masks)
        self.started = clock.now()
        self.channel.send(task if until is None else msgspec.structs.replace(task, until=until))

    def ask(self, asked: wire.Asked) -> None:
        """Its block asks; if it waits for another run, it has no place until it is answered."""
        self.has_asked = True
        if asked.request.waits:
            self.awaited.add(asked.number)

    def answer(self, answered: wire.Answered) -> None:
        """A secret is masked in the log before its block knows it."""
        self.awaited.discard(answered.number)
        if isinstance(answered.answer, wire.Secret):
            self._mask(answered.answer.masks)
        self.channel.send(answered)

    def finish(self, said: wire.Finished) -> wire.Finished:
        """Ends the log and the task; the answer, with what only the parent knows and without what must not be seen."""
        assert self.task is not None  # noqa: S101 - callers look
        self.drain()
        now = clock.now()
        lines = self._log.close(now) if self._log else 0
        shown = _masked(said, self._masks)
        if self.deadline:
            self.deadline.cancel()
        self.ran += 1
        self.task = self._log = self.deadline = None
        self.awaited.clear()
        started, ended = said.started_at or self.started, said.ended_at or now
        return msgspec.structs.replace(shown, started_at=started, ended_at=ended, log_lines=lines)

    def say(self, message: str, level: str = "ERROR") -> None:
        """A remark in the log of its attempt."""
        if self.task is not None:
            self.drain()
            self._log_of(self.task).say(message, clock.now(), level)

    def drain(self) -> None:
        """Takes what is in the pipes at this moment, and no more: somebody may be writing on."""
        for stream, pipe in list(self._pipes.items()):
            waiting = _waiting(pipe)
            while waiting > 0 and (taken := self._take(stream, pipe)):
                waiting -= taken

    def listen(self) -> None:
        """Hears what it has said by now."""
        said = self.channel.receive()
        if self.channel.closed:
            self._loop.forget(self.channel.socket)
        self._heard(self, said)

    def close(self) -> None:
        for file in (self.channel.socket, *self._pipes.values()):
            self._loop.forget(file)
        self.channel.close()
        for pipe in self._pipes.values():
            os.close(pipe)
        self._pipes.clear()

    def _open(self, stream: str) -> None:
        pipe, end = os.pipe()
        os.set_blocking(pipe, False)
        self._pipes[stream] = pipe
        self._ends.append(end)
        self._loop.watch(pipe, lambda: self._on_pipe(stream, pipe))

    def _on_pipe(self, stream: str, pipe: int) -> None:
        if self._take(stream, pipe) == 0:
            self._loop.forget(pipe)
            os.close(self._pipes.pop(stream))

    def _take(self, stream: str, pipe: int) -> int | None:
        """Moves a chunk into the log; how many bytes, 0 at the end of the stream, None when there are none yet."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(pipe, _CHUNK)
            if chunk and self.task is not None:
                self._log_of(self.task).feed(stream, chunk, clock.now())
            return len(chunk)
        return None

    def _log_of(self, task: wire.Task) -> writing.AttemptLog:
        if self._log is None:
            bounds = self._bounds
            self._log = writing.AttemptLog(Path(task.log), bounds.log_head, bounds.log_tail, self._masks)
        return self._log

    def _mask(self, values: tuple[str, ...]) -> None:
        """These are masked, too, from now on. As a rule they are among those of the task."""
        self._masks += tuple(each for each in values if each not in self._masks)
        if self._log:
            self._log.mask_with(self._masks)

    def _on_socket(self) -> None:
        self.channel.flush()
        self.listen()


def _waiting(pipe: int) -> int:
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def _masked(said: wire.Finished, masks: tuple[str, ...]) -> wire.Finished:
    if not masks or not (said.failure or said.tests):
        return said
    mask = masking.mask_of(masks)
    failure = _masked_failure(said.failure, mask) if said.failure else None
    return msgspec.structs.replace(said, failure=failure, tests=tuple(_masked_test(each, mask) for each in said.tests))


def _masked_failure(failure: Failure, mask: Callable[[str], str]) -> Failure:
    texts = {name: getattr(failure, name) for name in ("message", "traceback", "code")}
    return dataclasses.replace(failure, **{name: mask(text) for name, text in texts.items() if text})


def _masked_test(test: TestResult, mask: Callable[[str], str]) -> TestResult:
    return dataclasses.replace(test, message=mask(test.message))
