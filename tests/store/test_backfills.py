"""Backfills carry out a plan that was fixed when they were started: each date once, whoever makes its run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, PIPELINE, TOKEN, together

from headrace import errors
from headrace.model.run import RunStatus
from headrace.model.trigger import Backfill, BackfillStatus, Definition, TriggerSettings, TriggerType, Which
from headrace.store import Store
from headrace.store.backfills import Going, NewBackfill
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.triggers import Standing

DATES = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 8)]
MINUTE = timedelta(minutes=1)

Make = Callable[..., Backfill]


@pytest.fixture
def written(store: Store, pinned: Pinned) -> Make:
    """Writes one down."""

    def made(name: str = "january", pins: Pinned = pinned) -> Backfill:
        new = NewBackfill(
            pipeline_id=pins.pipeline_id,
            name=name,
            start_time=DATES[0],
            end_time=DATES[-1],
            interval_type="day",
            interval_units=1,
            which=Which.MISSING,
            variables={"n": 1},
            settings=TriggerSettings(pipeline_run_limit=2, timeout=1.5),
        )
        return store.backfills.create(new, AT)

    return made


@pytest.fixture
def started(store: Store, written: Make, pinned: Pinned) -> Make:
    """Starts one, of these dates."""

    def made(name: str = "january", dates: Sequence[datetime] = DATES) -> Backfill:
        backfill, definition = written(name), Definition(name=f"Backfill {name}", type=TriggerType.BACKFILL)
        trigger = store.triggers.create(pinned.pipeline_id, definition, TOKEN, Standing(None, None), AT, active=False)
        assert store.backfills.start(backfill, dates, trigger.id, AT + MINUTE)
        return store.backfills.get(backfill.id)

    return made


@pytest.fixture
def new(pinned: Pinned) -> Callable[[Backfill, datetime], NewRun]:
    def made(backfill: Backfill, date: datetime) -> NewRun:
        return NewRun(
            pipeline_id=pinned.pipeline_id,
            version_id=pinned.version_id,
            snapshot_id=pinned.snapshot_id,
            blocks={"a": None},
            variables={},
            selection={},
            execution_date=date,
            reason="by its backfill",
            trigger_id=backfill.trigger_id,
            backfill_id=backfill.id,
        )

    return made


@pytest.fixture
def make(store: Store, new: Callable[[Backfill, datetime], NewRun]) -> Callable[..., bool]:
    """Makes the next runs of its plan, as somebody does who has seen it so; whether it was his to do."""

    def made(seen: Backfill, count: int = 99) -> bool:
        with store.backfills.making(seen) as making:
            if not making.lock():
                return False
            making.create([new(seen, date) for date in (seen.dates or ())[seen.made : seen.made + count]], AT)
        return True

    return made


def dates(store: Store, backfill: Backfill) -> list[datetime]:
    """The dates of its runs, in the order in which they were made."""
    return [each.run.execution_date for each in reversed(newest(store, 99)) if each.run.backfill_id == backfill.id]


def again(store: Store, backfill: Backfill) -> Backfill:
    return store.backfills.get(backfill.id)


# Written down


def test_what_was_written_is_what_is_read(store: Store, written: Make, pinned: Pinned) -> None:
    made = written()
    assert made == again(store, made)
    assert (made.name, made.pipeline_id, made.start_time, made.end_time) == (
        "january",
        pinned.pipeline_id,
        DATES[0],
        DATES[-1],
    )
    assert (made.interval_type, made.interval_units, made.which, made.variables) == ("day", 1, Which.MISSING, {"n": 1})
    assert made.settings == TriggerSettings(pipeline_run_limit=2, timeout=1.5)
    assert (made.status, made.dates, made.made, made.trigger_id, made.started_at) == (
        BackfillStatus.INITIAL, None, 0, None, None,
    )  # fmt: skip
    assert store.backfills.open() == [], "nothing is to be done for it"
    with pytest.raises(errors.BackfillNotFound, match="no backfill 99"):
        store.backfills.get(99)


def test_the_newest_comes_first_in_a_list(
    store: Store, written: Make, started: Make, make: Callable[..., bool]
) -> None:
    hourly = store.projects.pin(Path("/projects/demo"), "demo", replace(PIPELINE, name="hourly"), "v", "s", 1, AT)
    first, other = started("one"), written("two", hourly)
    assert make(first, 3)
    (one, two) = store.backfills.list()
    assert (one.backfill, one.project, one.pipeline, one.counts) == (other, "demo", "hourly", {})
    assert (two.backfill.id, two.pipeline, two.counts) == (first.id, "daily", {"initial": 3})
    assert [each.backfill.id for each in store.backfills.list(pipeline="daily")] == [first.id]
    assert [each.backfill.id for each in store.backfills.list(before=other.id)] == [first.id]
    assert [each.backfill.id for each in store.backfills.list(limit=1)] == [other.id]


# Started


def test_a_start_fixes_the_plan(store: Store, started: Make) -> None:
    backfill = started(dates=DATES[2:5])
    assert (backfill.status, backfill.reason, backfill.started_at) == (BackfillStatus.RUNNING, "started", AT + MINUTE)
    assert (backfill.dates, backfill.made) == (tuple(DATES[2:5]), 0)
    assert backfill.trigger_id
    assert store.triggers.get(backfill.trigger_id).active
    assert store.backfills.open() == [Going(backfill.id, "running", backfill.trigger_id, 3, 0)]


def test_what_was_started_since_it_was_seen_is_not_started_again(store: Store, written: Make, started: Make) -> None:
    running = started()
    stale = replace(running, updated_at=AT)
    for seen in (stale, running):
        assert not store.backfills.start(seen, DATES[:1], running.trigger_id or 0, AT + 9 * MINUTE)
    assert again(store, running) == running


def test_of_those_who_start_it_at_once_one_does(store: Store, written: Make, pinned: Pinned) -> None:
    backfill, definition = written(), Definition(name="b", type=TriggerType.BACKFILL)
    trigger = store.triggers.create(pinned.pipeline_id, definition, TOKEN, Standing(None, None), AT, active=False)
    starts = [lambda n=n: store.backfills.start(backfill, DATES[:n], trigger.id, AT + n * MINUTE) for n in range(1, 5)]
    landed = together(*starts)
    assert sorted(landed) == [False, False, False, True]
    assert len(again(store, backfill).dates or ()) == landed.index(True) + 1


# Carried out


def test_what_was_made_is_counted_with_the_runs(store: Store, started: Make, make: Callable[..., bool]) -> None:
    backfill = started()
    assert make(backfill, 3)
    assert (again(store, backfill).made, dates(store, backfill)) == (3, DATES[:3])
    assert again(store, backfill).updated_at == backfill.updated_at, "nobody has changed it"
    assert not make(backfill, 3), "it is not as it was seen any more"
    assert make(again(store, backfill))
    assert (again(store, backfill).made, dates(store, backfill)) == (7, DATES)
    assert store.backfills.counts(backfill.id) == {"initial": 7}


@pytest.mark.parametrize("rounds", range(3))
def test_two_who_make_at_once_make_each_date_once(
    store: Store, started: Make, make: Callable[..., bool], rounds: int
) -> None:
    backfill = started()

    def carry_out() -> int:
        made = 0
        while (seen := again(store, backfill)).made < len(DATES):
            made += make(seen, 2)
        return made

    assert sum(together(*[carry_out] * 3)) == 4, "twos, and one"
    assert dates(store, backfill) == DATES


def test_what_fails_half_way_was_not_made(
    store: Store, started: Make, new: Callable[[Backfill, datetime], NewRun]
) -> None:
    backfill = started()
    with pytest.raises(ZeroDivisionError), store.backfills.making(backfill) as making:
        assert making.lock()
        making.create([new(backfill, DATES[0])], AT)
        raise ZeroDivisionError
    assert (again(store, backfill), dates(store, backfill)) == (backfill, [])


# Paused, resumed


def test_nothing_of_a_paused_backfill_begins(
    store: Store, started: Make, make: Callable[..., bool], live: Callable[[str], None]
) -> None:
    backfill = started()
    assert make(backfill, 2)
    live("engine-1")
    first, second = 1, 2
    assert store.runs.claim("engine-1", 1, AT, own=False).taken == [first]
    assert store.backfills.pause(again(store, backfill), AT + 2 * MINUTE)
    paused = again(store, backfill)
    assert (paused.status, paused.made) == (BackfillStatus.PAUSED, 2)
    assert not make(paused), "it makes no more"
    assert [store.runs.get(run).held for run in (first, second)] == [False, True]
    assert store.runs.claim("engine-1", 9, AT, own=False).taken == []
    assert [each.status for each in store.backfills.open()] == ["paused"]
    assert not store.backfills.pause(paused, AT + 3 * MINUTE)
    assert store.backfills.resume(paused, AT + 3 * MINUTE)
    assert store.runs.claim("engine-1", 9, AT, own=False).taken == [second]
    assert make(again(store, backfill))
    assert dates(store, backfill) == DATES


def test_only_a_paused_one_is_resumed(store: Store, written: Make, started: Make) -> None:
    for backfill in (written("one"), started("two")):
        assert not store.backfills.resume(backfill, AT + 2 * MINUTE)
        assert again(store, backfill) == backfill


# Cancelled


def test_a_cancel_asks_every_open_run_of_it(
    store: Store, started: Make, make: Callable[..., bool], live: Callable[[str], None]
) -> None:
    backfill, other = started(), started("other")
    assert make(backfill, 3)
    assert make(other, 1)
    live("engine-1")
    assert store.runs.claim_one(1, "engine-1", 0, AT)
    assert store.runs.close(2, None, RunStatus.COMPLETED, "x", AT)
    assert store.backfills.pause(again(store, backfill), AT + 2 * MINUTE)
    assert store.backfills.cancel(again(store, backfill), AT + 3 * MINUTE)
    ended = again(store, backfill)
    assert (ended.status, ended.ended_at, ended.made) == (BackfillStatus.CANCELLED, AT + 3 * MINUTE, 3)
    asked = [store.runs.get(run).cancel_requested_at for run in (1, 2, 3, 4)]
    assert asked == [AT + 3 * MINUTE, None, AT + 3 * MINUTE, None]
    assert not make(ended)
    assert store.runs.claim("engine-1", 9, AT, own=False).taken == [3, 4], "an engine ends those that were held"
    assert ended.trigger_id
    assert not store.triggers.get(ended.trigger_id).active
    assert not store.backfills.cancel(ended, AT + 4 * MINUTE)


def test_one_that_was_never_started_is_cancelled(store: Store, written: Make) -> None:
    backfill = written()
    assert store.backfills.cancel(backfill, AT + MINUTE)
    assert (again(store, backfill).status, again(store, backfill).ended_at) == ("cancelled", AT + MINUTE)


@pytest.mark.parametrize("rounds", range(3))
def test_a_cancel_while_runs_are_made_asks_those_too(
    store: Store, started: Make, make: Callable[..., bool], rounds: int
) -> None:
    backfill = started()
    together(lambda: make(backfill), lambda: store.backfills.cancel(backfill, AT + 2 * MINUTE))
    assert again(store, backfill).status is BackfillStatus.CANCELLED
    made = [each.run for each in newest(store, 99)]
    assert len(made) in (0, 7)
    assert all(run.cancel_requested_at for run in made)


# Ended


def test_it_ends_as_its_dates_have(store: Store, started: Make, make: Callable[..., bool]) -> None:
    backfill = started()
    assert make(backfill)
    seen = again(store, backfill)
    assert seen.trigger_id
    assert store.triggers.has_open_runs(seen.trigger_id)
    for run in range(1, 8):
        status = RunStatus.FAILED if run == 3 else RunStatus.COMPLETED
        assert store.runs.close(run, None, status, "x", AT)
    assert not store.triggers.has_open_runs(seen.trigger_id)
    assert list(store.backfills.latest_of(seen.id).values()).count("completed") == 6
    assert store.backfills.end(seen, BackfillStatus.FAILED, "1 of 7", AT + 5 * MINUTE)
    ended = again(store, backfill)
    assert (ended.status, ended.reason, ended.ended_at) == (BackfillStatus.FAILED, "1 of 7", AT + 5 * MINUTE)
    assert store.backfills.open() == []
    assert not store.triggers.get(seen.trigger_id).active
    assert not store.backfills.end(seen, BackfillStatus.COMPLETED, "x", AT + 6 * MINUTE)


def test_one_that_has_ended_is_started_anew(store: Store, started: Make, make: Callable[..., bool]) -> None:
    backfill = started()
    assert make(backfill)
    assert store.backfills.cancel(again(store, backfill), AT + 2 * MINUTE)
    for run in range(1, 8):
        assert store.runs.close(run, None, RunStatus.CANCELLED, "x", AT)
    seen = again(store, backfill)
    assert store.backfills.start(seen, DATES[:2], seen.trigger_id or 0, AT + 3 * MINUTE)
    anew = again(store, backfill)
    assert (anew.status, anew.dates, anew.made, anew.ended_at) == ("running", tuple(DATES[:2]), 0, None)
    assert make(anew)
    assert dates(store, backfill) == [*DATES, *DATES[:2]], "those it has made stay"
    assert store.backfills.latest_of(backfill.id)[DATES[0]] == "initial", "the latest of the date"
    assert store.backfills.latest_of(backfill.id)[DATES[2]] == "cancelled"


# What there is of a range


def test_the_statuses_of_a_range_are_those_of_the_pipeline_s_runs(
    store: Store, started: Make, make: Callable[..., bool], create: Callable[..., Any]
) -> None:
    assert make(started(), 2)
    for at in (DATES[0], DATES[2] + timedelta(microseconds=1)):
        create(at=at)
    assert store.runs.close(1, None, RunStatus.FAILED, "x", AT)
    found = store.backfills.latest(1, DATES[0], DATES[2])
    assert found == {DATES[0]: ["failed", "initial"], DATES[1]: ["initial"]}
    assert store.backfills.latest(2, DATES[0], DATES[2]) == {}


# What cannot be read


@pytest.mark.parametrize("column", ["variables", "settings", "dates"])
@pytest.mark.parametrize("broken", ["{", '"text"'])
def test_one_that_cannot_be_read_stops_no_other(
    store: Store, database: Database, started: Make, column: str, broken: str
) -> None:
    bad, good = started("one"), started("two")
    with database.write() as connection:
        text = sa.text(f"UPDATE backfills SET {column} = :broken WHERE id = {bad.id}")
        connection.execute(text, {"broken": broken})
    assert [each.id for each in store.backfills.open()] == [bad.id, good.id]
    with pytest.raises(errors.RowUnreadable, match=f"backfill {bad.id}"):
        store.backfills.get(bad.id)
    beside, shown = (each.backfill for each in store.backfills.list())
    assert beside == good
    assert (shown.id, shown.name, shown.status) == (bad.id, "one", BackfillStatus.RUNNING)
    assert "cannot be read" in shown.reason
    store.backfills.lay_aside(bad.id, "it cannot be read", AT + 5 * MINUTE)
    assert [each.id for each in store.backfills.open()] == [good.id]
    assert store.backfills.list()[1].backfill.status is BackfillStatus.FAILED
