"""The only room that says what time it is. Everything else is told the time as an argument."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; its zero means nothing."""
    return time.monotonic()
