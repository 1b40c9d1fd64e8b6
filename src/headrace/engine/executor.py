"""Executor, the port: where slices of runs are sent. The engine owns it and knows no implementation."""

from collections.abc import Callable
from typing import Protocol

from headrace.worker import wire

Report = wire.Finished | wire.Profiled | wire.Asked
Slice = tuple[wire.Task, ...]  # block runs of one run submitted together; the local executor takes one at a time


class Executor(Protocol):
    """Runs attempts somewhere.

    For every task submitted there is exactly one `Finished` report, whatever dies; `Profiled` may follow it, and `Asked`
    come before. Reports are given to the callable of `start`, from any thread.
    """

    @property
    def slots(self) -> int:
        """How many block runs it runs at once; what is submitted beyond that waits inside it, first come, first served.

        Those that wait for other runs do not count: from the report of such a question until its answer is given.
        """
        ...

    def start(self, report: Callable[[Report], None]) -> None:
        """Begin; reports go to `report` from now on."""
        ...

    def submit(self, work: Slice) -> None:
        """Take the slice. It does not wait and does not raise: what cannot be run is reported as failed."""
        ...

    def stop(self, attempt: str, reason: str) -> None:
        """End that attempt with all it started; it is reported `cancelled` with this reason, if it was not final."""
        ...

    def answer(self, answered: wire.Answered) -> None:
        """Give the attempt the answer to its question, and let it go on at once, whether there is a place for it or not;
        nothing else begins until there is. For an attempt that is over it does nothing."""
        ...

    def extend(self, until: float) -> None:
        """Blocks may run until then, in seconds of `clock.boottime`; the last that was said holds.

        Past it every attempt is ended with all it started and reported failed with the reason `lease_lapsed`, and so
        is what is submitted, until a later moment is said. That happens even while this process is stopped. As long
        as none was ever said, there is no bound.
        """
        ...

    def hold(self, file: int) -> None:
        """Keep this open file open until no process of an attempt can be left, whatever becomes of this process: a lock
        on it then says whether there may be any. It is duplicated, so the caller may close his. OSError when it is no
        open file."""
        ...

    def close(self) -> None:
        """End every attempt and let go of everything; nothing is reported afterwards."""
        ...
