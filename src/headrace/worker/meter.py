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
    """Runs from its making; the peak that it tells is that since `forget_peak`."""

    def __init__(self) -> None:
        self._started_at = clock.now()
        self._cpu = _cpu_seconds(*_usages())

    def read(self) -> Measures:
        """`cpu_seconds` are of this process and of the children that it waited for; `peak_bytes` of this process."""
        own, waited_for = _usages()
        return {
            "started_at": self._started_at,
            "ended_at": clock.now(),
            "cpu_seconds": max(0.0, _cpu_seconds(own, waited_for) - self._cpu),
            "peak_bytes": own.ru_maxrss * 1024,
        }


def _usages() -> tuple[resource.struct_rusage, resource.struct_rusage]:
    return resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)


def _cpu_seconds(own: resource.struct_rusage, waited_for: resource.struct_rusage) -> float:
    return own.ru_utime + own.ru_stime + waited_for.ru_utime + waited_for.ru_stime


def forget_peak() -> None:
    """The kernel begins anew with the largest resident set; where it does not, that of the process's life is told."""
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(file, b"5")
        finally:
            os.close(file)
