"""A virtual year of a thousand triggers: restarts, outages, crashes and a second engine, and each fire time once.

What is expected is cut from the plain fire times of each trigger, which the property tests of schedules hold to a slow
oracle. HEADRACE_YEAR_SEED=n draws that year again; HEADRACE_YEAR_SHARE=n has so many times the daily and hourly ones.
"""

import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.between import Gated
from tests.engine.clockwork import Clockwork
from tests.engine.parts import unavailable

from headrace import errors
from headrace import store as stores
from headrace.engine.maker import Maker
from headrace.engine.scheduler import Scheduler
from headrace.model import schedule
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.settings import Settings
from headrace.store import Store, databases, tables

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TRIGGERS = 1000
SHARE = int(os.environ.get("HEADRACE_YEAR_SHARE", "1"))
SELDOM = ["@monthly", "0 6 1 */3 *", "0 0 29 2 *", "30 2 1-7 3,10,11 *", "0 0 L * *"] * 2 + ["@weekly"]
OFTEN = {"@daily": 4 * SHARE, "30 2 * * *": 2 * SHARE, "0 */11 * * *": SHARE, "@hourly": SHARE - 1}
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"]


@pytest.fixture
def home() -> Iterator[Path]:
    """In memory where that can be: what a commit waits for is no question here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        yield Path(place)


@pytest.fixture
def works(home: Path, tmp_path: Path) -> Iterator[Clockwork]:
    store = stores.open(home)
    yield Clockwork(store, home, tmp_path / "mill")
    store.close()


@dataclass
class Line:
    """A trigger, and what is expected of it so far."""

    id: int
    definition: Definition
    times: list[datetime]
    active: bool = True
    runs: list[datetime] = field(default_factory=list[datetime])
    gaps: Counter[str] = field(default_factory=Counter[str])

    def looked_at(self, now: datetime) -> None:
        found = list[datetime]()
        while self.times and self.times[-1] <= now:
            found.append(self.times.pop())
        kept = self._kept(found, now) if self.active else []
        self.runs += kept
        self.gaps["no_engine" if self.active else "paused"] += len(found) - len(kept)

    def _kept(self, found: list[datetime], now: datetime) -> list[datetime]:
        match self.definition.settings.catch_up:
            case CatchUp.ALL:
                return found
            case CatchUp.LAST:
                return found[-1:]
            case CatchUp.NONE:
                return [time for time in found if now - time <= MINUTE]


class Meddling:
    """The real triggers; of some transactions something else comes first, and some come to nothing."""

    def __init__(self, triggers: Any) -> None:
        self._triggers = triggers
        self.before: Callable[[], object] | None = None
        self.within: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._triggers, name)

    @contextmanager
    def firing(self) -> Generator[Any]:
        if before := self.before:
            self.before = None
            before()
        with self._triggers.firing() as writing:
            yield writing
            if error := self.within:
                self.within = None
                raise error


class Engine:
    """A scheduler of its own, as a process has it."""

    def __init__(self, store: Store, home: Path) -> None:
        self.triggers = Meddling(store.triggers)
        gated = Gated(store, lambda moment, call: None)
        gated.triggers = self.triggers  # type: ignore[assignment]
        self.scheduler = Scheduler(gated, Maker(gated, Settings(home=home)))


class Year:
    def __init__(self, works: Clockwork, home: Path, seed: int) -> None:
        self.works, self.home = works, home
        self.dice = random.Random(seed)
        self.engine, self.other = self.start(), self.start()
        self.told = Counter[str]()
        pipelines = [works.pipeline("daily"), works.pipeline("other")]
        often = [interval for interval, count in OFTEN.items() for _ in range(count)]
        intervals = often + [self.dice.choice(SELDOM) for _ in range(TRIGGERS - len(often))]
        self.lines = [self.line(n, interval, pipelines[n % 2]) for n, interval in enumerate(intervals)]
        self.next: datetime | None = BEGIN

    def start(self) -> Engine:
        return Engine(self.works.store, self.home)

    def line(self, number: int, interval: str, pipeline: int) -> Line:
        settings = TriggerSettings(catch_up=self.dice.choice([CatchUp.LAST, *CatchUp]))
        zone = self.dice.choice(ZONES)
        definition = Definition(
            name=f"t{number}", type=TriggerType.TIME, interval=interval, zone=zone, settings=settings
        )
        made = self.works.registry.create(pipeline, definition, BEGIN, active=True)
        return Line(made.id, definition, list(schedule.of(definition).within(BEGIN, END))[::-1])

    def live(self) -> None:
        now = BEGIN
        while now < END:
            now = min(END, self.later(now))
            self.look(now)
            for line in self.lines:
                if line.times and line.times[-1] <= now:
                    line.looked_at(now)
            if self.dice.random() < 0.05:
                paused = [line for line in self.lines if not line.active]
                self.turn(self.dice.choice(self.dice.choice([paused, self.lines]) or self.lines), now)

    def later(self, now: datetime) -> datetime:
        """Mostly when the next is due, now and then a while after, and seldom after a long outage."""
        due = max(now + timedelta(seconds=1), self.next or END)
        drawn = self.dice.random()
        if drawn < 0.9:
            return due
        return due + self.dice.random() * (timedelta(hours=8) if drawn < 0.99 else 10 * DAY)

    def look(self, now: datetime) -> None:
        drawn = self.dice.random()
        if drawn < 0.1:
            self.told["restart"] += 1
            self.engine = self.start()
        elif drawn < 0.2:
            self.engine.triggers.within = unavailable()
        elif drawn < 0.3:
            self.engine.triggers.before = lambda: self.other.scheduler.run_once(now)
        elif drawn < 0.4:
            self.other.scheduler.run_once(now)
        try:
            self.next = self.engine.scheduler.run_once(now)
        except errors.StoreUnavailable:
            self.told["crash"] += 1
            self.engine = self.start()
            self.next = self.engine.scheduler.run_once(now)
        while self.next and self.next < now + timedelta(seconds=1):  # what another had, is looked at again
            self.told["passed over"] += 1
            self.next = self.engine.scheduler.run_once(self.next)

    def turn(self, line: Line, now: datetime) -> None:
        """It is paused, or resumed."""
        self.told["paused" if line.active else "resumed"] += 1
        line.active = not line.active
        self.works.registry.change(line.id, None, now, active=line.active)
        self.next = self.works.store.triggers.next_due()

    def judge(self) -> int:
        runs, gaps = self.found()
        for line in self.lines:
            assert runs.get(line.id, []) == line.runs, line
            assert gaps.get(line.id, Counter()) == +line.gaps, line
        return sum(map(len, runs.values()))

    def found(self) -> tuple[dict[int, list[datetime]], dict[int, Counter[str]]]:
        """Of each trigger, the fire times of its runs in the order in which they were made, and how many got none."""
        runs, gaps = dict[int, list[datetime]](), dict[int, Counter[str]]()
        database = databases.open(self.home, None)
        with database.read() as connection:
            made = sa.select(tables.runs.c.trigger_id, tables.runs.c.fire_time).order_by(tables.runs.c.id)
            for trigger, fire_time in connection.execute(made):
                runs.setdefault(trigger, []).append(fire_time)
            for gap in connection.execute(sa.select(tables.gaps)):
                gaps.setdefault(gap.trigger_id, Counter()).update({gap.reason: gap[5]})
        database.close()
        return runs, gaps


def drawn() -> int:
    given = os.environ.get("HEADRACE_YEAR_SEED") or ("0" if os.environ.get("CI") else None)
    return int(given) if given else random.SystemRandom().randrange(10**9)


def test_a_year_of_a_thousand_triggers_makes_each_run_that_is_expected_once(works: Clockwork, home: Path) -> None:
    print(f"HEADRACE_YEAR_SEED={(seed := drawn())}")
    year = Year(works, home, seed)
    year.live()
    print(f"{year.judge()} runs of {len(year.lines)} triggers; {dict(year.told)}")
    assert {"restart", "crash", "passed over", "paused", "resumed"} <= set(year.told)
