"""Triggers fire in one transaction: once for each fire time, however many engines look, and whatever some rows are."""

import queue
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, TOKEN, together
from tests.store.test_bells import PATIENCE, heard, ring

from headrace.model.run import Run, RunStatus
from headrace.model.trigger import Definition, Trigger, TriggerSettings, TriggerType
from headrace.store import Store, tables
from headrace.store.database import Database
from headrace.store.firing import Stand
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.triggers import Standing

__all__ = ["heard"]

DAY = timedelta(days=1)
DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 10)]
NIGHTLY = Definition(name="nightly", type=TriggerType.TIME, interval="@daily")

Make = Callable[..., Trigger]


@pytest.fixture
def make(store: Store, pinned: Pinned) -> Make:
    """Makes an active time trigger that is due at that moment."""

    def made(name: str = "nightly", due: datetime | None = AT, interval: str = "@daily", **given: Any) -> Trigger:
        definition = replace(NIGHTLY, name=name, interval=interval, **given)
        return store.triggers.create(pinned.pipeline_id, definition, TOKEN, Standing(AT - DAY, due), AT, active=True)

    return made


@pytest.fixture
def new(pinned: Pinned) -> Callable[..., NewRun]:
    def made(trigger: Trigger, fire_time: datetime = AT, **more: Any) -> NewRun:
        return NewRun(
            pipeline_id=pinned.pipeline_id,
            version_id=pinned.version_id,
            snapshot_id=pinned.snapshot_id,
            blocks={"a": None},
            variables={},
            selection={},
            execution_date=fire_time,
            reason="by its schedule",
            trigger_id=trigger.id,
            fire_time=fire_time,
            **more,
        )

    return made


def put(database: Database, what: str, **values: Any) -> None:
    """Writes into a row what nobody would."""
    with database.write() as connection:
        connection.execute(sa.text(what), values)


def due(store: Store, at: datetime = AT, limit: int = 99) -> list[int]:
    return [each.id for each in store.triggers.due(at, limit)]


# What is due


def test_what_is_due_longest_comes_first(store: Store, make: Make) -> None:
    late, later, tomorrow = make("a", AT), make("b", AT - DAY), make("c", AT + DAY)
    make("d", None)
    assert due(store) == [later.id, late.id]
    assert due(store, limit=1) == [later.id]
    assert due(store, AT + DAY) == [later.id, late.id, tomorrow.id]
    assert due(store, AT - 2 * DAY) == []
    assert store.triggers.next_due() == AT - DAY


def test_nothing_is_due_where_there_is_nothing(store: Store, make: Make) -> None:
    assert (due(store), store.triggers.next_due()) == ([], None)
    make(due=None)
    assert (due(store), store.triggers.next_due()) == ([], None)


@pytest.mark.parametrize("column", ["settings", "variables", "tags"])
@pytest.mark.parametrize("written", ["{", '"text"'])
def test_one_that_cannot_be_read_is_laid_aside_and_stops_no_other(
    store: Store, database: Database, make: Make, column: str, written: str
) -> None:
    bad, good = make("a"), make("b")
    put(database, f"UPDATE triggers SET {column} = :written WHERE id = :id", written=written, id=bad.id)
    assert due(store) == [good.id]
    with database.read() as connection:
        (row,) = connection.execute(sa.select(tables.triggers).where(tables.triggers.c.id == bad.id)).mappings()
        assert row["due_at"] is None
        assert row["fault"].startswith(f"The trigger {bad.id} cannot be read: ")
    assert due(store) == [good.id], "it is not looked at any more"


@pytest.mark.parametrize("column", ["start_time", "considered", "due_at", "last_enabled_at"])
@pytest.mark.parametrize("written", ["0000", "soon"])
def test_a_moment_that_is_none_stops_no_other(
    store: Store, database: Database, make: Make, place: tuple[object, str | None], column: str, written: str
) -> None:
    if place[1]:
        return  # PostgreSQL keeps none that is none
    bad, good = make("a"), make("b", AT + DAY)
    put(database, f"UPDATE triggers SET {column} = :written WHERE id = :id", written=written, id=bad.id)
    assert due(store) == []
    assert store.triggers.next_due() in (AT + DAY, None)
    assert due(store, AT + DAY) == [good.id]
    assert good.id in [each.trigger.id for each in store.triggers.list()]


def test_a_due_moment_that_is_none_is_no_moment(
    store: Store, database: Database, make: Make, place: tuple[object, str | None]
) -> None:
    if place[1]:
        return
    make()
    put(database, "UPDATE triggers SET due_at = 'soon'")
    assert store.triggers.next_due() is None


# Locked


def test_who_has_seen_it_as_it_is_has_it(store: Store, make: Make) -> None:
    first, second = make("a"), make("b")
    with store.triggers.firing() as writing:
        assert writing.lock([second, first]) == {first.id, second.id}


def test_what_was_changed_since_is_passed_over(store: Store, make: Make) -> None:
    edited, fired, deleted, same = (make(name) for name in "abcd")
    standing = Standing(AT, AT)
    assert store.triggers.change(edited, edited.definition, standing, AT + DAY, active=True)
    with store.triggers.firing() as writing:
        writing.set_on([Stand(fired.id, AT, AT + DAY, None)])
    store.triggers.delete(deleted.id, AT + DAY)
    with store.triggers.firing() as writing:
        assert writing.lock([edited, fired, deleted, same]) == {same.id}
        assert writing.lock([]) == set()


def test_what_another_has_locked_is_passed_over(
    store: Store, make: Make, place: tuple[object, str | None], live: Callable[[str], None]
) -> None:
    if not place[1]:
        return  # SQLite lets one write at a time
    first, second = make("a"), make("b")
    with store.triggers.firing() as one:
        assert one.lock([first]) == {first.id}
        with store.triggers.firing() as other:
            assert other.lock([first, second]) == {second.id}
    with store.triggers.firing() as other:
        assert other.lock([first, second]) == {first.id, second.id}


@pytest.mark.parametrize("rounds", range(3))
def test_a_fire_time_has_one_run_however_many_fire_at_once(
    store: Store, make: Make, new: Callable[..., NewRun], rounds: int
) -> None:
    seen = [make(f"t{n}") for n in range(5)]
    assert due(store) == [each.id for each in seen]

    def fire() -> int:
        with store.triggers.firing() as writing:
            locked = writing.lock(seen)
            for each in seen:
                if each.id in locked:
                    writing.fire([new(each)], AT)
                    writing.set_on([Stand(each.id, AT, AT + DAY, None)])
        return len(locked)

    assert sum(together(*[fire] * 4)) == 5
    assert sorted(each.run.trigger_id or 0 for each in newest(store, 99)) == [each.id for each in seen]
    assert due(store) == []


def test_what_fails_half_way_was_not_done(store: Store, make: Make, new: Callable[..., NewRun]) -> None:
    trigger = make()
    with pytest.raises(ZeroDivisionError), store.triggers.firing() as writing:
        writing.lock([trigger])
        writing.create(new(trigger), AT)
        writing.note_gap(trigger.id, "paused", AT, AT, 1, AT)
        writing.set_on([Stand(trigger.id, AT, None, None)])
        raise ZeroDivisionError
    assert (newest(store, 9), store.triggers.gaps(trigger.id)) == ([], [])
    assert store.triggers.get(trigger.id) == trigger


def test_a_fire_time_that_has_a_run_has_that_one(store: Store, make: Make, new: Callable[..., NewRun]) -> None:
    trigger, other = make(), make("other")
    with store.triggers.firing() as writing:
        first, again = writing.create(new(trigger), AT), writing.create(new(trigger), AT)
        beside = writing.create(new(other), AT)
    assert (first.made, again.made, beside.made) == (True, False, True)
    assert again.run.id == first.run.id != beside.run.id


def test_of_those_that_fire_what_has_its_run_is_passed_over(
    store: Store, make: Make, new: Callable[..., NewRun]
) -> None:
    trigger, other = make(), make("other")
    with store.triggers.firing() as writing:
        writing.create(new(trigger, DAYS[1]), AT)
        writing.fire([new(trigger, DAYS[0]), new(trigger, DAYS[1]), new(other, DAYS[1])], AT)
        writing.fire([], AT)
    with store.triggers.firing() as writing:
        writing.fire([new(trigger, day, refused="previous_running") for day in DAYS[:3]], AT)
    made = [(each.run.trigger_id, each.run.fire_time, each.run.status.value) for each in newest(store, 99)]
    assert sorted(made) == [
        (trigger.id, DAYS[0], "initial"),
        (trigger.id, DAYS[1], "initial"),
        (trigger.id, DAYS[2], "cancelled"),
        (other.id, DAYS[1], "initial"),
    ]
    run = newest(store, 1)[0].run
    assert [row.block for row in store.runs.block_runs(run.id)] == ["a"]
    assert [each.kind for each in store.runs.events(1)] == ["run.create"]


def test_new_runs_ring_when_they_are_there(
    store: Store, make: Make, new: Callable[..., NewRun], heard: "queue.SimpleQueue[int]"
) -> None:
    trigger = make()
    heard.get(timeout=PATIENCE)
    with store.triggers.firing() as writing:
        writing.create(new(trigger), AT)
    heard.get(timeout=PATIENCE)
    assert heard.empty()
    with store.triggers.firing() as writing:
        writing.set_on([Stand(trigger.id, AT, AT, None)])
    ring(store)
    heard.get(timeout=PATIENCE)
    assert heard.empty(), "nothing rang for what made no run"


# Set on


def test_setting_it_on_touches_nothing_that_its_users_wrote(store: Store, make: Make) -> None:
    trigger = make()
    with store.triggers.firing() as writing:
        writing.set_on([Stand(trigger.id, AT, AT + DAY, "its project cannot be read")])
    found = store.triggers.get(trigger.id)
    assert found == replace(trigger, considered=AT, due_at=AT + DAY, fault="its project cannot be read")
    assert store.triggers.change(trigger, NIGHTLY, Standing(AT, AT), AT + DAY, active=True), "as it was seen"


def test_one_that_has_done_what_it_was_for_is_not_active_any_more(store: Store, make: Make) -> None:
    trigger = make(interval="@once")
    assert [each.trigger.id for each in store.triggers.perpetual()] == [trigger.id]
    with store.triggers.firing() as writing:
        writing.retire(trigger.id, AT + DAY)
    found = store.triggers.get(trigger.id)
    assert (found.active, found.due_at, found.updated_at) == (False, None, AT + DAY)
    assert store.triggers.perpetual() == []


def test_a_refused_run_is_there_to_be_seen(store: Store, make: Make, new: Callable[..., NewRun]) -> None:
    trigger = make()
    with store.triggers.firing() as writing:
        created = writing.create(new(trigger, refused="previous_running"), AT)
        assert not writing.has_open_run(trigger.id)
    run = store.runs.get(created.run.id)
    assert run == created.run
    assert (run.status, run.reason, run.ended_at, run.started_at) == ("cancelled", "previous_running", AT, None)
    assert {row.status.value for row in store.runs.block_runs(run.id)} == {"cancelled"}
    assert next(each.kind for each in store.runs.events(run.id)) == "run.create"
    with store.triggers.firing() as writing:
        assert not writing.create(new(trigger), AT).made, "its fire time has had its run"


# Always on, and once


def test_what_the_runs_of_a_perpetual_trigger_have_come_to_is_told(
    store: Store, make: Make, new: Callable[..., NewRun]
) -> None:
    make("nightly")
    always, once = make("always", None, "@always_on"), make("once", None, "@once")
    assert [(each.trigger, each.open, each.last, each.began) for each in store.triggers.perpetual()] == [
        (always, False, None, None),
        (once, False, None, None),
    ]
    with store.triggers.firing() as writing:
        made = [writing.create(new(always, at), at).run for at in DAYS[:2]]
    told = store.triggers.perpetual()[0]
    assert (told.open, told.last, told.began) == (True, RunStatus.INITIAL, DAYS[1])
    assert store.runs.close(made[1].id, None, RunStatus.FAILED, "x", AT)
    assert store.triggers.has_open_runs(always.id), "the earlier one"
    assert store.triggers.perpetual()[0].last is RunStatus.FAILED


def test_a_perpetual_trigger_that_cannot_be_read_is_laid_aside(store: Store, database: Database, make: Make) -> None:
    bad, good = make("a", None, "@always_on"), make("b", None, "@always_on")
    put(database, "UPDATE triggers SET settings = '{' WHERE id = :id", id=bad.id)
    assert [each.trigger.id for each in store.triggers.perpetual()] == [good.id], (
        "its runs would be others than written"
    )
    assert "settings" in (store.triggers.get(bad.id, bare=True).fault or "")


# Gaps


def note(store: Store, trigger: Trigger, reason: str, first: int, last: int, count: int) -> None:
    with store.triggers.firing() as writing:
        writing.note_gap(trigger.id, reason, DAYS[first], DAYS[last], count, DAYS[last])


def gaps(store: Store, trigger: Trigger) -> list[tuple[str, int, int, int]]:
    found = store.triggers.gaps(trigger.id)
    return [(each.reason, DAYS.index(each.first), DAYS.index(each.last), each.count) for each in found]


def test_what_follows_on_a_gap_for_the_same_reason_extends_it(store: Store, make: Make) -> None:
    trigger, other = make(), make("other")
    note(store, trigger, "paused", 0, 1, 2)
    note(store, other, "paused", 1, 1, 1)
    note(store, trigger, "paused", 2, 4, 3)
    assert gaps(store, trigger) == [("paused", 0, 4, 5)]
    assert gaps(store, other) == [("paused", 1, 1, 1)]
    assert store.triggers.gaps(trigger.id)[0].noticed_at == DAYS[1], "since then it is known"


def test_another_reason_is_another_gap(store: Store, make: Make) -> None:
    trigger = make()
    note(store, trigger, "paused", 0, 1, 2)
    note(store, trigger, "no_engine", 2, 2, 1)
    note(store, trigger, "paused", 3, 3, 1)
    assert gaps(store, trigger) == [("paused", 3, 3, 1), ("no_engine", 2, 2, 1), ("paused", 0, 1, 2)]
    assert len(store.triggers.gaps(trigger.id, limit=2)) == 2


def test_a_gap_ends_where_there_was_a_run(store: Store, make: Make, new: Callable[..., NewRun]) -> None:
    trigger, other = make(), make("other")
    note(store, trigger, "no_engine", 0, 0, 1)
    with store.triggers.firing() as writing:
        writing.create(new(other, DAYS[1]), AT)
        writing.create(new(trigger, DAYS[2]), AT)
    note(store, trigger, "no_engine", 1, 1, 1)
    assert gaps(store, trigger) == [("no_engine", 0, 1, 2)], "the run came after"
    note(store, trigger, "no_engine", 3, 3, 1)
    assert gaps(store, trigger) == [("no_engine", 3, 3, 1), ("no_engine", 0, 1, 2)]


def test_a_gap_that_does_not_come_after_is_another(store: Store, make: Make) -> None:
    trigger = make()
    note(store, trigger, "paused", 1, 2, 2)
    note(store, trigger, "paused", 2, 2, 1)
    assert gaps(store, trigger) == [("paused", 2, 2, 1), ("paused", 1, 2, 2)]


# How long runs take


def test_runtimes_are_those_of_the_latest_completed_runs(
    store: Store, make: Make, create: Callable[..., Run], database: Database
) -> None:
    trigger = make()
    for seconds in range(10):
        run = create(trigger_id=trigger.id)
        times = {"started_at": AT, "ended_at": AT + timedelta(seconds=seconds), "status": "completed"}
        with database.write() as connection:
            connection.execute(sa.update(tables.runs).where(tables.runs.c.id == run.id).values(times))
    failed = create(trigger_id=trigger.id)
    store.runs.close(failed.id, None, RunStatus.FAILED, "x", AT)
    create(trigger_id=trigger.id)
    assert store.triggers.runtimes(trigger.id) == [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]
    assert store.triggers.runtimes(make("other").id) == []


def test_who_fires_has_what_he_has_room_for_and_what_the_limits_admit(
    store: Store, make: Make, new: Callable[..., NewRun], live: Callable[..., None]
) -> None:
    plain, limited = make(), make("limited", settings=TriggerSettings(pipeline_run_limit=1))
    live("engine-1")
    fired = [new(limited, DAYS[0]), new(limited, DAYS[1]), *(new(plain, day) for day in DAYS[:3])]
    with store.triggers.firing() as writing:
        own = writing.fire(fired, AT, "engine-1", 3)
    found = {(each.run.trigger_id, each.run.fire_time): each.run for each in newest(store, 99)}
    mine = [found[limited.id, DAYS[0]], found[plain.id, DAYS[0]], found[plain.id, DAYS[1]]]
    assert list(own) == [run.id for run in mine]
    assert [(run.owner, run.epoch, run.admitted_at) for run in mine] == [("engine-1", 1, AT)] * 3
    others = [found[limited.id, DAYS[1]], found[plain.id, DAYS[2]]]
    assert [(run.owner, run.epoch, run.admitted_at) for run in others] == [(None, 0, None)] * 2
    assert store.runs.claim("engine-1", 9, AT, own=False).taken == [others[1].id], "the limit has no place"
