"""A final run is asked to go on, and an engine reopens it: whole, in one transaction, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from tests.store.conftest import AT, TOKEN, together
from tests.store.test_moves import LATER, complete, rows, start

from headrace.model import transitions
from headrace.model.run import BlockRun, BlockStatus, Reopening, Run, RunStatus
from headrace.model.trigger import Definition, TriggerType
from headrace.store import Store, tables
from headrace.store.changes import BlockMoved, RunMoved
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import Claims
from headrace.store.triggers import Standing

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]
Live = Callable[..., None]
Fail = Callable[[], Run]


@pytest.fixture
def fail(store: Store, begin: Begin) -> Fail:
    """Makes a run of a and b that failed: a completed, b did not begin."""

    def failed() -> Run:
        run, blocks = begin("ab")
        changes, attempt = start(blocks["a"], run.epoch)
        store.runs.write({run.id: run.epoch}, [RunMoved(run, transitions.start_run(AT)), *changes])
        run = store.runs.get(run.id)
        cancel = BlockMoved(blocks["b"], transitions.cancel_block(AT, attempt=0, reason="x"))
        end = RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x"))
        store.runs.write({run.id: run.epoch}, [*complete(rows(store, run)["a"], attempt), cancel, end])
        return store.runs.get(run.id)

    return failed


def ask(run: Run, *blocks: str, added: tuple[str, ...] = (), pins: Pinned | None = None) -> Reopening:
    version, snapshot = (pins.version_id, pins.snapshot_id) if pins else (run.version_id, run.snapshot_id)
    return Reopening(blocks, added, version, snapshot, "asked by hand")


def test_a_run_is_reopened_as_it_was_asked(store: Store, fail: Fail, pinned: Pinned) -> None:
    run = fail()
    before = len(store.runs.events(run.id))
    latest = store.projects.pin(pinned.project.path, "demo", store.projects.version(run.version_id), "v2", "s2", 1, AT)
    assert store.runs.request_retry(run.id, ask(run, "b", added=("c",), pins=latest))
    assert store.runs.reopen("engine-1", LATER, own=False) == [run.id]
    kept = store.runs.get(run.id)
    cleared = {"ended_at": None, "admitted_at": None, "cancel_requested_at": None, "owner": None}
    pins = {"version_id": latest.version_id, "snapshot_id": latest.snapshot_id}
    assert kept == replace(run, status=RunStatus.INITIAL, reason="asked by hand", **cleared, **pins)
    assert {block: row.status for block, row in rows(store, run).items()} == {
        "a": BlockStatus.COMPLETED,
        "b": BlockStatus.INITIAL,
        "c": BlockStatus.INITIAL,
    }
    told = [(event.kind, event.block, event.status, event.reason) for event in store.runs.events(run.id)[before:]]
    assert told == [
        ("run.reopen", None, "initial", "asked by hand"),
        ("block.reopen", "b", "initial", "asked by hand"),
        ("block.create", "c", "initial", "asked by hand"),
    ]
    assert store.runs.reopen("engine-1", LATER, own=False) == []


def test_a_reopened_run_is_there_to_be_claimed(store: Store, fail: Fail) -> None:
    run = fail()
    store.runs.request_retry(run.id, ask(run, "b"))
    assert store.runs.claim("engine-1", 9, AT, own=False) == Claims(), "it is final until its request is carried out"
    store.runs.reopen("engine-1", AT, own=False)
    assert store.runs.claim("engine-1", 9, AT, own=False) == Claims(taken=[run.id])
    assert store.runs.get(run.id).epoch == run.epoch + 1


def test_a_run_that_was_cancelled_while_it_was_held_goes_on_when_it_is_asked(
    store: Store, create: Callable[..., Run], pinned: Pinned, live: Live
) -> None:
    called, never = Definition(name="called", type=TriggerType.API), Standing(None, None)
    trigger = store.triggers.create(pinned.pipeline_id, called, TOKEN, never, AT, active=False)
    run = create(trigger_id=trigger.id)
    assert run.held
    assert store.runs.close(run.id, None, RunStatus.CANCELLED, "by hand", AT)
    assert store.triggers.change(trigger, called, never, LATER, active=True)
    store.runs.request_retry(run.id, ask(run, "a", "b"))
    assert store.runs.reopen("engine-1", LATER, own=False) == [run.id]
    live("engine-1")
    assert store.runs.claim("engine-1", 9, LATER, own=False) == Claims(taken=[run.id])


def test_an_engine_carries_out_what_it_asked_itself_and_has_the_run(store: Store, fail: Fail, live: Live) -> None:
    run = fail()
    live("two")
    assert store.runs.request_retry(run.id, ask(run, "b"), owner="two")
    assert store.runs.reopen("engine-1", AT, own=False) == [], "who asked it lives"
    assert store.runs.reopen("two", AT, own=True) == [run.id]
    kept = store.runs.get(run.id)
    assert (kept.owner, kept.epoch, kept.status) == ("two", run.epoch + 1, RunStatus.INITIAL)
    assert store.runs.claim("two", 0, AT, own=True) == Claims(admitted={run.id: AT})


def test_what_a_dead_engine_asked_is_carried_out_by_another(store: Store, fail: Fail, live: Live) -> None:
    run = fail()
    live("two")
    store.runs.request_retry(run.id, ask(run, "b"), owner="two")
    store.engines.bury("two")
    assert store.runs.reopen("engine-1", AT, own=True) == []
    assert store.runs.reopen("engine-1", AT, own=False) == [run.id]
    assert store.runs.get(run.id).owner is None


def test_only_a_final_run_is_asked_and_only_once(store: Store, fail: Fail, begin: Begin) -> None:
    going, _ = begin()
    assert not store.runs.request_retry(going.id, ask(going, "a"))
    assert not store.runs.request_retry(99, ask(going, "a"))
    run = fail()
    assert store.runs.request_retry(run.id, ask(run, "b"))
    assert not store.runs.request_retry(run.id, ask(run, "a"))
    store.runs.reopen("engine-1", AT, own=False)
    assert rows(store, run)["a"].status is BlockStatus.COMPLETED


def test_those_who_carry_it_out_at_once_do_so_once(store: Store, fail: Fail) -> None:
    run = fail()
    store.runs.request_retry(run.id, ask(run, "b"))
    done = together(*[lambda: store.runs.reopen("engine-1", AT, own=False)] * 4)
    assert sorted(done) == [[], [], [], [run.id]]
    assert [event.kind for event in store.runs.events(run.id)].count("run.reopen") == 1


def test_what_cannot_be_carried_out_is_taken_back_and_holds_up_no_other(
    store: Store, fail: Fail, database: Database
) -> None:
    broken, stranger, known, unfit, gone, good = runs = [fail() for _ in range(6)]
    asked = {
        stranger.id: ask(stranger, "nobody"),
        known.id: ask(known, "b", added=("a",)),
        unfit.id: replace(ask(unfit, "b"), blocks=("b", "b")),
        gone.id: replace(ask(gone, "b"), version_id=999),
    }
    for run in runs:
        store.runs.request_retry(run.id, asked.get(run.id) or ask(run, "b"))
    with database.write() as connection:
        garbled = sa.update(tables.runs).where(tables.runs.c.id == broken.id)
        connection.execute(garbled.values(retry_request=sa.literal("{no", sa.Text)))
    assert store.runs.reopen("engine-1", LATER, own=False) == [good.id]
    for run, why in zip(runs, ("cannot be read", "no block nobody", "has the block a", "", "", None), strict=True):
        if why is not None:
            assert store.runs.get(run.id) == replace(run, owner=None)
            refused = store.runs.events(run.id)[-1]
            assert (refused.kind, refused.status, refused.at) == ("run.retry_refused", "failed", LATER)
            assert why in refused.reason
            assert store.runs.request_retry(run.id, ask(run, "b")), "it may be asked anew"
