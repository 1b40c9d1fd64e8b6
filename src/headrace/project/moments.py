"""Moments as people and programs write them: with a zone or without, as a date, as text or as YAML has them."""

import re
from datetime import UTC, datetime

from headrace.project.fields import Field

_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d|Z$|UTC$)", re.IGNORECASE)


def read(written: Field) -> datetime | None:
    """The moment, aware, in UTC; without an offset UTC is meant, and a date is its first moment.

    None when nothing is written, or an empty text. Raises Wrong.
    """
    if written.value in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(_iso(written.value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise written.wrong("a moment such as 2026-01-31 06:00:00, in UTC unless it says +02:00 or the like") from None


def _iso(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    text = _BEFORE_OFFSET.sub("", value.strip())
    return re.sub("UTC$", "Z", text, flags=re.IGNORECASE)
