"""The worker: a process that runs the blocks of one workplace, one after the other.

It is forked with its streams, environment and working directory in place. For each `Task` on its socket it answers
`Finished`, perhaps `Profiled`, then puts itself back as it was, and says `Ready`: for another task, or to be retired.
What the block asks meanwhile goes the same way.
"""

import contextlib
import gc
import os
import socket
import sys
from typing import BinaryIO, TextIO, cast

import msgspec

from headrace import clock
from headrace.logs import lines
from headrace.worker import (
    attempt,
    failure,
    imports,
    leftovers,
    logger,
    meter,
    modules,
    offered,
    pool,
    pristine,
    running,
    source,
    stopping,
    wire,
)
from headrace.worker.recent import Recent
from headrace.worker.talk import Talk


def serve(sock: socket.socket, workplace: wire.Workplace, profile_seconds: float) -> None:
    """Runs what comes over the socket, until nobody is left at its other end.

    `profile_seconds` bounds the look at one output.
    """
    talk = Talk(sock)
    worker = _Worker(talk, workplace, profile_seconds)
    os.register_at_fork(after_in_child=sock.close)  # what a block forks does not speak for the worker
    recent = Recent(pool.OLDEST)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for task in talk.tasks():
            if recent.is_new(task.attempt):
                worker.serve(task)


class _Worker:
    def __init__(self, talk: Talk, workplace: wire.Workplace, profile_seconds: float) -> None:
        self._talk = talk
        self._profile_seconds = profile_seconds
        self._log = _open_streams()
        self._streams = sys.stdout, sys.stderr
        running.workplace, running.ask = workplace, talk.ask
        os.register_at_fork(after_in_child=stopping.leave_to_others)
        logger.install(self._log)
        self._know(workplace)
        self._pristine = pristine.Pristine()
        self._leftovers = leftovers.Leftovers()
        _keep_what_is_there()
        meter.forget_peak()

    def _know(self, workplace: wire.Workplace) -> None:
        project = imports.Finder(workplace, before=self._prepare)
        project.install()
        offered.Finder().install()
        self._modules = modules.Modules(project.is_installed)

    def _prepare(self, code: source.Source) -> None:
        """Looks at what this code, which is about to run, can get at."""
        self._modules.prepare(code)
        self._pristine.notice()

    def serve(self, task: wire.Task) -> None:
        """Carries the task out, and says how it went and what became of the process."""
        work = attempt.Attempt(task, self._profile_seconds, self._prepare, self._pristine.mend)
        self._talk.begin(task.attempt)
        finished = self._pristine.run(work.run)
        unanswered = self._talk.end()
        if finished.failure and not work.was_stopped:
            self._note(task, finished.failure.traceback or finished.failure.message)
        self._flush()
        self._talk.send(_encoded(finished, task))
        if profiled := work.profile_large():
            self._talk.say(profiled)
        work.get_ready()
        del work, finished, profiled
        self._talk.say(self._ready(task, unanswered))

    def _ready(self, task: wire.Task, unanswered: int) -> wire.Ready:
        imported: tuple[str, ...] = ()
        try:
            left = self._pristine.restore()
            gc.collect()  # what the block's objects do when they go, they do now
            imported = self._modules.sort_out()
            left += [f"{name}, replaced" for name in self._modules.patched()]
            left += self._leftovers.found()
            if self._modules.has_new_listings():
                _keep_what_is_there()
            meter.forget_peak()
        except Exception as error:
            left = [f"a process that cannot be looked at ({error!r})"]
        self._flush()
        if unanswered:
            left.append(f"questions without their answers ({unanswered})")
        if imported:
            left.append(f"modules that were not imported before ({', '.join(_tops(imported))})")
        retire = failure.bounded(f"The block left behind {'; '.join(left)}.") if left else None
        return wire.Ready(attempt=task.attempt, retire=retire, imported=imported)

    def _note(self, task: wire.Task, text: str) -> None:
        """Says it in the block's log, even if the block took logging apart."""
        with contextlib.suppress(OSError, ValueError):
            self._log.write(lines.frame("ERROR", task.block, text, clock.now().timestamp()))

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr, *self._streams, self._log):
            with contextlib.suppress(Exception):  # a block may have put anything there
                stream.flush()


def _keep_what_is_there() -> None:
    """Collections after each block look at what came since, and cost next to nothing."""
    gc.collect()
    gc.freeze()


def _open_streams() -> BinaryIO:
    """Fresh standard streams over this process's descriptors; one more, for framed lines, over stderr's."""
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for life
    sys.stdout = sys.__stdout__ = _text(1)
    sys.stderr = sys.__stderr__ = _text(2)
    return cast("BinaryIO", open(2, "wb", closefd=False))


def _text(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _encoded(finished: wire.Finished, task: wire.Task) -> bytes:
    """The answer as bytes. One that cannot be sent (a name that is no text, say) is a failure to keep the outputs."""
    try:
        return wire.encode(finished)
    except Exception as error:
        why = failure.describe(error, task.workplace.live)
        lost = {"status": "failed", "reason": "not_kept", "failure": why, "outputs": (), "profiles_follow": False}
        return wire.encode(msgspec.structs.replace(finished, **lost))


def _tops(names: tuple[str, ...]) -> list[str]:
    return sorted({name.partition(".")[0] for name in names})
