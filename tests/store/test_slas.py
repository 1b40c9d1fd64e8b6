"""A run that has not ended in time has passed its SLA: once, from the moment on, while its trigger is active."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from tests.store.conftest import AT, TOKEN

from headrace.model.run import Run, RunStatus
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.store import Store
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.triggers import Standing

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
DUE = AT + HOUR
CALLED = Definition(name="called", type=TriggerType.API, sla=3600)

Late = Callable[..., Run]


@pytest.fixture
def trigger(store: Store, pinned: Pinned) -> Trigger:
    return store.triggers.create(pinned.pipeline_id, CALLED, TOKEN, Standing(None, None), AT, active=True)


@pytest.fixture
def late(store: Store, pinned: Pinned, trigger: Trigger) -> Late:
    """Makes a run that is to have ended by then."""

    def made(by: datetime | None = DUE, of: Trigger | None = trigger) -> Run:
        new = NewRun(
            pipeline_id=pinned.pipeline_id,
            version_id=pinned.version_id,
            snapshot_id=pinned.snapshot_id,
            blocks={"a": None},
            variables={},
            selection={},
            execution_date=AT,
            reason="by a call",
            trigger_id=of.id if of else None,
            sla_at=by,
        )
        return store.runs.create(new, AT).run

    return made


def activate(store: Store, seen: Trigger, active: bool, at: datetime) -> Trigger:
    changed = store.triggers.change(seen, seen.definition, Standing(None, None), at, active=active)
    assert changed
    return changed


def test_it_is_passed_at_the_moment_it_is_due_and_not_before(store: Store, late: Late) -> None:
    first, second, never = late(), late(DUE + HOUR), late(None)
    assert store.runs.next_sla() == DUE
    assert store.runs.pass_slas(DUE - TICK) == []
    assert store.runs.pass_slas(DUE) == [first.id]
    assert [store.runs.get(run.id).passed_sla for run in (first, second, never)] == [True, False, False]
    assert store.runs.get(first.id) == replace(first, passed_sla=True), "nothing else of it is changed"
    assert store.runs.next_sla() == DUE + HOUR


def test_it_is_passed_once_with_one_event(store: Store, late: Late) -> None:
    run = late()
    assert store.runs.pass_slas(DUE + HOUR) == [run.id]
    assert store.runs.pass_slas(DUE + 2 * HOUR) == []
    (event,) = [each for each in store.runs.events(run.id) if each.kind == "run.pass_sla"]
    assert (event.at, event.status, event.block) == (DUE + HOUR, "initial", None)
    assert event.reason == f"it was to have ended by {DUE.isoformat()}"
    assert store.runs.next_sla() is None


def test_a_run_that_has_ended_passes_none(store: Store, late: Late) -> None:
    run = late()
    assert store.runs.close(run.id, None, RunStatus.FAILED, "x", AT)
    assert (store.runs.next_sla(), store.runs.pass_slas(DUE)) == (None, [])


def test_only_runs_of_active_triggers_count(store: Store, late: Late, trigger: Trigger) -> None:
    run = late()
    late(of=None)
    paused = activate(store, trigger, False, AT + HOUR / 2)
    assert (store.runs.next_sla(), store.runs.pass_slas(DUE)) == (None, [])
    activate(store, paused, True, AT + HOUR / 3)
    assert (store.runs.next_sla(), store.runs.pass_slas(DUE)) == (DUE, [run.id])


def test_a_row_that_cannot_be_read_stops_no_other(
    store: Store, database: Database, late: Late, place: tuple[object, str | None]
) -> None:
    first, second = late(), late(DUE + HOUR)
    broken = "variables = '{', occasion = '{'" + ("" if place[1] else ", sla_at = '0'")
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE runs SET {broken} WHERE id = {first.id}"))
    assert store.runs.next_sla() in (None, DUE)
    assert store.runs.pass_slas(DUE) == [first.id]
    assert store.runs.next_sla() == DUE + HOUR
    assert store.runs.pass_slas(DUE + HOUR) == [second.id]
