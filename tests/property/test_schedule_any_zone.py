"""Any zone, any cron, any window: fire times are those of a slow oracle, which looks at the clocks at every minute."""

import itertools
import random
import zoneinfo
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.model import schedule
from headrace.model.schedule import TICK, Schedule

ZONES = sorted(zoneinfo.available_timezones() - {"localtime"})
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Cron:
    """An expression and, apart from its text, what it means: the values that each field admits."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both: bool  # the day of the month and that of the week are needed
    fixed: bool

    def matches(self, reading: datetime) -> bool:
        return (
            reading.second in self.seconds
            and reading.minute in self.minutes
            and reading.hour in self.hours
            and reading.month in self.months
            and self.on_day(reading)
        )

    def on_day(self, reading: datetime) -> bool:
        day, weekday = reading.day in self.days, reading.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.both else (day or weekday)


Field = tuple[str, frozenset[int]]


def _field(least: int, most: int, dice: random.Random) -> Field:
    """One field: a star, a star with a step, a list, a range or a value."""
    everything = range(least, most + 1)
    step, some = dice.randint(2, 20), sorted(dice.sample(everything, min(3, len(everything))))
    low, high = some[0], some[-1]
    return dice.choice(
        [
            ("*", frozenset(everything)),
            ("*", frozenset(everything)),
            (f"*/{step}", frozenset(everything[::step])),
            (",".join(map(str, some)), frozenset(some)),
            (f"{low}-{high}", frozenset(range(low, high + 1))),
            (f"{low}-{high}/{step}", frozenset(range(low, high + 1)[::step])),
            (str(low), frozenset([low])),
        ]
    )


def _near(least: int, most: int, value: int, dice: random.Random) -> Field:
    """A field that admits what the clocks show about when they are changed, more often than not."""
    if dice.random() < 0.4:
        return _field(least, most, dice)
    some = {min(max(value + dice.randint(-1, 1), least), most) for _ in range(2)}
    return ",".join(map(str, sorted(some))), frozenset(some)


def _cron(dice: random.Random, about: datetime) -> Cron:
    minute = dice.choice([_field(0, 59, dice), _near(0, 59, about.minute, dice), ("*/15", frozenset({0, 15, 30, 45}))])
    hour = _near(0, 23, about.hour, dice)
    day = ("*", frozenset(range(1, 32))) if dice.random() < 0.6 else _near(1, 31, about.day, dice)
    month = ("*", frozenset(range(1, 13))) if dice.random() < 0.6 else _near(1, 12, about.month, dice)
    weekday = ("*", frozenset(range(7))) if dice.random() < 0.6 else _field(0, 6, dice)
    second = dice.choice([None, None, None, ("0", frozenset({0})), ("20-40/20", frozenset({20, 40}))])
    fields = [minute, hour, day, month, weekday]
    return Cron(
        text=" ".join(text for text, _ in [*fields, *([second] if second else [])]),
        seconds=second[1] if second else frozenset({0}),
        minutes=minute[1],
        hours=hour[1],
        days=day[1],
        months=month[1],
        weekdays=weekday[1],
        both=day[0].startswith("*") or weekday[0].startswith("*"),
        fixed=not (minute[0].startswith("*") or hour[0].startswith("*")),
    )


def oracle(cron: Cron, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """Walks through time and reads the clock: whatever it shows for the first time counts for a job at fixed times,
    be it what it jumps over; whatever it shows, for another job."""
    step = 10 * SECOND if cron.seconds != {0} else _step(zone, after)
    moment = after.replace(second=0, microsecond=0) - (DAY / 2 if cron.fixed else timedelta())
    highest = _reading(moment - step, zone)
    while moment <= until:
        reading = _reading(moment, zone)
        fires = any(map(cron.matches, _climbed(highest, reading, step))) if cron.fixed else cron.matches(reading)
        if fires and moment > after:
            yield moment
        highest, moment = max(highest, reading), moment + step


def _step(zone: ZoneInfo, near: datetime) -> timedelta:
    """Some clocks were half a minute apart from all others (Monrovia's, until 1972)."""
    odd = {near.astimezone(zone).utcoffset() % MINUTE, (near - DAY).astimezone(zone).utcoffset() % MINUTE}
    return MINUTE if odd == {timedelta()} else MINUTE / 2


def _reading(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _climbed(highest: datetime, reading: datetime, step: timedelta) -> Iterator[datetime]:
    while highest < reading:
        highest += step
        yield min(highest, reading)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """When the clocks of a zone were changed, to the minute."""
    zone, found = ZoneInfo(name), []
    weeks = itertools.takewhile(lambda moment: moment < LAST, (FIRST + n * 7 * DAY for n in itertools.count()))
    for before, after in itertools.pairwise(weeks):
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            found.append(_change(zone, before, after))
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    while after - before > MINUTE:
        middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
        same = middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset()
        before, after = (middle, after) if same else (before, middle)
    return after


@dataclass(frozen=True)
class Case:
    """A zone, a cron, and a window in which the clocks may be changed."""

    zone: str
    cron: Cron
    after: datetime
    until: datetime

    @property
    def times(self) -> Schedule:
        return schedule.parse(self.cron.text, self.zone)


def case(zone: str, dice: random.Random) -> Case | None:
    """None when what was drawn never comes, as 31 November."""
    about = dice.choice(changes(zone) or (FIRST + dice.random() * (LAST - FIRST),))
    cron = _cron(dice, _reading(about, ZoneInfo(zone)))
    if not _comes(cron):
        return None
    after = about - dice.random() * timedelta(hours=8)
    return Case(zone, cron, after, about + dice.random() * timedelta(hours=8 if cron.seconds != {0} else 20))


def _comes(cron: Cron) -> bool:
    """Each date of a leap year falls on every day of the week once in a while."""
    return not cron.both or any(min(cron.days) <= monthrange(2024, month)[1] for month in cron.months)


@st.composite
def cases(draw: Callable[..., object]) -> Case:
    zone, seed = draw(st.sampled_from(ZONES)), draw(st.integers(0, 2**32))
    found = filter(None, (case(zone, random.Random(seed + n)) for n in itertools.count()))
    return next(found)


def judge(drawn: Case) -> None:
    """The fires of the window are the oracle's, and everything that can be asked about them agrees."""
    times, zone = drawn.times, ZoneInfo(drawn.zone)
    fires = list(times.within(drawn.after, drawn.until))
    assert fires == list(oracle(drawn.cron, zone, drawn.after, drawn.until)), drawn
    assert all(early < late for early, late in itertools.pairwise(fires))
    assert times.fixed is drawn.cron.fixed
    for before, fire in list(itertools.pairwise(fires))[:: len(fires) // 20 + 1]:
        assert times.latest(fire) == fire, drawn
        assert times.latest(fire - TICK) == before, drawn


@pytest.mark.parametrize("letter", sorted({zone[0] for zone in ZONES}))
def test_every_zone_keeps_its_times_where_its_clocks_are_changed(letter: str) -> None:
    for zone in (zone for zone in ZONES if zone[0] == letter):
        dice = random.Random(zone)
        found = filter(None, (case(zone, dice) for _ in itertools.count()))
        for drawn in itertools.islice(found, 2):
            judge(drawn)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_any_cron_fires_when_the_oracle_says(drawn: Case) -> None:
    judge(drawn)


@settings(max_examples=150, deadline=None)
@given(cases(), st.floats(0, 1))
def test_a_window_may_be_split_anywhere(drawn: Case, part: float) -> None:
    times, middle = drawn.times, drawn.after + part * (drawn.until - drawn.after)
    whole = list(times.within(drawn.after, drawn.until))
    assert [*times.within(drawn.after, middle), *times.within(middle, drawn.until)] == whole
    before = [fire for fire in whole if fire <= middle]
    assert times.latest(middle) == (before[-1] if before else times.latest(drawn.after))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(1970, 2036),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["*", "1-5", "0", "3,6"]),
)
def test_a_job_at_a_fixed_time_runs_once_for_each_of_its_days(
    name: str, year: int, hour: int, minute: int, weekdays: str
) -> None:
    """At that time, or where the clocks skip it at the first instant that they show a later one."""
    times, zone = schedule.parse(f"{minute} {hour} * * {weekdays}", name), ZoneInfo(name)
    on = {"*": range(7), "1-5": range(1, 6), "0": [0], "3,6": [3, 6]}[weekdays]
    first = datetime(year, 1, 1, hour, minute)
    days = [day for day in (first + n * DAY for n in range(365)) if day.isoweekday() % 7 in on]
    fires = times.after(_showing(first, zone) - TICK)
    last = None
    for wanted in days:
        fire = last if last and _reading(last, zone) >= wanted else next(fires)  # a day that never was came already
        assert _reading(fire, zone) >= wanted > _reading(fire - SECOND, zone)
        assert _reading(fire, zone) == wanted or not _shown(wanted, zone)
        last = fire


def _showing(reading: datetime, zone: ZoneInfo) -> datetime:
    """The first minute at which the clocks show that or more."""
    moment = reading.replace(tzinfo=UTC) - DAY
    while _reading(moment, zone) < reading:
        moment += MINUTE / 2
    return moment


def _shown(reading: datetime, zone: ZoneInfo) -> bool:
    return _reading(reading.replace(tzinfo=zone).astimezone(UTC), zone) == reading


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_rare_days_are_found_from_both_sides(zone: str) -> None:
    for text in ("0 0 29 2 *", "15 3 31 * *", "0 12 L * *", "30 1 * * mon#5", "0 0 1 1 *", "0 4 LW * *", "0 5 * * 5L"):
        times = schedule.parse(text, zone)
        fires = list(times.within(FIRST, LAST))
        asked = [times.latest(fire + timedelta(hours=n)) for n in (0, 7) for fire in fires]
        assert asked == [*fires, *fires]
        assert [times.latest(late - TICK) for late in fires[1:]] == fires[:-1]
