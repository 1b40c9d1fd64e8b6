"""The only room that says what time it is. Everything else is told the time as an argument."""

import time
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; its zero means nothing."""
    return time.monotonic()


def boottime() -> float:
    """Seconds since this machine was started, those that it slept included; the same in all its processes."""
    return time.clock_gettime(_BOOTTIME)


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # where it is missing, the other counts sleep, too


class Steady:
    """The wall clock, but it never goes back: when the wall clock is set back, this one goes on at its own pace.

    One thread may ask it.
    """

    def __init__(self) -> None:
        self._last, self._asked = now(), monotonic()

    def now(self) -> datetime:
        """The present moment, no earlier than any it has told before."""
        asked = monotonic()
        self._last = max(now(), self._last + timedelta(seconds=asked - self._asked))
        self._asked = asked
        return self._last


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one to the other, None when either is missing."""
    return (end - start).total_seconds() if start and end else None
