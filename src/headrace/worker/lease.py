"""Lease: until when blocks may run, and the call when that is over."""

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable

from headrace import clock
from headrace.worker.loop import Alarm, Loop

_BOOTTIME, _ABSOLUTE = 7, 1  # of linux/time.h and sys/timerfd.h
_ROUNDING = 1e-6  # seconds that a timer is set late, lest it come a moment too early
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class Lease:
    """`until` is None as long as nobody has said anything: then there is no bound. `lapse` is called when it is over.

    The moment is kept by a timer of the kernel that goes on while the machine sleeps.
    """

    def __init__(self, loop: Loop, lapse: Callable[[], None]) -> None:
        self.until: float | None = None
        self._loop = loop
        self._lapse = lapse
        self._alarm: Alarm | None = None
        self._timer = _new_timer()
        if self._timer is not None:
            loop.watch(self._timer, self._look)

    @property
    def is_over(self) -> bool:
        return self.until is not None and clock.boottime() >= self.until

    def extend(self, until: float) -> None:
        """Blocks may run until then, whatever was said before."""
        self.until = until
        if self._timer is not None:
            _set_timer(self._timer, until)
        else:
            self._set_alarm(until)

    def _set_alarm(self, until: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.after(until - clock.boottime() + _ROUNDING, self._look)

    def _look(self) -> None:
        if self._timer is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._timer, 8)
        if self.is_over:
            self._lapse()


def _new_timer() -> int | None:
    """A file that can be read from a moment of CLOCK_BOOTTIME on; None where the system has no such thing."""
    with contextlib.suppress(OSError, AttributeError):
        timer = ctypes.CDLL(None).timerfd_create(_BOOTTIME, _FLAGS)
        return timer if timer >= 0 else None
    return None


def _set_timer(timer: int, until: float) -> None:
    """A moment that has gone by has come; 0 would mean never."""
    seconds, rest = divmod(max(1, int((until + _ROUNDING) * 1e9)), 10**9)
    ctypes.CDLL(None).timerfd_settime(timer, _ABSOLUTE, struct.pack("@4l", 0, 0, seconds, rest), None)
