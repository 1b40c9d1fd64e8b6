"""Backfill: the slots of a range of dates, for each of which it makes a run."""

import calendar
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from headrace.errors import BadBackfill
from headrace.model.slot import Slot

MOST = 100_000  # slots of one backfill
MOST_UNITS = 2**31 - 1  # as much as a database keeps

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800, "custom": 1}
_MONTHS = {"month": 1, "year": 12}


def slots(start: datetime, end: datetime, interval_type: str, interval_units: int) -> tuple[Slot, ...]:
    """One slot for each date from `start`, stepping by that many units, to `end`, which is among them if it is hit.

    `interval_type` is second, minute, hour, day, week, month, year or custom, which is seconds. Months and years step
    from the date before: 31 January, 28 February, 28 March. The last slot is as long as the one before it; the first
    has one step back from it as its previous. A single date stands alone. Dates are aware, and given back in UTC.
    BadBackfill names the field for which there is no plan, or none of at most 100,000 slots.
    """
    _check_dates(start, end)
    _check_interval(interval_type, interval_units)
    dates = list(itertools.islice(_dates(start, end, interval_type, interval_units), MOST + 1))
    if len(dates) > MOST:
        raise BadBackfill(field="end_datetime", given=end.isoformat(), expected=f"at most {MOST:,} intervals away")
    if len(dates) == 1:
        return (Slot(dates[0]),)
    before = _moved(dates[0], interval_type, -interval_units)
    beyond = _moved(dates[-1], "second", _seconds_between(dates[-2], dates[-1]))
    around = zip(dates, [*dates[1:], beyond], [before, *dates], strict=False)
    return tuple(Slot(date, after, _length(date, after), previous) for date, after, previous in around)


def plan_hash(dates: Iterable[datetime], *which: str) -> str:
    """A short name for these dates in this order and whatever else was chosen: the same for the same plan alone."""
    told = [*which, *(date.astimezone(UTC).isoformat() for date in dates)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _check_dates(start: datetime, end: datetime) -> None:
    for field, given in (("start_datetime", start), ("end_datetime", end)):
        if given.tzinfo is None:
            raise BadBackfill(field=field, given=given.isoformat(), expected="a moment with its offset from UTC")
    if end < start:
        expected = f"no earlier than its start, {start.isoformat()}"
        raise BadBackfill(field="end_datetime", given=end.isoformat(), expected=expected)


def _check_interval(interval_type: str, interval_units: int) -> None:
    if interval_type not in (*_SECONDS, *_MONTHS):
        expected = f"one of {', '.join((*_SECONDS, *_MONTHS))}"
        raise BadBackfill(field="interval_type", given=interval_type, expected=expected)
    if isinstance(interval_units, bool) or not 1 <= interval_units <= MOST_UNITS:
        raise BadBackfill(
            field="interval_units", given=interval_units, expected=f"a whole number from 1 to {MOST_UNITS:,}"
        )


def _dates(start: datetime, end: datetime, interval_type: str, units: int) -> Iterator[datetime]:
    date: datetime | None = start.astimezone(UTC)
    while date is not None and date <= end:
        yield date
        date = _moved(date, interval_type, units)


def _moved(date: datetime, interval_type: str, units: int) -> datetime | None:
    """The date so many units on; None beyond the end of the calendar."""
    try:
        if interval_type in _SECONDS:
            return date + timedelta(seconds=_SECONDS[interval_type] * units)
        return _months_on(date, _MONTHS[interval_type] * units)
    except (OverflowError, ValueError):
        return None


def _months_on(date: datetime, months: int) -> datetime:
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date.replace(year=year, month=month + 1, day=min(date.day, last))


def _seconds_between(date: datetime, after: datetime) -> int:
    return int((after - date).total_seconds())


def _length(date: datetime, after: datetime | None) -> float | None:
    return None if after is None else (after - date).total_seconds()
