"""What intervals and zones mean: the traps of the calendar and of the clocks, one by one."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.errors import BadInput, BadSchedule
from headrace.model import schedule
from headrace.model.schedule import TICK, Schedule
from headrace.model.trigger import Definition, TriggerSettings, TriggerType

NEW_YORK, LORD_HOWE, BEIRUT, APIA = "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"


def at(text: str, zone: str = "UTC") -> datetime:
    """A moment as a zone's clocks show it, the first time they do."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def shown(times: Schedule, first: str, last: str) -> list[str]:
    """The fire times from one local moment to another, as clocks show them, with their offset."""
    zone = str(times.zone)
    found = times.within(at(first, zone) - TICK, at(last, zone))
    return [f"{fire.astimezone(times.zone):%m-%d %H:%M:%S%z}" for fire in found]


def following(interval: str, moment: str, count: int, zone: str = "UTC", landing: datetime | None = None) -> list[str]:
    times = schedule.parse(interval, zone, landing)
    return [
        f"{fire.astimezone(times.zone):%Y-%m-%d %H:%M:%S}"
        for fire in itertools.islice(times.after(at(moment, zone)), count)
    ]


@pytest.mark.parametrize(
    ("interval", "fires"),
    [
        ("@hourly", ["2026-01-31 13:00:00", "2026-01-31 14:00:00"]),
        ("@daily", ["2026-02-01 00:00:00", "2026-02-02 00:00:00"]),
        ("@weekly", ["2026-02-02 00:00:00", "2026-02-09 00:00:00"]),
        ("@monthly", ["2026-02-01 00:00:00", "2026-03-01 00:00:00"]),
        ("*/20 13 * * *", ["2026-01-31 13:00:00", "2026-01-31 13:20:00"]),
        ("30 */12 * * *", ["2026-01-31 12:30:00", "2026-02-01 00:30:00"]),
        ("5 4 * * sun", ["2026-02-01 04:05:00", "2026-02-08 04:05:00"]),
        ("5 4 * * * 30", ["2026-02-01 04:05:30", "2026-02-02 04:05:30"]),  # the seconds are last
        ("* * * * * */40", ["2026-01-31 12:01:00", "2026-01-31 12:01:40"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 L * *", ["2026-02-28 00:00:00", "2026-03-31 00:00:00"]),
        ("0 0 13 * 5", ["2026-02-06 00:00:00", "2026-02-13 00:00:00"]),  # either day will do
        ("0 0 */13 * 6", ["2026-02-14 00:00:00", "2026-03-14 00:00:00"]),  # but for a star, both are needed
    ],
)
def test_intervals_fire_where_they_say(interval: str, fires: list[str]) -> None:
    assert following(interval, "2026-01-31T12:00:59", len(fires)) == fires
    assert following(interval, "2026-01-31T12:00:59", len(fires), "Asia/Tokyo") == fires, "in the zone that is given"


def test_fire_times_are_later_than_the_moment_and_the_latest_is_not() -> None:
    times, noon = schedule.parse("0 12 * * *"), at("2026-03-01T12:00")
    assert next(times.after(noon)) == noon + timedelta(days=1)
    assert next(times.after(noon - TICK)) == noon
    assert times.latest(noon) == times.latest(noon + TICK) == noon
    assert times.latest(noon - TICK) == noon - timedelta(days=1)
    assert list(times.within(noon, noon + timedelta(days=1))) == [noon + timedelta(days=1)]
    assert next(times.after(noon)).tzinfo is UTC


def test_once_and_always_on_have_no_times_of_their_own() -> None:
    once, always_on = schedule.parse("@once"), schedule.parse("@always_on", NEW_YORK)
    assert (once.once, once.always_on) == (True, False)
    assert (always_on.once, always_on.always_on) == (False, True)
    for times in (once, always_on):
        assert list(times.after(at("2026-01-01"))) == []
        assert times.latest(at("2026-01-01")) is None
    assert not schedule.parse("@daily").once


def test_a_time_that_clocks_skip_is_kept_at_the_first_instant_after() -> None:
    times = schedule.parse("30 2 * * *", NEW_YORK)
    assert shown(times, "2026-03-07", "2026-03-10") == [
        "03-07 02:30:00-0500",
        "03-08 03:00:00-0400",
        "03-09 02:30:00-0400",
    ]
    assert times.latest(at("2026-03-08T03:10", NEW_YORK)) == at("2026-03-08T03:00", NEW_YORK)


def test_times_that_are_skipped_together_are_one_and_so_is_the_one_that_clocks_go_on_with() -> None:
    times = schedule.parse("0,30 2,3 * * *", NEW_YORK)
    assert shown(times, "2026-03-08", "2026-03-09") == ["03-08 03:00:00-0400", "03-08 03:30:00-0400"]


def test_a_time_that_clocks_show_twice_is_kept_the_first_time() -> None:
    times = schedule.parse("30 1 * * *", NEW_YORK)
    assert shown(times, "2026-10-31", "2026-11-03") == [
        "10-31 01:30:00-0400",
        "11-01 01:30:00-0400",
        "11-02 01:30:00-0500",
    ]
    second = at("2026-11-01T01:10", NEW_YORK) + timedelta(hours=1)
    assert times.latest(second) == at("2026-11-01T01:30", NEW_YORK), "though clocks show an earlier time again"


def test_other_jobs_follow_the_clocks_through_both() -> None:
    half_hours = schedule.parse("*/30 1-3 * * *", NEW_YORK)
    assert shown(half_hours, "2026-03-08T01:30", "2026-03-08T03:30") == [
        "03-08 01:30:00-0500",
        "03-08 03:00:00-0400",
        "03-08 03:30:00-0400",
    ]
    assert shown(half_hours, "2026-11-01", "2026-11-01T02:00") == [
        "11-01 01:00:00-0400",
        "11-01 01:30:00-0400",
        "11-01 01:00:00-0500",
        "11-01 01:30:00-0500",
        "11-01 02:00:00-0500",
    ]
    first = at("2026-11-01T01:30", NEW_YORK)
    assert next(half_hours.after(first)) == first + timedelta(minutes=30), "from amidst the hour that comes again"


def test_a_job_at_a_fixed_time_may_say_the_second() -> None:
    times = schedule.parse("30 2 * * * 15", NEW_YORK)
    told = ["03-07 02:30:15-0500", "03-08 03:00:00-0400", "03-09 02:30:15-0400"]
    assert shown(times, "2026-03-07", "2026-03-10") == told


def test_a_star_in_the_minutes_or_in_the_hours_makes_a_job_follow_the_clocks() -> None:
    stars = {
        "30 2 * * *": True,
        "*/30 2 * * *": False,
        "30 */2 * * *": False,
        "30 2 * * * 0": True,
        "*/30 2 * * * 0": False,
    }
    assert {text: schedule.parse(text).fixed for text in stars} == stars


def test_hours_are_real_hours() -> None:
    times = schedule.parse("@hourly", NEW_YORK)
    for day, hours in (("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)):
        start = at(day, NEW_YORK)
        found = list(times.within(start - TICK, start + timedelta(hours=hours) - TICK))
        assert found == [start + timedelta(hours=n) for n in range(hours)]


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    assert shown(schedule.parse("15 2 * * *", LORD_HOWE), "2026-10-03", "2026-10-06") == [
        "10-03 02:15:00+1030",
        "10-04 02:30:00+1100",
        "10-05 02:15:00+1100",
    ]
    assert shown(schedule.parse("*/15 1-3 * * *", LORD_HOWE), "2026-10-04T01:45", "2026-10-04T03:00") == [
        "10-04 01:45:00+1030",
        "10-04 02:30:00+1100",
        "10-04 02:45:00+1100",
        "10-04 03:00:00+1100",
    ]
    assert shown(schedule.parse("*/15 * * * *", LORD_HOWE), "2026-04-05T01:30", "2026-04-05T02:00") == [
        "04-05 01:30:00+1100",
        "04-05 01:45:00+1100",
        "04-05 01:30:00+1030",
        "04-05 01:45:00+1030",
        "04-05 02:00:00+1030",
    ]


def test_a_day_of_beirut_that_has_no_midnight_begins_at_one() -> None:
    days = schedule.parse("@daily", BEIRUT)
    assert shown(days, "2026-03-28", "2026-03-30") == [
        "03-28 00:00:00+0200",
        "03-29 01:00:00+0300",
        "03-30 00:00:00+0300",
    ]
    assert shown(schedule.parse("@hourly", BEIRUT), "2026-03-28T23:00", "2026-03-29T02:00") == [
        "03-28 23:00:00+0200",
        "03-29 01:00:00+0300",
        "03-29 02:00:00+0300",
    ]


def test_a_day_that_apia_never_had_begins_with_the_next() -> None:
    noons = schedule.parse("0 12 * * *", APIA)
    assert shown(noons, "2011-12-29", "2012-01-01") == [
        "12-29 12:00:00-1000",
        "12-31 00:00:00+1400",
        "12-31 12:00:00+1400",
    ]
    assert shown(schedule.parse("@daily", APIA), "2011-12-29", "2012-01-01") == [
        "12-29 00:00:00-1000",
        "12-31 00:00:00+1400",
        "01-01 00:00:00+1400",
    ]


@pytest.mark.parametrize(
    ("interval", "landing", "fires"),
    [
        ("@hourly", "2020-01-31T17:45:30", ["2026-01-31 12:45:30", "2026-01-31 13:45:30"]),
        ("@daily", "2020-01-31T17:45:30", ["2026-01-31 17:45:30", "2026-02-01 17:45:30"]),
        ("@weekly", "2020-01-26T17:45:30", ["2026-02-01 17:45:30", "2026-02-08 17:45:30"]),  # on Sundays
        ("@monthly", "2020-01-28T17:45:30", ["2026-02-28 17:45:30", "2026-03-28 17:45:30"]),
        ("@monthly", "2020-01-29T09:00", ["2026-02-28 09:00:00", "2026-03-29 09:00:00", "2026-04-29 09:00:00"]),
        ("@monthly", "2020-01-30T09:00", ["2026-02-28 09:00:00", "2026-03-30 09:00:00", "2026-04-30 09:00:00"]),
        ("@monthly", "2020-01-31T09:00", ["2026-02-28 09:00:00", "2026-03-31 09:00:00", "2026-04-30 09:00:00"]),
    ],
)
def test_runs_land_where_the_landing_time_lies_in_its_own_period(interval: str, landing: str, fires: list[str]) -> None:
    for zone in ("UTC", NEW_YORK, "Asia/Tokyo"):
        assert following(interval, "2026-01-31T12:00", len(fires), zone, at(landing, zone)) == fires
    assert schedule.parse(interval, "UTC", at(landing)).fixed is (interval != "@hourly")


def test_a_landing_on_the_29th_is_the_29th_of_a_leap_february() -> None:
    landing = at("2020-01-29T09:00")
    assert following("@monthly", "2028-02-01", 2, landing=landing) == ["2028-02-29 09:00:00", "2028-03-29 09:00:00"]
    earlier = following("@monthly", "2028-02-01", 2, landing=at("2020-01-28T09:00"))
    assert earlier == ["2028-02-28 09:00:00", "2028-03-28 09:00:00"]
    assert following("@monthly", "2028-02-01", 1, landing=at("2020-01-31T09:00")) == ["2028-02-29 09:00:00"]
    times = schedule.parse("@monthly", landing=landing)
    assert times.latest(at("2028-03-29T08:59")) == at("2028-02-29T09:00")
    assert times.latest(at("2028-04-01")) == at("2028-03-29T09:00")


def test_a_landing_time_is_where_the_clocks_of_the_zone_show_it() -> None:
    landing = at("2026-01-04T22:30")  # Monday, half past seven, in Tokyo
    assert following("@weekly", "2026-02-01", 1, "Asia/Tokyo", landing) == ["2026-02-02 07:30:00"]


def test_what_is_no_period_is_not_moved_by_a_landing_time() -> None:
    landing = at("2026-01-04T22:30")
    assert following("0 5 * * *", "2026-02-01", 1, landing=landing) == ["2026-02-01 05:00:00"]
    assert schedule.parse("@once", landing=landing).once


def test_a_definition_lands_only_when_it_says_so() -> None:
    start = at("2026-01-01T08:15")
    plain = Definition(name="t", type=TriggerType.TIME, interval="@daily", zone=NEW_YORK, start_time=start)
    assert schedule.of(plain) == schedule.parse("@daily", NEW_YORK)
    landing = Definition(
        name="t",
        type=TriggerType.TIME,
        interval="@daily",
        start_time=start,
        settings=TriggerSettings(landing_time_enabled=True),
    )
    assert schedule.of(landing) == schedule.parse("@daily", "UTC", start)
    with pytest.raises(BadSchedule, match=r"^The interval of a trigger is ''; it must be @once, @hourly"):
        schedule.of(Definition(name="t", type=TriggerType.TIME))


def test_an_interval_that_is_endless_is_refused() -> None:
    with pytest.raises(BadSchedule, match="at most 255 characters"):
        schedule.parse("9" * 5000 + " * * * *")


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("", "@once, @hourly, @daily, @weekly, @monthly, @always_on, or cron of five fields, or of six"),
        ("  ", "@once"),
        ("@yearly", "@once"),
        ("@Daily", "@once"),
        ("* * * *", "@once"),
        ("* * * * * * *", "@once"),
        ("61 * * * *", "cron whose minute is possible"),
        ("* 24 * * *", "cron whose hour is possible"),
        ("* * * * * 60", "cron whose second is possible"),
        ("x * * * *", "cron whose minute is possible"),
        ("*/0 * * * *", "cron whose minute is possible"),
        ("5-1 * * * *", "cron whose minute is possible"),
        ("0 0 1 13 *", "cron whose month is possible"),
        ("0 0 * * mon#6", "cron whose day-of-week is possible"),
        ("0 0 30 2 *", "cron whose day-of-month is possible"),
        ("0 0 31 4,6 *", "cron whose day-of-month is possible"),
        ("0 0 */14 * mon#2", "cron that comes true within fifty years"),
        ("9" * 200 + " * * * *", "cron whose minute is possible"),
    ],
)
def test_an_interval_that_means_nothing_or_never_comes_is_refused(interval: str, expected: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        schedule.parse(interval)
    assert isinstance(refused.value, BadInput)
    assert (refused.value.facts["field"], refused.value.facts["given"]) == ("interval", interval)
    assert refused.value.facts["expected"].startswith(expected)
    assert len(str(refused.value)) < 400, "a text of any length is named by how it begins"


@pytest.mark.parametrize(
    "zone", ["", "Nowhere", "europe/paris", " UTC", "America", "../UTC", "/etc/localtime", "a\0b", "\ud800", "x" * 9000]
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(BadSchedule, match="it must be the name of an IANA time zone") as refused:
        schedule.parse("@daily", zone)
    assert (refused.value.facts["field"], refused.value.facts["given"]) == ("zone", zone)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_fire_times_end_with_the_calendar(zone: str) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for interval in ("@daily", "@hourly", "* * * * * *"):
        times = schedule.parse(interval, zone)
        assert len(list(itertools.islice(times.after(last - timedelta(days=3)), 2))) == 2
        assert len(list(schedule.parse("@daily", zone).after(last - timedelta(days=3)))) <= 3
        assert list(times.after(last)) == []
        assert times.latest(first) in (None, first)
    assert schedule.parse("@daily", zone).latest(last - timedelta(days=3))
