"""Dates, as Mage writes them: with a space on most objects, with a T on block runs in lists; always with the offset."""

import contextlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import overload

LONGEST = 64  # characters of a date


@overload
def spaced(moment: datetime) -> str: ...
@overload
def spaced(moment: datetime | None) -> str | None: ...
def spaced(moment: datetime | None) -> str | None:
    """`2026-11-22 00:20:43.594606+00:00`; without a fraction where there is none."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(" ")


@overload
def with_t(moment: datetime) -> str: ...
@overload
def with_t(moment: datetime | None) -> str | None: ...
def with_t(moment: datetime | None) -> str | None:
    """`2026-11-22T00:20:43.594606+00:00`."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def read(text: str) -> datetime:
    """The moment in UTC that a text means, whether in ISO 8601, with spaces, or as in the head of a letter. ValueError.

    Without an offset it is meant in UTC.
    """
    found = _read(text.strip())
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("in UTC it is beyond the calendar") from None


def of_seconds(seconds: float) -> datetime:
    """The moment so many seconds after 1970 began. ValueError beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError("it is beyond the calendar") from None


def _read(text: str) -> datetime:
    if len(text) > LONGEST:
        raise ValueError("it is too long for a date")
    for form in (text, text.replace(" +", "+").replace(" -", "-")):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(form)
    try:
        return parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError):
        raise ValueError("it is no date") from None
