"""A virtual year: looked at when it is due or long after, paused and resumed, a trigger deals with each fire time once.

What is expected is cut from the plain list of the year's fire times, which the other property tests of schedules hold to
a slow oracle.
"""

import heapq
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.model import firing, schedule
from headrace.model.firing import Decision
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
INTERVALS = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "30 2 * * *",
    "*/20 6-9 * * 1-5",
    "0 */5 * * *",
    "15 1 * * * 30",
]
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Casablanca"]


@dataclass
class Story:
    """A trigger, a clock, and what became of each fire time."""

    definition: Definition
    now: datetime
    active: bool = True
    considered: datetime | None = None
    due_at: datetime | None = None
    ran: list[datetime] = field(default_factory=list[datetime])
    passed: dict[str, int] = field(default_factory=dict[str, int])
    expected: list[datetime] = field(default_factory=list[datetime])
    missed: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.times = list(schedule.of(self.definition).within(self.now, END + 90 * 24 * HOUR))
        self.since = self.now  # up to when it is clear what is expected
        self.record(firing.enabled(self.definition, self.now, has_runs=True))
        assert self.considered == self.now

    def record(self, decision: Decision) -> None:
        for fire in decision.fires:
            assert fire.execution_date == fire.fire_time
            self.ran.append(fire.fire_time)
        for gap in decision.gaps:
            assert gap.first <= gap.last <= self.now
            assert (gap.count > 1) == (gap.first < gap.last)
            self.passed[gap.reason] = self.passed.get(gap.reason, 0) + gap.count
        assert decision.considered
        assert decision.considered >= (self.considered or self.now)
        self.considered, self.due_at = decision.considered, decision.due_at

    def look(self) -> None:
        """Decides as an engine does, until nothing is due."""
        self._expect()
        for _ in range(100):
            self.record(self._decide())
            if self.due_at is None or self.due_at > self.now:
                return
        raise AssertionError("it is due without an end")

    def _decide(self) -> Decision:
        return firing.decide(self.definition, self.active, self.considered, self.now, has_runs=True)

    def _expect(self) -> None:
        start = self.definition.start_time or BEGIN
        some = self.times[bisect_right(self.times, self.since) : bisect_right(self.times, self.now)]
        found = [time for time in some if time >= start]
        kept = self._kept(found) if self.active else []
        self.expected += kept
        reason = "no_engine" if self.active else "paused"
        if len(found) > len(kept):
            self.missed[reason] = self.missed.get(reason, 0) + len(found) - len(kept)
        self.since = self.now

    def _kept(self, found: list[datetime]) -> list[datetime]:
        match self.definition.settings.catch_up:
            case CatchUp.ALL:
                return found
            case CatchUp.LAST:
                return found[-1:]
            case CatchUp.NONE:
                return [time for time in found if self.now - time <= MINUTE]

    def pause(self) -> None:
        self.look()
        self.active = False

    def resume(self) -> None:
        """As it is done: what passed is said, then the trigger stands anew."""
        self.look()
        self.active = True
        self.record(firing.enabled(self.definition, self.now, has_runs=True))

    def judge(self) -> None:
        self.look()
        assert self.ran == self.expected
        assert self.passed == self.missed
        assert len(set(self.ran)) == len(self.ran), "one run for a fire time"


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    start = st.none() | st.datetimes(BEGIN.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC))
    return Definition(
        name="t",
        type=TriggerType.TIME,
        interval=draw(st.sampled_from(INTERVALS)),
        zone=draw(st.sampled_from(ZONES)),
        start_time=draw(start),
        settings=TriggerSettings(catch_up=draw(st.sampled_from(CatchUp)), landing_time_enabled=draw(st.booleans())),
    )


def moments(dice: random.Random) -> Iterator[str]:
    return iter(lambda: dice.choice(["due"] * 12 + ["late"] * 2 + ["outage", "pause", "resume"]), "")


def live(story: Story, dice: random.Random) -> None:
    """Until the year is over: mostly on time, now and then down for up to ten days."""
    for what in moments(dice):
        if story.now >= END or story.due_at is None:
            return
        story.now = max(story.now, story.due_at)
        if what == "late":
            story.now += dice.random() * 3 * MINUTE
        elif what == "outage":
            story.now += dice.random() * 240 * HOUR
        if what == "pause" and story.active:
            story.pause()
        elif what == "resume" and not story.active:
            story.resume()
        else:
            story.look()


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 2**32))
def test_each_fire_time_is_run_or_told_as_the_trigger_says_whatever_happens(definition: Definition, seed: int) -> None:
    dice = random.Random(seed)
    story = Story(definition, BEGIN + dice.random() * 24 * HOUR)
    live(story, dice)
    story.judge()


@settings(max_examples=30, deadline=None)
@given(definitions(), st.floats(0, 86_400))
def test_what_was_foretold_is_what_happens(definition: Definition, seconds: float) -> None:
    enabled_at = BEGIN + timedelta(seconds=seconds)
    decision = firing.enabled(definition, enabled_at, has_runs=True)
    foretold = firing.preview(definition, enabled_at, 50)
    happened: list[datetime] = []
    while len(happened) < 50:
        now = decision.due_at
        assert now
        decision = firing.decide(definition, True, decision.considered, now, has_runs=True)
        assert [fire.fire_time for fire in decision.fires] == [now]
        assert decision.gaps == ()
        happened.append(now)
    assert happened == foretold


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["@hourly", "@daily", "@weekly", "@monthly"]),
    st.sampled_from(ZONES),
    st.lists(st.floats(1, 900), min_size=30, max_size=30),
    st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31), timezones=st.just(UTC)),
)
def test_each_landing_is_run_once_however_long_runs_take(
    interval: str, zone: str, runtimes: list[float], start: datetime
) -> None:
    definition = Definition(
        name="t",
        type=TriggerType.TIME,
        interval=interval,
        zone=zone,
        start_time=start,
        settings=TriggerSettings(landing_time_enabled=True),
    )
    decision = firing.enabled(definition, BEGIN, has_runs=False)
    landed = [fire.fire_time for fire in decision.fires]
    for n in range(1, len(runtimes)):
        now = decision.due_at
        assert now
        known = runtimes[n::-1]
        waits = firing.decide(definition, True, decision.considered, now - SECOND, has_runs=True, runtimes=known)
        now = waits.due_at or now
        decision = firing.decide(definition, True, waits.considered, now, has_runs=True, runtimes=known)
        landed += [fire.fire_time for fire in (*waits.fires, *decision.fires)]
    assert len(landed) >= len(runtimes) - 2
    assert landed == firing.preview(definition, landed[0] - SECOND, len(landed)), "none left out, none twice"


def test_a_thousand_triggers_live_through_a_year_of_restarts() -> None:
    """Each is looked at when it is due; when the engine is down then, once it is there again."""
    dice = random.Random("the year")
    stories = [_story(dice) for _ in range(1_000)]
    outages = [BEGIN + dice.random() * (END - BEGIN) for _ in range(60)]
    due = [(story.due_at, n) for n, story in enumerate(stories) if story.due_at]
    heapq.heapify(due)
    while due and due[0][0] < END:
        at, n = heapq.heappop(due)
        story = stories[n]
        story.now = _up(at, outages)
        story.look()
        if story.due_at:
            heapq.heappush(due, (story.due_at, n))
    for story in stories:
        story.now = max(story.now, END)
        story.judge()
    assert sum(len(story.ran) for story in stories) > 60_000
    assert sum(story.passed.get("no_engine", 0) for story in stories) > 500


def _up(at: datetime, outages: list[datetime]) -> datetime:
    """When the engine is there: at once, or when the outage is over, the longest of which are of five days."""
    ends = [begin + n * 2 * HOUR for n, begin in enumerate(outages) if begin <= at < begin + n * 2 * HOUR]
    return _up(max(ends), outages) if ends else at


def _story(dice: random.Random) -> Story:
    daily = f"{dice.randint(0, 59)} {dice.randint(0, 23)} * * *"
    interval = dice.choice([daily, "@weekly", "@monthly", "0 4 1,11,21 * *"])
    kept = TriggerSettings(catch_up=dice.choice(list(CatchUp)))
    definition = Definition(name="t", type=TriggerType.TIME, interval=interval, zone=dice.choice(ZONES), settings=kept)
    return Story(definition, BEGIN + dice.random() * 720 * HOUR)
