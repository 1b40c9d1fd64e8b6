"""Meter: what an attempt takes, of time, of the processor, of memory."""

import contextlib
import os
import resource
from datetime import datetime
from typing import TypedDict

from headrace import clock


class Measures(TypedDict):
    started_at: datetime
    ended_at: datetime
    cpu_seconds: float
    peak_bytes: int


class Meter:
    """Runs from its making."""

    def __init__(self) -> None:
        _forget_peak()
        self._started_at = clock.now()
        self._cpu = _cpu_seconds()

    def read(self) -> Measures:
        """`cpu_seconds` are of this process and of the children that it waited for; `peak_bytes` of this process."""
        return {
            "started_at": self._started_at,
            "ended_at": clock.now(),
            "cpu_seconds": max(0.0, _cpu_seconds() - self._cpu),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _forget_peak() -> None:
    """The kernel begins anew with the largest resident set; where it does not, that of the process's life is told."""
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(file, b"5")
        finally:
            os.close(file)
