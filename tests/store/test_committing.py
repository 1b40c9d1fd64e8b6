"""An attempt that commits: its outputs are there before it ends, and with its end comes what became of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.store.conftest import limits_of
from tests.store.test_moves import complete, rows, start, write

from headrace import errors
from headrace.model import transitions
from headrace.model.dataset import Operation, WriteMode
from headrace.model.limits import Limits
from headrace.model.output import DATASET, Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import Attempt, BlockRun, BlockStatus, Failure, Run, RunStatus
from headrace.model.trigger import TriggerType
from headrace.store import Store, bookmarks
from headrace.store.bookmarks import Bookmark
from headrace.store.changes import AttemptCommits, AttemptDelayed, AttemptEnded, BlockMoved, Change
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.script import Script
from headrace.store.written import Written

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
STAGED = Output("sales", DATASET, "parquet", "outputs/r/a/0.parquet", 900, rows=3, extra={"dataset": "sales"})

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


def commit(row: BlockRun, attempt: Attempt) -> tuple[list[Change], Attempt]:
    commits = replace(attempt, status=BlockStatus.COMMITTING, reason="returned", outputs=(STAGED,), log_lines=7)
    return [BlockMoved(row, transitions.commit_block(LATER, attempt=row.attempt)), AttemptCommits(commits)], commits


def committing(store: Store, begin: Begin) -> tuple[Run, BlockRun, Attempt]:
    """A run whose block a commits."""
    run, blocks = begin()
    changes, attempt = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    changes, attempt = commit(rows(store, run)["a"], attempt)
    write(store, run, *changes)
    return run, rows(store, run)["a"], attempt


def written(run: Run, attempt: Attempt, version: int = 4) -> Written:
    return Written(
        dataset="sales",
        version=version,
        operation=WriteMode.APPEND,
        rows=30,
        bytes=9000,
        schema=[{"name": "x", "type": "int64"}],
        run_id=run.id,
        block="a",
        attempt=attempt.uid,
        at=LATER,
    )


def completed(run: Run, row: BlockRun, attempt: Attempt) -> list[Change]:
    named = replace(STAGED, extra={**STAGED.extra, "version": 4, "location": "datasets/sales"})
    ended = replace(attempt, status=BlockStatus.COMPLETED, ended_at=LATER, outputs=(named,))
    done = transitions.complete_block(LATER, attempt=row.attempt)
    return [AttemptEnded(ended, BlockStatus.COMMITTING), BlockMoved(row, done), written(run, attempt)]


def test_what_is_to_be_committed_is_there_before_the_attempt_ends(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    assert (row.status, row.ended_at) == (BlockStatus.COMMITTING, None)
    (kept,) = store.runs.attempts([row.id])[row.id]
    assert kept == replace(attempt, id=kept.id)
    assert store.runs.completed_attempts([row.id]) == {}
    assert store.runs.events(run.id)[-1].kind == "block.commit"


def test_it_commits_under_the_epoch_of_its_run_alone_and_until_it_ends(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    assert store.runs.is_committing(attempt.uid, run.epoch)
    assert not store.runs.is_committing(attempt.uid, run.epoch + 1)
    assert not store.runs.is_committing("another", run.epoch)
    store.datasets.ensure("sales", "datasets/sales", AT)
    write(store, run, *completed(run, row, attempt))
    assert not store.runs.is_committing(attempt.uid, run.epoch)


def test_with_its_end_its_outputs_say_which_version_they_are(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    sales = store.datasets.ensure("sales", "datasets/sales", AT)
    write(store, run, *completed(run, row, attempt))
    (output,) = store.runs.completed_attempts([row.id])[row.id].outputs
    assert output.extra == {"dataset": "sales", "version": 4, "location": "datasets/sales"}
    (version,) = store.datasets.versions(sales.id, 9)
    assert (version.version, version.attempt, version.run_id, version.block) == (4, attempt.uid, run.id, "a")
    assert (version.rows, version.operation) == (30, WriteMode.APPEND)


def test_a_version_without_a_dataset_refuses_the_whole_turn(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    with pytest.raises(errors.MoveRefused):
        write(store, run, *completed(run, row, attempt))
    assert rows(store, run)["a"].status is BlockStatus.COMMITTING
    assert store.runs.completed_attempts([row.id]) == {}


def test_why_it_is_not_known_what_became_of_it_is_there_while_it_commits(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    delayed = replace(attempt, failure=Failure("DatasetInDoubt", "no answer"))
    write(store, run, AttemptDelayed(delayed))
    (kept,) = store.runs.attempts([row.id])[row.id]
    assert (kept.status, kept.failure, kept.outputs) == (BlockStatus.COMMITTING, delayed.failure, (STAGED,))
    store.datasets.ensure("sales", "datasets/sales", AT)
    write(store, run, *completed(run, row, attempt))
    assert store.runs.attempts([row.id])[row.id][0].failure is None
    with pytest.raises(errors.MoveRefused):
        write(store, run, AttemptDelayed(delayed))


def test_what_was_not_committed_leaves_no_outputs(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    failure = Failure("DatasetRefused", "no")
    ended = replace(attempt, status=BlockStatus.FAILED, ended_at=LATER, outputs=(), failure=failure)
    again = transitions.retry_block(LATER, attempt=row.attempt, reason="not_committed", retry_at=LATER, failures=1)
    write(store, run, AttemptEnded(ended, BlockStatus.COMMITTING), BlockMoved(row, again))
    (kept,) = store.runs.attempts([row.id])[row.id]
    assert (kept.outputs, kept.failure, kept.log_lines) == ((), failure, 7)
    assert rows(store, run)["a"].status is BlockStatus.QUEUED


def test_nothing_is_committed_that_does_not_run(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    running = rows(store, run)["a"]
    write(store, run, *complete(running, attempt))
    for change in commit(running, attempt)[0]:
        with pytest.raises(errors.MoveRefused):
            write(store, run, change)


def test_a_bookmark_moves_with_the_turn_or_not_at_all(store: Store, begin: Begin) -> None:
    run, row, attempt = committing(store, begin)
    mark = Bookmark(pipeline_id=run.pipeline_id, block="a", value={"id": 9}, attempt=attempt.uid, updated_at=LATER)
    with pytest.raises(errors.MoveRefused):
        write(store, run, *completed(run, row, attempt), mark)
    assert store.bookmarks.find(run.pipeline_id, "a") is None
    store.datasets.ensure("sales", "datasets/sales", AT)
    write(store, run, *completed(run, row, attempt), mark)
    assert store.bookmarks.find(run.pipeline_id, "a") == mark


@pytest.mark.parametrize("operation", WriteMode)
def test_a_load_that_replaces_a_dataset_has_others_that_load_into_it_begin_anew(
    store: Store, database: Database, begin: Begin, operation: WriteMode
) -> None:
    run, row, attempt = committing(store, begin)
    mark = Bookmark(pipeline_id=run.pipeline_id, block="a", value={"id": 9}, attempt=attempt.uid, updated_at=LATER)
    for name in ("sales", "stock"):
        store.datasets.ensure(name, f"datasets/{name}", AT)
        before = replace(written(run, attempt, 3), dataset=name, attempt=f"of_{name}", block=name)
        store.datasets.written(before)
        with database.write() as connection, Script(connection) as script:
            bookmarks.move(script, [replace(mark, block=name, attempt=f"of_{name}")])
    ended, moved, version = completed(run, row, attempt)
    assert isinstance(version, Written)
    write(store, run, ended, moved, replace(version, dataset="Sales", operation=Operation(operation)), mark)
    there = [name for name in ("a", "sales", "stock") if store.bookmarks.find(run.pipeline_id, name)]
    assert there == (["a", "stock"] if operation is WriteMode.REPLACE else ["a", "sales", "stock"])


def test_what_is_no_load_and_replaces_a_dataset_leaves_the_bookmarks(
    store: Store, database: Database, begin: Begin
) -> None:
    run, row, attempt = committing(store, begin)
    store.datasets.ensure("sales", "datasets/sales", AT)
    store.datasets.written(replace(written(run, attempt, 3), attempt="before", block="load"))
    mark = Bookmark(pipeline_id=run.pipeline_id, block="load", value={}, attempt="before", updated_at=LATER)
    with database.write() as connection, Script(connection) as script:
        bookmarks.move(script, [mark])
    ended, moved, version = completed(run, row, attempt)
    assert isinstance(version, Written)
    write(store, run, ended, moved, replace(version, operation=Operation.REPLACE))
    assert store.bookmarks.find(run.pipeline_id, "load") == mark


@pytest.mark.parametrize("listened", ["sales", "stock"])
def test_a_version_is_an_occurrence_for_whoever_listens(
    store: Store, begin: Begin, pinned: Pinned, trigger: Callable[..., int], listened: str
) -> None:
    rules = (Rule(kind=RuleKind.DATASET, subject=listened),)
    trigger(pinned, "listens", type=TriggerType.EVENT, rules=rules)
    run, row, attempt = committing(store, begin)
    store.datasets.ensure("sales", "datasets/sales", AT)
    write(store, run, *completed(run, row, attempt))
    found = [(each.kind, each.subject, each.payload["version"]) for each in store.occurrences.open(9)]
    assert found == ([(RuleKind.DATASET, "sales", 4)] if listened == "sales" else [])


LIMITED = Pipeline("limited", blocks=(Block("a", BlockType.CUSTOM),), limits=Limits(blocks={"a": 1}))


def test_what_commits_holds_no_place_under_a_limit(store: Store, begin: Begin) -> None:
    pins = store.projects.pin(Path("/projects/demo"), "demo", LIMITED, "limited", "s", 1, AT)
    limit = limits_of(store, pins.pipeline_id).blocks["a"].id
    run, blocks = begin("a", pins)
    changes, attempt = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    with store.runs.turn() as turn:
        assert turn.room([limit]) == {limit: 0}
    write(store, run, *commit(rows(store, run)["a"], attempt)[0])
    with store.runs.turn() as turn:
        assert turn.room([limit]) == {limit: 1}
    assert next(use for use in store.limits.used(run.id) if use.kind == "block_runs").used == 0


def test_a_run_that_is_closed_commits_no_more(store: Store, begin: Begin) -> None:
    run, _, attempt = committing(store, begin)
    assert store.runs.close(run.id, None, RunStatus.FAILED, "by hand", LATER)
    assert not store.runs.is_committing(attempt.uid, run.epoch)
    assert rows(store, run)["a"].status is BlockStatus.CANCELLED
