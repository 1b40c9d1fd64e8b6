"""Virtual time: what is to happen, in order; and the clocks of the house, which tell it while a simulation runs."""

import contextlib
import heapq
import itertools
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace import clock, identity
from headrace.engine import owner

EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
UPTIME = 1000.0  # seconds that every machine was on when the simulation began

Deed = Callable[[], None]


class Timeline:
    """Seconds since the simulation began, and the deeds that are to be done at some of them."""

    def __init__(self) -> None:
        self.now = 0.0
        self._deeds: list[tuple[float, int, Deed]] = []
        self._order = itertools.count()

    def after(self, seconds: float, deed: Deed) -> None:
        heapq.heappush(self._deeds, (self.now + max(0.0, seconds), next(self._order), deed))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Does what is due, one deed after the other, for that long or until there is enough."""
        end = self.now + seconds
        while self._deeds and self._deeds[0][0] <= end and not until():
            due, _, deed = heapq.heappop(self._deeds)
            self.now = max(self.now, due)  # a deed may itself have let time pass
            deed()
        if not until():
            self.now = max(self.now, end)


class Clocks:
    """What the house asks for the time, for names and for the dead, answered from the timeline.

    `skew` are the seconds by which the wall clock of whoever acts is ahead.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._named = itertools.count(1)
        self.skew = 0.0
        self.watched: dict[str, list[Deed]] = {}

    def wall(self, skew: float = 0.0) -> datetime:
        return EPOCH + timedelta(seconds=self._timeline.now + skew)

    @contextlib.contextmanager
    def installed(self) -> Generator[None]:
        """They are the clocks of the house."""
        kept: list[tuple[Any, str, Any]] = []
        for place, name, own in (
            (clock, "now", lambda: self.wall(self.skew)),
            (clock, "monotonic", lambda: self._timeline.now + UPTIME),
            (clock, "boottime", lambda: self._timeline.now + UPTIME),
            (identity, "new", lambda: f"{next(self._named):012d}"),
            (owner, "watch", lambda home, name, died: self.watched.setdefault(name, []).append(died)),
        ):
            kept.append((place, name, getattr(place, name)))
            setattr(place, name, own)
        try:
            yield
        finally:
            for place, name, own in kept:
                setattr(place, name, own)

    def died(self, name: str) -> None:
        """Nothing of that engine lives any more: whoever watches it is told."""
        for told in self.watched.pop(name, []):
            told()
