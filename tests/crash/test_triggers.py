"""Engines are killed at random while triggers fire, events come and a backfill is made: each begins its runs, and each once."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.crash.conftest import KILLS, MakeWorks
from tests.crash.killer import Killer
from tests.crash.mill import CHAIN, FRAIL, Mill
from tests.crash.works import Works
from tests.newest import newest

from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, Trigger, TriggerSettings, TriggerType, Which
from headrace.operations import backfills, occurrences, triggers

_END_OF_FRAIL = Rule(kind=RuleKind.PIPELINE, subject=FRAIL.name, statuses=("completed", "failed"))
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
SECOND = timedelta(seconds=1)


def test_whatever_begins_a_run_begins_it_once(make_works: MakeWorks, database: str | None, seed: int) -> None:
    works, draw = make_works(Mill(at_once=4), database), random.Random(seed)
    ticks = _trigger(works, "each second", TriggerType.TIME, interval="* * * * * *", settings=_catching(CatchUp.ALL))
    events = _trigger(works, "events", TriggerType.EVENT, rules=(Rule(kind=RuleKind.PAYLOAD, pattern={"for": ["us"]}),))
    chained = _trigger(works, "after", TriggerType.EVENT, rules=(_END_OF_FRAIL,))
    backfill = _backfill(works)
    posted: list[str] = []

    def feed() -> None:
        if draw.random() < 0.2:
            posted.append(occurrences.post(works.app, {"for": "us", "n": len(posted)}))

    killer = Killer(works, seed, 2 if database else 1, [])
    killer.kill(max(30, KILLS // 3), feed)
    seldom = replace(ticks.definition, interval="0 0 29 2 *")  # a paused trigger would hold what has not begun
    ticked = triggers.change(works.app, ticks, seldom)
    killer.rest()
    works.wait(lambda: _is_settled(works, backfill), "everything that was to begin has begun")
    killer.rest()
    works.kill_engines()
    works.wait_until_nothing_lives()
    works.check()
    _check_ticks(works, ticks, ticked.considered)
    _check_dates(works, backfill)
    _check_events(works, events, posted)
    _check_chained(works, chained)


def _catching(up: CatchUp) -> TriggerSettings:
    return TriggerSettings(catch_up=up)


def _trigger(works: Works, name: str, kind: TriggerType, pipeline: str = FRAIL.name, **given: object) -> Trigger:
    pipeline = CHAIN.name if kind is TriggerType.EVENT else pipeline
    definition = Definition(**{"name": name, "type": kind, **given})  # type: ignore[arg-type]
    return triggers.create(works.app, works.folder, pipeline, definition, active=True)


def _backfill(works: Works) -> int:
    """A month of days, begun; at most two at once."""
    asked = backfills.Asked(
        name="month",
        start=START,
        end=START + timedelta(days=DAYS - 1),
        which=Which.ALL,
        settings=TriggerSettings(pipeline_run_limit=2),
    )
    made = backfills.create(works.app, works.folder, CHAIN.name, asked)
    return backfills.start(works.app, made).id


def _is_settled(works: Works, backfill: int) -> bool:
    open_ones = works.ask("SELECT id FROM occurrences WHERE handled_at IS NULL")
    return not open_ones and works.count_open() == 0 and backfills.get(works.app, backfill).ended_at is not None


def _check_ticks(works: Works, ticks: Trigger, until: datetime | None) -> None:
    """Each second from its first fire time until it was changed has one run, whoever was dead at that second."""
    found = Counter(run.fire_time for run in _runs(works, ticks))
    times = sorted(time for time in found if time is not None)
    assert set(found.values()) == {1}
    assert times[0] == ticks.due_at
    assert times == [times[0] + n * SECOND for n in range(len(times))], "a second is missing"
    assert until
    assert timedelta() <= until - times[-1] < SECOND
    assert works.app.store.triggers.gaps(ticks.id) == []


def _check_dates(works: Works, backfill: int) -> None:
    seen = backfills.get(works.app, backfill)
    assert seen.trigger_id
    dates = Counter(run.execution_date for run in _runs(works, works.app.store.triggers.get(seen.trigger_id)))
    assert dates == Counter(START + timedelta(days=n) for n in range(DAYS))


def _check_events(works: Works, trigger: Trigger, posted: list[str]) -> None:
    """Each payload has its run, and no other."""
    assert posted
    numbers = Counter(run.variables["event"]["n"] for run in _runs(works, trigger))
    assert numbers == Counter(range(len(posted)))


def _check_chained(works: Works, trigger: Trigger) -> None:
    """Each end of a run of the other pipeline that it asks for has begun one."""
    ends = Counter(str(row["run_id"]) for row in works.ask(_ENDS))
    begun = Counter(str(run.variables["event"]["run_id"]) for run in _runs(works, trigger))
    assert begun == ends
    assert begun


_ENDS = """
    SELECT events.run_id FROM events JOIN runs ON runs.id = events.run_id JOIN pipelines ON pipelines.id = runs.pipeline_id
    WHERE pipelines.name = 'frail' AND events.kind = 'run.end' AND events.status IN ('completed', 'failed')
"""


def _runs(works: Works, trigger: Trigger):
    return [each.run for each in newest(works.app.store, 100_000) if each.run.trigger_id == trigger.id]
