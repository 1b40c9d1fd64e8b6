"""The plan of a backfill, and what each of its runs is told."""

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest

from headrace.errors import BadBackfill, BadInput
from headrace.model import backfill, slot
from headrace.model.backfill import plan_hash, slots
from headrace.model.slot import Slot

ISO = datetime.fromisoformat


def at(text: str) -> datetime:
    return ISO(text).replace(tzinfo=UTC)


def dates(start: str, end: str, interval_type: str, units: int = 1) -> list[str]:
    found = slots(at(start), at(end), interval_type, units)
    return [f"{one.execution_date:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") for one in found]


def test_the_end_is_among_the_dates_when_it_is_hit() -> None:
    assert dates("2026-01-01", "2026-01-03", "day") == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert dates("2026-01-01", "2026-01-02T23:59:59", "day") == ["2026-01-01", "2026-01-02"]
    assert dates("2026-01-01", "2026-01-04", "day", 2) == ["2026-01-01", "2026-01-03"]


@pytest.mark.parametrize(
    ("interval_type", "units", "second"),
    [
        ("second", 90, "2026-01-31 00:01:30"),
        ("custom", 90, "2026-01-31 00:01:30"),
        ("minute", 90, "2026-01-31 01:30:00"),
        ("hour", 25, "2026-02-01 01:00:00"),
        ("day", 3, "2026-02-03"),
        ("week", 2, "2026-02-14"),
        ("month", 1, "2026-02-28"),
        ("month", 13, "2027-02-28"),
        ("year", 2, "2028-01-31"),
    ],
)
def test_intervals_step_by_their_units(interval_type: str, units: int, second: str) -> None:
    assert dates("2026-01-31", second, interval_type, units) == ["2026-01-31", second]


def test_months_and_years_step_from_the_date_before() -> None:
    assert dates("2026-01-31", "2026-04-30", "month") == ["2026-01-31", "2026-02-28", "2026-03-28", "2026-04-28"]
    assert dates("2024-02-29", "2028-12-31", "year", 2) == ["2024-02-29", "2026-02-28", "2028-02-28"]
    assert dates("2025-11-30", "2026-02-28", "month") == ["2025-11-30", "2025-12-30", "2026-01-30", "2026-02-28"]


def test_each_slot_ends_where_the_next_begins_and_the_last_is_as_long_as_the_one_before() -> None:
    found = slots(at("2026-01-31"), at("2026-03-31"), "month", 1)
    assert [one.interval_end for one in found] == [at("2026-02-28"), at("2026-03-28"), at("2026-04-25")]
    assert [one.interval_seconds for one in found] == [28 * 86_400.0] * 3
    assert [one.previous for one in found] == [at("2025-12-31"), at("2026-01-31"), at("2026-02-28")]


def test_a_single_date_stands_alone() -> None:
    alone = Slot(at("2026-01-01"))
    assert slots(at("2026-01-01"), at("2026-01-01"), "day", 1) == (alone,)
    assert slots(at("2026-01-01"), at("2026-06-01"), "year", 1) == (alone,)
    assert slots(at("2026-01-01"), at("2026-06-01"), "week", 2**31 - 1) == (alone,), "a step beyond all calendars"
    assert slots(at("2026-01-01"), at("2026-06-01"), "month", 2**31 - 1) == (alone,)
    with pytest.raises(BadBackfill, match="interval_units"):
        slots(at("2026-01-01"), at("2026-06-01"), "week", 2**31)


def test_dates_are_kept_in_utc_whatever_they_were_given_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    found = slots(datetime(2026, 1, 1, 9, tzinfo=tokyo), datetime(2026, 1, 2, 9, tzinfo=tokyo), "day", 1)
    assert [one.execution_date.isoformat() for one in found] == [
        "2026-01-01T00:00:00+00:00",
        "2026-01-02T00:00:00+00:00",
    ]


def test_a_plan_that_reaches_the_ends_of_the_calendar_has_no_dates_beyond() -> None:
    last = slots(at("9999-12-30"), datetime.max.replace(tzinfo=UTC), "day", 1)
    assert [one.interval_end for one in last] == [at("9999-12-31"), None]
    assert last[1].interval_seconds is None
    assert slots(at("0001-01-01"), at("0002-01-01"), "year", 1)[0].previous is None


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("end_datetime", (at("2026-01-02"), at("2026-01-01"), "day", 1)),
        ("end_datetime", (at("2026-01-01"), at("2026-01-01") + timedelta(seconds=100_000), "second", 1)),
        ("end_datetime", (at("0001-01-01"), at("9999-12-31"), "second", 1)),
        ("start_datetime", (ISO("2026-01-01"), at("2026-01-02"), "day", 1)),
        ("end_datetime", (at("2026-01-01"), ISO("2026-01-02"), "day", 1)),
        ("interval_type", (at("2026-01-01"), at("2026-01-02"), "days", 1)),
        ("interval_type", (at("2026-01-01"), at("2026-01-02"), "", 1)),
        ("interval_units", (at("2026-01-01"), at("2026-01-02"), "day", 0)),
        ("interval_units", (at("2026-01-01"), at("2026-01-02"), "day", -1)),
        ("interval_units", (at("2026-01-01"), at("2026-01-02"), "day", True)),
    ],
)
def test_a_range_without_a_plan_is_refused_by_the_field_that_is_wrong(field: str, given: tuple) -> None:
    with pytest.raises(BadBackfill, match=f"^The {field} of a backfill is .*; it must be ") as refused:
        slots(*given)
    assert isinstance(refused.value, BadInput)
    assert refused.value.facts["field"] == field


def test_a_plan_has_as_many_slots_as_it_may() -> None:
    found = slots(at("2026-01-01"), at("2026-01-01") + timedelta(seconds=backfill.MOST - 1), "second", 1)
    assert len(found) == backfill.MOST == 100_000


def test_a_run_is_told_its_slot_by_the_names_of_the_mage_format() -> None:
    first, second = slots(at("2026-01-01T13:00"), at("2026-01-02T13:00"), "day", 1)
    assert slot.variables(first) == {
        "ds": "2026-01-01",
        "hr": "13",
        "execution_date": "2026-01-01T13:00:00+00:00",
        "interval_start_datetime": "2026-01-01T13:00:00+00:00",
        "interval_end_datetime": "2026-01-02T13:00:00+00:00",
        "interval_seconds": 86_400.0,
        "interval_start_datetime_previous": "2025-12-31T13:00:00+00:00",
    }
    assert isinstance(slot.variables(first)["interval_seconds"], float)
    assert slot.variables(second)["interval_start_datetime_previous"] == "2026-01-01T13:00:00+00:00"
    alone = slot.variables(Slot(at("2026-01-01")))
    assert alone["interval_start_datetime"] == "2026-01-01T00:00:00+00:00"
    assert {name for name, value in alone.items() if value is None} == {
        "interval_end_datetime",
        "interval_seconds",
        "interval_start_datetime_previous",
    }


def test_a_plan_has_its_own_name() -> None:
    some = [at("2026-01-01"), at("2026-01-02")]
    plans = [
        (some,),
        (some[:1],),
        (some[::-1],),
        ([],),
        (some, "failed"),
        (some, "all"),
        (some, "all", "x"),
        ([], "all"),
    ]
    assert len({plan_hash(*plan) for plan in plans}) == len(plans)
    assert plan_hash([date.astimezone(timezone(timedelta(hours=9))) for date in some]) == plan_hash(iter(some))
    assert plan_hash(some, "all") == plan_hash(some, "all")


def test_the_slots_of_a_plan_join() -> None:
    for interval_type in ("hour", "week", "month", "year"):
        for one, other in itertools.pairwise(slots(at("2020-02-29"), at("2022-03-01"), interval_type, 3)):
            assert one.interval_end == other.execution_date
            assert other.previous == one.execution_date
