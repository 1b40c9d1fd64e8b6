"""Slot: the stretch of time that a run speaks for, and the variables that tell its blocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Slot:
    """From an execution date to the next one. None: there is no other date that would tell."""

    execution_date: datetime
    interval_end: datetime | None = None
    interval_seconds: float | None = None
    previous: datetime | None = None  # where the slot before begins


def variables(slot: Slot) -> dict[str, Any]:
    """What a run of that slot keeps among its variables, by the names of the Mage format; moments as ISO 8601 text."""
    return {
        "ds": slot.execution_date.strftime("%Y-%m-%d"),
        "hr": slot.execution_date.strftime("%H"),
        "execution_date": slot.execution_date.isoformat(),
        "interval_start_datetime": slot.execution_date.isoformat(),
        "interval_end_datetime": _text(slot.interval_end),
        "interval_seconds": slot.interval_seconds,
        "interval_start_datetime_previous": _text(slot.previous),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
