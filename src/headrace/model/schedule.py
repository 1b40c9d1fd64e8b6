"""Schedule: what the interval and the zone of a time trigger mean, as fire times."""

import contextlib
import heapq
import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from headrace.errors import BadSchedule
from headrace.model import cron
from headrace.model.cron import Cron
from headrace.model.trigger import Definition

ONCE, ALWAYS_ON = "@once", "@always_on"
PERIODS = {  # where each begins, as cron with the seconds first
    "@hourly": "0 0 * * * *",
    "@daily": "0 0 0 * * *",
    "@weekly": "0 0 0 * * MON",
    "@monthly": "0 0 0 1 * *",
}
LONGEST = 255  # characters of an interval
TICK = timedelta(microseconds=1)  # moments nearer to each other are one


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a time trigger fires, by the clocks of its zone, also on the days when they are put forward or back.

    * A job at fixed times (cron whose minute and hour do not begin with a star; @daily, @weekly and @monthly, with a
      landing time or without) fires once for each matching reading: when the clocks first show it or,
      where they skip it, at the first instant after. Readings that come to the same instant are one fire time.
    * Any other (@hourly, cron with a star there) fires whenever the clocks show a matching reading:
      twice where they show it twice, not at all where they skip it.
    """

    interval: str
    zone: ZoneInfo
    crons: tuple[Cron, ...]  # a reading matches when it matches any; @once and @always_on have none
    fixed: bool

    @property
    def once(self) -> bool:
        """Whether it fires a single time, at no time of its own."""
        return self.interval == ONCE

    @property
    def always_on(self) -> bool:
        """Whether it fires whenever its last run has ended."""
        return self.interval == ALWAYS_ON

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every fire time later than that moment, ascending, in UTC; they end with the calendar."""
        last = moment
        with contextlib.suppress(OverflowError):
            for fire in self._fires(self._readings(moment)):
                if fire > last:
                    last = fire
                    yield fire

    def within(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The fire times later than the one moment and not later than the other, ascending."""
        return itertools.takewhile(lambda fire: fire <= until, self.after(after))

    def first(self, moment: datetime) -> datetime | None:
        """The first fire time later than that moment; None when there is none to come."""
        return _first(self, moment)

    def latest(self, moment: datetime) -> datetime | None:
        """The latest fire time that is not later than that moment; None when there was none since the calendar began."""
        return _latest(self, moment)

    def _fires(self, readings: Iterator[datetime]) -> Iterator[datetime]:
        """The instants of ascending readings, ascending: what comes twice comes again when the rest has come once."""
        again: deque[datetime] = deque()
        for reading in readings:
            instants = self.instants(reading)
            while again and instants and again[0] < instants[0]:
                yield again.popleft()
            yield from instants[:1]
            again.extend(instants[1:])
        yield from again

    def instants(self, reading: datetime) -> tuple[datetime, ...]:
        """When it fires for that reading: none, one or two instants, ascending."""
        first, second = _instant(reading, self.zone, fold=0), _instant(reading, self.zone, fold=1)
        if first > second:
            return (_skipping(second, first, self.zone),) if self.fixed else ()
        return (first,) if self.fixed or first == second else (first, second)

    def _readings(self, moment: datetime) -> Iterator[datetime]:
        """Every matching reading that the clocks show after that moment, ascending."""
        local = moment.astimezone(self.zone)
        to_come = _instant(local, self.zone, fold=1) - moment  # until clocks that will be put back show the same again
        lowest = local.replace(tzinfo=None) - to_come
        return heapq.merge(*(each.after(lowest) for each in self.crons))

    def readings_back(self, moment: datetime) -> Iterator[datetime]:
        """Every matching reading that is not above what the clocks show at that moment, descending."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        return heapq.merge(*(each.back(local) for each in self.crons), reverse=True)


@lru_cache(maxsize=4096)  # thousands of triggers of one schedule come due at once
def _first(times: Schedule, moment: datetime) -> datetime | None:
    return next(times.after(moment), None)


@lru_cache(maxsize=4096)
def _latest(times: Schedule, moment: datetime) -> datetime | None:
    with contextlib.suppress(OverflowError):
        for reading in times.readings_back(moment):
            if instants := times.instants(reading):
                return max(itertools.chain(instants[:1], times.within(instants[0], moment)))
    return None


def of(definition: Definition) -> Schedule:
    """The schedule of a time trigger's definition; its start time counts here only for where runs are to land."""
    landing = definition.start_time if definition.settings.landing_time_enabled else None
    return parse(definition.interval or "", definition.zone, landing)


@lru_cache(maxsize=4096)
def parse(interval: str, zone: str = "UTC", landing: datetime | None = None) -> Schedule:
    """What an interval means in an IANA zone.

    `interval` is @once, @hourly, @daily, @weekly, @monthly, @always_on, or cron: five fields, or six with the seconds
    last. With a `landing`, each hour, day, week or month has its fire time not where it begins but where the landing
    lies in its own, as the zone's clocks show it; past the end of a shorter month, on that month's last day. Other
    intervals are not moved by it. BadSchedule names the field that means nothing, or no time that ever comes.
    """
    found = _zone(zone)
    if interval in (ONCE, ALWAYS_ON):
        return Schedule(interval, found, (), fixed=False)
    if interval in PERIODS:
        texts = _landing(interval, landing.astimezone(found)) if landing else (PERIODS[interval],)
        return Schedule(interval, found, tuple(map(cron.parse, texts)), fixed=interval != "@hourly")
    return Schedule(interval, found, (_cron(interval),), fixed=_fixed(interval.split()))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadSchedule(field="zone", given=name, expected="the name of an IANA time zone, as Europe/Paris") from None


def _cron(interval: str) -> Cron:
    """The expression, once it is certain that it comes true."""
    parts = interval.split()
    if len(interval) > LONGEST:
        raise BadSchedule(field="interval", given=f"{interval[:40]}…", expected=f"at most {LONGEST} characters")
    if len(parts) not in (5, 6):
        expected = f"{ONCE}, {', '.join(PERIODS)}, {ALWAYS_ON}, or cron of five fields, or of six with the seconds last"
        raise BadSchedule(field="interval", given=interval, expected=expected)
    try:
        found = cron.parse(" ".join(["0", *parts] if len(parts) == 5 else [parts[5], *parts[:5]]))
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ")
        raise BadSchedule(field="interval", given=interval, expected=f"cron whose {wrong} is possible") from None
    if not found.comes:
        raise BadSchedule(field="interval", given=interval, expected="cron that comes true within fifty years")
    return found


def _fixed(parts: list[str]) -> bool:
    return not parts[0].startswith("*") and not parts[1].startswith("*")


def _landing(interval: str, at: datetime) -> tuple[str, ...]:
    minute, hour = f"{at.second} {at.minute}", f"{at.second} {at.minute} {at.hour}"
    match interval:
        case "@hourly":
            return (f"{minute} * * * *",)
        case "@daily":
            return (f"{hour} * * *",)
        case "@weekly":
            return (f"{hour} * * {at.isoweekday()}",)
        case _:
            return _of_month(hour, at.day)


def _of_month(hour: str, day: int) -> tuple[str, ...]:
    """That day of each month; in February, its last day for those that it lacks."""
    if day == 31:
        return (f"{hour} L * *",)
    return (f"{hour} {day} * *", f"{hour} L 2 *") if day > 28 else (f"{hour} {day} * *",)


def _instant(reading: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    """When the zone's clocks show that, the first or second time; of a skipped reading, the first is the later."""
    return reading.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _skipping(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, to the second, of the offset that the clocks have at the later of two instants."""
    offset = after.astimezone(zone).utcoffset()
    seconds = range(int((after - before).total_seconds()))
    passed = bisect_left(
        seconds, True, key=lambda n: (before + timedelta(seconds=n)).astimezone(zone).utcoffset() == offset
    )
    return before + timedelta(seconds=passed)
