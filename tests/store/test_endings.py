"""A run that cannot be read is ended by statements alone; a result that comes too late is written down."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT
from tests.store.test_moves import LATER, everything, rows, start

from headrace import errors
from headrace.model import transitions
from headrace.model.run import BlockRun, BlockStatus, Run, RunStatus
from headrace.store import Store, tables
from headrace.store.changes import AttemptEnded, BlockMoved, RunMoved
from headrace.store.database import Database
from headrace.store.runs import Fenced

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


@pytest.mark.parametrize("readable", [True, False])
def test_a_run_is_closed_with_all_that_is_open_of_it(
    store: Store, begin: Begin, database: Database, readable: bool
) -> None:
    run, blocks = begin("abcd")
    failed = [BlockMoved(blocks["d"], transitions.fail_upstream(AT, attempt=0, reason="c failed"))]
    queued = [BlockMoved(blocks["b"], transitions.queue_block(AT, attempt=0))]
    store.runs.write(
        {run.id: 1}, [RunMoved(run, transitions.start_run(AT)), *start(blocks["a"], 1)[0], *failed, *queued]
    )
    if not readable:
        with database.write() as connection:
            connection.execute(sa.update(tables.runs).values(variables=sa.literal("{no", sa.Text)))
    before = len(store.runs.events(run.id))
    assert store.runs.close(run.id, 1, RunStatus.FAILED, "it cannot be read", LATER)
    statuses = {block: row.status for block, row in rows(store, run).items()}
    assert statuses == dict.fromkeys("abc", BlockStatus.CANCELLED) | {"d": BlockStatus.UPSTREAM_FAILED}
    (attempt,) = store.runs.attempts([blocks["a"].id])[blocks["a"].id]
    assert (attempt.status, attempt.reason, attempt.ended_at) == (BlockStatus.CANCELLED, "it cannot be read", LATER)
    told = [(event.kind, event.block, event.attempt, event.status) for event in store.runs.events(run.id)[before:]]
    assert told == [
        ("block.cancel", "a", 1, "cancelled"),
        ("block.cancel", "b", 0, "cancelled"),
        ("block.cancel", "c", 0, "cancelled"),
        ("run.end", None, None, "failed"),
    ]
    (listed,) = [each.run for each in newest(store, 1)]
    assert (listed.status, listed.reason, listed.ended_at) == (RunStatus.FAILED, "it cannot be read", LATER)


def test_only_an_open_run_of_that_epoch_is_closed(store: Store, begin: Begin) -> None:
    run, _ = begin()
    before = everything(store, run)
    assert not store.runs.close(run.id, 7, RunStatus.FAILED, "x", AT)
    assert not store.runs.close(99, None, RunStatus.FAILED, "x", AT)
    assert everything(store, run) == before
    assert store.runs.close(run.id, None, RunStatus.CANCELLED, "x", AT)
    closed = everything(store, run)
    assert not store.runs.close(run.id, None, RunStatus.FAILED, "y", AT)
    assert everything(store, run) == closed


def test_other_runs_stay_as_they_are(store: Store, begin: Begin) -> None:
    run, _ = begin()
    other, blocks = begin()
    store.runs.write({other.id: 1}, start(blocks["a"], 1)[0])
    before = everything(store, other)
    store.runs.close(run.id, None, RunStatus.FAILED, "x", AT)
    assert everything(store, other) == before


def test_a_late_result_is_an_event_and_nothing_else(store: Store, begin: Begin) -> None:
    run, _ = begin()
    before = everything(store, run)
    late = Fenced(run.id, "a", 3, "some-uid", 2, LATER, "completed")
    store.runs.fenced([late, late])
    with store.runs.turn() as turn:
        turn.fenced([late])
    *_, events = everything(store, run)
    *same, earlier = before
    assert everything(store, run)[:3] == tuple(same)
    told = events[len(earlier) :]
    assert [(event.kind, event.block, event.attempt, event.at) for event in told] == [
        ("attempt.fenced", "a", 3, LATER)
    ] * 3
    assert told[0].reason == "completed (attempt some-uid of epoch 2)"
    store.runs.fenced([])


def test_what_was_closed_is_not_moved_by_a_turn_that_comes_late(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    store.runs.write({run.id: 1}, changes)
    row = rows(store, run)["a"]
    store.runs.close(run.id, None, RunStatus.FAILED, "x", AT)
    with pytest.raises(errors.MoveRefused):
        store.runs.write(
            {run.id: 1}, [BlockMoved(row, transitions.complete_block(AT, attempt=1)), AttemptEnded(attempt)]
        )
