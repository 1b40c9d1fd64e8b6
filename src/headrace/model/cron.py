"""Cron: an expression as readings of a clock, in a calendar where every day has all its hours."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

from cronsim import CronSim

_SOME_DAY = datetime(2000, 1, 1)
_FIFTY_YEARS = 50 * 366


@dataclass(frozen=True, slots=True)
class Cron:
    """The readings that match an expression; they are naive."""

    text: str
    hours: tuple[int, ...] = field(repr=False, compare=False)
    minutes: tuple[int, ...] = field(repr=False, compare=False)
    seconds: tuple[int, ...] = field(repr=False, compare=False)
    months: frozenset[int] = field(repr=False, compare=False)
    on_day: Callable[[date], bool] = field(repr=False, compare=False)

    @property
    def comes(self) -> bool:
        """Whether it matches any day of fifty years."""
        first = _SOME_DAY.toordinal()
        return any(self._days(range(first, first + _FIFTY_YEARS)))

    def after(self, reading: datetime) -> Iterator[datetime]:
        """Every matching reading later than that one, ascending."""
        for day in self._days(range(reading.toordinal(), date.max.toordinal() + 1)):
            for at in self._times_from(reading.time() if day == reading.date() else time.min):
                if (found := datetime.combine(day, at)) > reading:
                    yield found

    def back(self, reading: datetime) -> Iterator[datetime]:
        """Every matching reading that is not later than that one, descending."""
        for day in self._days(range(reading.toordinal(), 0, -1)):
            for at in self._times_back(reading.time() if day == reading.date() else time.max):
                if (found := datetime.combine(day, at)) <= reading:
                    yield found

    def _days(self, ordinals: Iterable[int]) -> Iterator[date]:
        for day in map(date.fromordinal, ordinals):
            if day.month in self.months and self.on_day(day):
                yield day

    def _times_from(self, first: time) -> Iterator[time]:
        """The times of a matching day, ascending from that minute on."""
        for hour in self.hours[bisect_left(self.hours, first.hour) :]:
            skipped = bisect_left(self.minutes, first.minute) if hour == first.hour else 0
            for minute, second in itertools.product(self.minutes[skipped:], self.seconds):
                yield time(hour, minute, second)

    def _times_back(self, last: time) -> Iterator[time]:
        """The times of a matching day, descending from that minute on."""
        for hour in reversed(self.hours[: bisect_right(self.hours, last.hour)]):
            kept = bisect_right(self.minutes, last.minute) if hour == last.hour else len(self.minutes)
            for minute, second in itertools.product(reversed(self.minutes[:kept]), reversed(self.seconds)):
                yield time(hour, minute, second)


def parse(text: str) -> Cron:
    """The expression, of five fields or of six with the seconds first; CronSimError or ValueError when it is none."""
    read = CronSim(text, _SOME_DAY)
    return Cron(
        text=text,
        hours=tuple(sorted(read.hours)),
        minutes=tuple(sorted(read.minutes)),
        seconds=tuple(sorted(read.seconds)),
        months=frozenset(read.months),
        on_day=read.match_day,
    )
