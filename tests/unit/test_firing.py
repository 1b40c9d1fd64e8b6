"""What a trigger does at a moment, one case at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.errors import BadSchedule
from headrace.model import firing
from headrace.model.firing import Decision, Fire, Gap
from headrace.model.slot import Slot
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def timed(interval: str | None, zone: str = "UTC", start: datetime | None = None, **settings: Any) -> Definition:
    return Definition(
        name="t",
        type=TriggerType.TIME,
        interval=interval,
        zone=zone,
        start_time=start,
        settings=TriggerSettings(**settings),
    )


def decided(
    definition: Definition,
    considered: datetime | None,
    now: datetime,
    *,
    active: bool = True,
    has_runs: bool = True,
    runtimes: Sequence[float] = (),
) -> Decision:
    return firing.decide(definition, active, considered, now, has_runs=has_runs, runtimes=runtimes)


def fires(*times: datetime) -> tuple[Fire, ...]:
    return tuple(Fire(time, time) for time in times)


DAILY = timed("@daily")
NIGHT = at("03-02T00:00")  # a Monday


def test_a_fire_time_is_dealt_with_when_it_comes_and_not_before() -> None:
    waits = Decision(considered=NIGHT - HOUR, due_at=NIGHT)
    assert decided(DAILY, NIGHT - 9 * HOUR, NIGHT - HOUR) == waits
    assert decided(DAILY, NIGHT - HOUR, NIGHT) == Decision(fires(NIGHT), (), NIGHT, NIGHT + DAY)
    assert decided(DAILY, NIGHT - HOUR, NIGHT + MINUTE) == Decision(fires(NIGHT), (), NIGHT + MINUTE, NIGHT + DAY)


def test_what_was_dealt_with_is_not_dealt_with_again() -> None:
    assert decided(DAILY, NIGHT, NIGHT) == Decision((), (), NIGHT, NIGHT + DAY)
    assert decided(DAILY, NIGHT, NIGHT - HOUR) == Decision((), (), NIGHT, NIGHT + DAY), "though a clock was put back"


HOURLY_MISSED = [NIGHT + n * HOUR for n in range(5)]


def test_after_an_outage_the_last_is_run_and_the_earlier_ones_are_a_gap() -> None:
    decision = decided(timed("@hourly"), NIGHT - MINUTE, NIGHT + 4 * HOUR + 30 * MINUTE)
    gap = Gap(NIGHT, NIGHT + 3 * HOUR, 4, "no_engine")
    assert decision == Decision(fires(NIGHT + 4 * HOUR), (gap,), NIGHT + 4 * HOUR + 30 * MINUTE, NIGHT + 5 * HOUR)


def test_after_an_outage_all_are_run_where_all_are_wanted() -> None:
    every = timed("@hourly", catch_up=CatchUp.ALL)
    decision = decided(every, NIGHT - MINUTE, NIGHT + 4 * HOUR)
    assert decision == Decision(fires(*HOURLY_MISSED), (), NIGHT + 4 * HOUR, NIGHT + 5 * HOUR)


def test_many_are_run_some_at_a_time_without_a_pause() -> None:
    every, now = timed("* * * * *", catch_up=CatchUp.ALL), NIGHT + 1_201 * MINUTE
    first = decided(every, NIGHT, now)
    assert first.fires == fires(*(NIGHT + n * MINUTE for n in range(1, 501)))
    assert (first.considered, first.due_at) == (NIGHT + 500 * MINUTE, now)
    second = decided(every, first.considered, now)
    assert second.fires[0].fire_time == NIGHT + 501 * MINUTE
    third = decided(every, second.considered, now)
    assert (len(third.fires), third.considered, third.due_at) == (201, now, now + MINUTE)


def test_after_an_outage_none_is_run_where_none_is_wanted_but_the_one_that_has_just_come() -> None:
    none = timed("@hourly", catch_up=CatchUp.NONE)
    fresh = decided(none, NIGHT - MINUTE, NIGHT + 4 * HOUR + MINUTE)
    assert fresh.fires == fires(NIGHT + 4 * HOUR)
    assert fresh.gaps == (Gap(NIGHT, NIGHT + 3 * HOUR, 4, "no_engine"),)
    stale = decided(none, NIGHT - MINUTE, NIGHT + 4 * HOUR + MINUTE + timedelta(microseconds=1))
    assert stale.fires == ()
    assert stale.gaps == (Gap(NIGHT, NIGHT + 4 * HOUR, 5, "no_engine"),)
    assert stale.due_at == NIGHT + 5 * HOUR
    assert decided(none, NIGHT - MINUTE, NIGHT).gaps == ()
    assert decided(none, NIGHT, NIGHT + MINUTE / 2).fires == (), "it was dealt with, however fresh it is"


def test_a_gap_of_very_many_is_not_counted_to_its_end() -> None:
    gap = decided(timed("* * * * * *"), NIGHT, NIGHT + 365 * DAY).gaps[0]
    assert gap == Gap(NIGHT + timedelta(seconds=1), NIGHT + 365 * DAY - timedelta(seconds=1), 10_000, "no_engine")


def test_a_paused_trigger_runs_nothing_and_says_what_passed() -> None:
    hourly = timed("@hourly", catch_up=CatchUp.ALL)
    decision = decided(hourly, NIGHT - MINUTE, NIGHT + 4 * HOUR, active=False)
    gap = Gap(NIGHT, NIGHT + 4 * HOUR, 5, "paused")
    assert decision == Decision((), (gap,), NIGHT + 4 * HOUR, NIGHT + 5 * HOUR)
    again = decided(hourly, decision.considered, NIGHT + 4 * HOUR, active=False)
    assert again == Decision((), (), NIGHT + 4 * HOUR, NIGHT + 5 * HOUR)
    back = decided(hourly, decision.considered, NIGHT, active=False)
    assert back.considered == NIGHT + 4 * HOUR, "though a clock was put back"


def test_a_paused_trigger_is_not_looked_at_all_the_time() -> None:
    decision = decided(timed("* * * * * *"), NIGHT, NIGHT + MINUTE, active=False)
    assert (decision.gaps[0].count, decision.due_at) == (60, NIGHT + 6 * MINUTE)


def test_a_trigger_that_never_was_enabled_waits_for_nothing() -> None:
    assert decided(DAILY, None, NIGHT, active=False) == Decision()
    assert decided(DAILY, None, NIGHT - HOUR) == Decision((), (), NIGHT - HOUR, NIGHT), "an active one begins here"


@pytest.mark.parametrize("kind", [TriggerType.API, TriggerType.EVENT, TriggerType.BACKFILL])
def test_time_moves_no_other_kind_of_trigger(kind: TriggerType) -> None:
    other = Definition(name="t", type=kind, settings=TriggerSettings(create_initial_pipeline_run=True))
    assert decided(other, NIGHT, NIGHT + DAY) == Decision(considered=NIGHT)
    for stands in (firing.enabled, firing.edited):
        assert stands(other, NIGHT, has_runs=False) == Decision()
    assert firing.preview(other, NIGHT, 3) == []
    assert not firing.always_on_may_fire(other, True, NIGHT, False)
    assert firing.slot_of(other, NIGHT) == Slot(NIGHT)


def test_what_means_no_time_is_refused() -> None:
    for interval in (None, "", "0 0 30 2 *"):
        with pytest.raises(BadSchedule):
            decided(timed(interval), NIGHT, NIGHT)
        with pytest.raises(BadSchedule):
            firing.enabled(timed(interval), NIGHT, has_runs=False)


def test_enabling_and_editing_fire_nothing_by_surprise() -> None:
    for has_runs in (True, False):
        for stands in (firing.enabled, firing.edited):
            assert stands(DAILY, NIGHT + HOUR, has_runs=has_runs) == Decision((), (), NIGHT + HOUR, NIGHT + DAY)
            assert stands(DAILY, NIGHT, has_runs=has_runs) == Decision((), (), NIGHT, NIGHT + DAY)


def test_the_period_that_has_begun_is_run_once_enabled_where_that_is_wanted_and_never_on_editing() -> None:
    initial = timed("@daily", create_initial_pipeline_run=True)
    found = firing.enabled(initial, NIGHT + HOUR, has_runs=True)
    assert found == Decision(fires(NIGHT), (), NIGHT + HOUR, NIGHT + DAY)
    assert firing.edited(initial, NIGHT + HOUR, has_runs=False).fires == ()
    later = timed("@daily", start=NIGHT + timedelta(seconds=1), create_initial_pipeline_run=True)
    assert firing.enabled(later, NIGHT + HOUR, has_runs=False).fires == ()
    on_time = timed("@daily", start=NIGHT, create_initial_pipeline_run=True)
    assert firing.enabled(on_time, NIGHT + HOUR, has_runs=False).fires == fires(NIGHT)


def test_nothing_fires_before_the_start_time_and_a_fire_time_that_is_the_start_time_does() -> None:
    starts = timed("@daily", start=NIGHT + 2 * DAY)
    assert firing.enabled(starts, NIGHT - HOUR, has_runs=False).due_at == NIGHT + 2 * DAY
    assert decided(starts, NIGHT - HOUR, NIGHT + HOUR) == Decision((), (), NIGHT + HOUR, NIGHT + 2 * DAY)
    assert decided(starts, NIGHT - HOUR, NIGHT + 2 * DAY).fires == fires(NIGHT + 2 * DAY)
    assert decided(starts, NIGHT - HOUR, NIGHT + 3 * DAY).gaps == (
        Gap(NIGHT + 2 * DAY, NIGHT + 2 * DAY, 1, "no_engine"),
    )
    assert decided(starts, NIGHT - HOUR, NIGHT + DAY, active=False).gaps == ()
    every = timed("@hourly", start=NIGHT + 2 * HOUR + MINUTE, catch_up=CatchUp.ALL)
    assert decided(every, NIGHT, NIGHT + 4 * HOUR).fires == fires(NIGHT + 3 * HOUR, NIGHT + 4 * HOUR)


def test_once_is_once_and_its_execution_date_is_when_it_ran() -> None:
    once = timed("@once")
    assert firing.enabled(once, NIGHT, has_runs=False) == Decision(considered=NIGHT, due_at=NIGHT)
    assert decided(once, NIGHT, NIGHT + MINUTE, has_runs=False) == Decision(
        (Fire(NIGHT, NIGHT + MINUTE),), (), NIGHT, None
    )
    for done in (firing.enabled(once, NIGHT, has_runs=True), decided(once, NIGHT, NIGHT + MINUTE, has_runs=True)):
        assert done == Decision(considered=NIGHT)
    assert decided(once, NIGHT, NIGHT + MINUTE, has_runs=False, active=False) == Decision(considered=NIGHT)


def test_once_waits_for_its_start_time() -> None:
    once = timed("@once", start=NIGHT + DAY)
    assert firing.edited(once, NIGHT, has_runs=False).due_at == NIGHT + DAY
    assert decided(once, NIGHT, NIGHT + HOUR, has_runs=False) == Decision(considered=NIGHT, due_at=NIGHT + DAY)
    late = NIGHT + 2 * DAY
    assert decided(once, NIGHT, late, has_runs=False).fires == (Fire(NIGHT + DAY, late),)
    assert firing.preview(once, NIGHT, 3) == [NIGHT + DAY]
    assert firing.preview(once, NIGHT, 0) == firing.preview(once, NIGHT + DAY, 3) == []


def test_always_on_goes_on_when_nothing_of_it_runs() -> None:
    always, later = timed("@always_on"), timed("@always_on", start=NIGHT + DAY)
    assert firing.always_on_may_fire(always, True, NIGHT, False)
    assert not firing.always_on_may_fire(always, True, NIGHT, True)
    assert not firing.always_on_may_fire(always, False, NIGHT, False)
    assert not firing.always_on_may_fire(DAILY, True, NIGHT, False)
    assert not firing.always_on_may_fire(later, True, NIGHT, False)
    assert firing.always_on_may_fire(later, True, NIGHT + DAY, False)
    assert firing.enabled(always, NIGHT, has_runs=False) == Decision(considered=NIGHT)
    assert decided(always, NIGHT, NIGHT + DAY) == Decision(considered=NIGHT)
    assert firing.enabled(later, NIGHT, has_runs=False) == Decision(considered=NIGHT, due_at=NIGHT + DAY)
    assert decided(later, NIGHT, NIGHT + HOUR) == Decision(considered=NIGHT, due_at=NIGHT + DAY)
    assert decided(later, NIGHT, NIGHT + HOUR, active=False) == Decision(considered=NIGHT)
    assert firing.preview(always, NIGHT, 3) == []


LANDING = timed("@daily", start=at("01-01T09:30"), landing_time_enabled=True)
LANDS = NIGHT + 9 * HOUR + 30 * MINUTE


def test_a_run_that_is_to_land_begins_so_long_before_as_runs_have_taken() -> None:
    begins = LANDS - timedelta(seconds=600)
    asked = {"runtimes": [600.0]}
    assert decided(LANDING, NIGHT, begins - MINUTE, **asked).due_at == begins
    found = decided(LANDING, NIGHT, begins, **asked)
    assert found == Decision(fires(LANDS), (), LANDS, begins + DAY)
    assert decided(LANDING, found.considered, begins + MINUTE, **asked).fires == ()
    assert decided(LANDING, NIGHT, LANDS - MINUTE).fires == (), "nothing tells how long: when it lands"
    assert decided(LANDING, NIGHT, LANDS).fires == fires(LANDS)


def test_the_last_seven_runtimes_count_with_half_their_deviation() -> None:
    runtimes = [100.0, 200.0, 300.0, 100.0, 200.0, 300.0, 200.0, 9_000.0]  # mean 200, sample deviation √(40000/6)
    lead = timedelta(seconds=200 + (40_000 / 6) ** 0.5 / 2)
    due_at = decided(LANDING, NIGHT, NIGHT + HOUR, runtimes=runtimes).due_at
    assert due_at is not None
    assert abs(due_at - (LANDS - lead)) < timedelta(milliseconds=1)


def test_the_first_run_that_is_to_land_begins_when_its_trigger_is_enabled() -> None:
    found = firing.enabled(LANDING, NIGHT + HOUR, has_runs=False)
    assert found == Decision(fires(LANDS), (), LANDS, LANDS + DAY)
    assert firing.edited(LANDING, NIGHT + HOUR, has_runs=False) == Decision((), (), NIGHT + HOUR, LANDS)
    assert firing.enabled(LANDING, NIGHT + HOUR, has_runs=True) == Decision((), (), NIGHT + HOUR, LANDS)
    assert firing.enabled(LANDING, LANDS + HOUR, has_runs=False) == Decision((), (), LANDS + HOUR, LANDS + DAY)
    known = firing.enabled(LANDING, NIGHT, has_runs=True, runtimes=[60.0])
    assert known == Decision((), (), NIGHT + MINUTE, LANDS - MINUTE)
    ahead = timed("@daily", start=LANDS + DAY, landing_time_enabled=True)
    assert firing.enabled(ahead, NIGHT + HOUR, has_runs=False) == Decision((), (), NIGHT + HOUR, LANDS + DAY)


def test_what_can_land_no_more_when_its_trigger_is_enabled_is_left() -> None:
    found = firing.enabled(LANDING, LANDS - MINUTE, has_runs=True, runtimes=[600.0])
    assert found == Decision((), (), LANDS + 9 * MINUTE, LANDS + DAY - 10 * MINUTE)


def test_a_period_that_has_landed_is_the_one_that_is_run_initially() -> None:
    initial = timed("@daily", start=at("01-01T09:30"), landing_time_enabled=True, create_initial_pipeline_run=True)
    assert firing.enabled(initial, LANDS + HOUR, has_runs=False).fires == fires(LANDS)
    assert firing.enabled(initial, NIGHT + HOUR, has_runs=False).fires == fires(LANDS), "one run, not two"
    assert firing.enabled(initial, NIGHT + HOUR, has_runs=True).fires == fires(LANDS - DAY)


def test_only_periods_land() -> None:
    cron = timed("0 12 * * *", start=at("01-01T09:30"), landing_time_enabled=True)
    assert firing.enabled(cron, NIGHT + HOUR, has_runs=False) == Decision((), (), NIGHT + HOUR, NIGHT + 12 * HOUR)
    assert decided(cron, NIGHT, NIGHT + HOUR, runtimes=[600.0]).due_at == NIGHT + 12 * HOUR
    startless = timed("@daily", landing_time_enabled=True)
    assert firing.enabled(startless, NIGHT + HOUR, has_runs=False).due_at == NIGHT + DAY
    assert decided(startless, NIGHT, NIGHT + HOUR, runtimes=[600.0]).due_at == NIGHT + DAY


def test_a_paused_trigger_lets_landings_pass_when_they_land() -> None:
    found = decided(LANDING, NIGHT, LANDS - MINUTE, active=False, runtimes=[600.0])
    assert found == Decision((), (), LANDS - MINUTE, LANDS + 4 * MINUTE)
    assert decided(LANDING, NIGHT, LANDS, active=False).gaps == (Gap(LANDS, LANDS, 1, "paused"),)


def test_the_next_times_are_told_from_the_start_time_on() -> None:
    assert firing.preview(DAILY, NIGHT, 2) == [NIGHT + DAY, NIGHT + 2 * DAY]
    assert firing.preview(timed("@daily", start=NIGHT + 5 * DAY), NIGHT, 1) == [NIGHT + 5 * DAY]
    assert firing.preview(LANDING, NIGHT, 2) == [LANDS, LANDS + DAY]
    assert firing.preview(DAILY, NIGHT, 0) == []


def test_a_trigger_whose_times_are_over_waits_for_nothing() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    assert decided(DAILY, end - HOUR, end - MINUTE) == Decision((), (), end - MINUTE, None)
    assert decided(DAILY, end - HOUR, end - MINUTE, active=False) == Decision((), (), end - MINUTE, None)


START = at("01-31T09:30")
FIRST = datetime(1, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "date", "end", "previous"),
    [
        ("@hourly", "03-01T05:00", "03-01T06:00", "03-01T04:00"),
        ("@daily", "03-01", "03-02", "02-28"),
        ("@weekly", "03-02", "03-09", "02-23"),
        ("@monthly", "03-01", "04-01", "02-01"),
        ("*/10 * * * *", "03-01T12:10", "03-01T12:20", "03-01T12:00"),
        ("0 9 * * 1-5", "03-06T09:00", "03-09T09:00", "03-05T09:00"),
    ],
)
def test_a_fire_time_lies_between_its_neighbours(interval: str, date: str, end: str, previous: str) -> None:
    seconds = (at(end) - at(date)).total_seconds()
    assert firing.slot_of(timed(interval, start=START), at(date)) == Slot(at(date), at(end), seconds, at(previous))


@pytest.mark.parametrize(
    ("interval", "length"),
    [
        ("@hourly", timedelta(hours=1)),
        ("@daily", timedelta(days=1)),
        ("@weekly", timedelta(days=7)),
        ("@monthly", timedelta(days=28)),
        ("*/10 * * * *", timedelta(minutes=10)),
    ],
)
def test_a_run_that_somebody_asked_for_is_given_the_length_of_its_period(interval: str, length: timedelta) -> None:
    asked = at("02-17T12:34:56")
    assert firing.slot_of(timed(interval, start=START), asked) == Slot(
        asked, asked + length, length.total_seconds(), asked - length
    )


def test_days_are_as_long_as_the_clocks_make_them() -> None:
    short = firing.slot_of(timed("@daily", "America/New_York"), at("03-08T05:00"))
    assert (short.interval_end, short.interval_seconds) == (at("03-09T04:00"), 23 * 3_600.0)
    assert short.previous == at("03-07T05:00")


def test_a_month_that_lands_on_its_last_day_ends_on_the_next_ones() -> None:
    landing = firing.slot_of(timed("@monthly", start=START, landing_time_enabled=True), at("02-28T09:30"))
    assert (landing.previous, landing.interval_end) == (at("01-31T09:30"), at("03-31T09:30"))


def test_a_trigger_without_times_of_its_own_gives_the_date_alone() -> None:
    date = at("03-01T05:00")
    api = Definition(name="t", type=TriggerType.API)
    assert [firing.slot_of(one, date) for one in (api, timed("@once"), timed("@always_on"))] == [Slot(date)] * 3
    for edge in (datetime(9999, 12, 31, 12, tzinfo=UTC), datetime(9999, 12, 26, 12, tzinfo=UTC), FIRST):
        assert firing.slot_of(timed("@weekly"), edge) == Slot(edge), "at the ends of the calendar, too"
