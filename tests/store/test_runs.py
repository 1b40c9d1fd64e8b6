"""Runs are made, claimed, listed and read; what was written comes back equal."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from tests.newest import newest

from headrace import errors, identity
from headrace.model import transitions
from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Reopening, Run, RunStatus
from headrace.store import Store, tables
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, Change, RunMoved
from headrace.store.database import Database
from headrace.store.projects import Pinned

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]
Create = Callable[..., Run]


def run_through(store: Store, run: Run, row: BlockRun, *statuses: str) -> list[Attempt]:
    """Attempts of a block run that ended so, one after the other; all but the last followed by another."""
    tries: list[Attempt] = []
    for status in statuses:
        row = next(each for each in store.runs.block_runs(run.id) if each.id == row.id)
        changes: list[Change] = []
        if row.status is BlockStatus.INITIAL:
            queue = BlockMoved(row, transitions.queue_block(AT, attempt=row.attempt))
            changes.append(queue)
            row = replace(row, status=BlockStatus.QUEUED)
        changes.append(BlockMoved(row, transitions.start_block(AT, attempt=row.attempt)))
        uid = identity.new()
        attempt = Attempt(0, uid, row.id, row.attempt + 1, run.epoch, BlockStatus.RUNNING, "submitted", AT)
        store.runs.write({run.id: run.epoch}, [*changes, AttemptBegun(attempt)])
        row = next(each for each in store.runs.block_runs(run.id) if each.id == row.id)
        outputs = tuple(Output(f"output_{n}", "dict", "json", f"outputs/{uid}/{n}", 2) for n in (1, 0))
        ended = replace(attempt, status=BlockStatus(status), reason="x", ended_at=AT)
        ended = replace(ended, outputs=outputs) if status == "completed" else ended
        last = len(tries) + 1 == len(statuses)
        if status == "completed":
            move = transitions.complete_block(AT, attempt=row.attempt)
        elif last:
            move = transitions.fail_block(AT, attempt=row.attempt, reason="x")
        else:
            move = transitions.retry_block(AT, attempt=row.attempt, reason="x", retry_at=AT, failures=1)
        store.runs.write({run.id: run.epoch}, [AttemptEnded(ended), BlockMoved(row, move)])
        tries.append(ended)
    return tries


def test_a_new_run_is_as_it_was_asked_for(store: Store, create: Create, pinned: Pinned) -> None:
    run = create("ba")
    assert (run.status, run.reason, run.epoch, run.owner) == (RunStatus.INITIAL, "by hand", 0, None)
    assert (run.pipeline_id, run.version_id) == (pinned.pipeline_id, pinned.version_id)
    assert (run.variables, run.selection) == ({"n": 1, "deep": {"list": [1, None, "x"]}}, {"only": ["a"]})
    assert (run.created_at, run.execution_date) == (AT, AT)
    assert store.runs.get(run.id) == run == store.runs.get(run.uid)
    blocks = store.runs.block_runs(run.id)
    assert [(row.block, row.status, row.attempt) for row in blocks] == [("b", "initial", 0), ("a", "initial", 0)]


def test_a_run_may_have_no_blocks(store: Store, create: Create) -> None:
    assert store.runs.block_runs(create({}).id) == []


def test_uids_are_unique_and_of_version_seven(store: Store, create: Create) -> None:
    runs = [create("ab") for _ in range(3)]
    uids = [run.uid for run in runs] + [row.uid for run in runs for row in store.runs.block_runs(run.id)]
    assert len(set(uids)) == len(uids) == 9
    assert {uuid.UUID(uid).version for uid in uids} == {7}


@pytest.mark.parametrize("key", [404, "no-such-uid", "1"])
def test_a_run_that_is_not_there_is_not_found(store: Store, create: Create, key: int | str) -> None:
    create()
    with pytest.raises(errors.RunNotFound, match=f"no run {key}"):
        store.runs.get(key)


def test_a_cancel_is_asked_once(store: Store, create: Create) -> None:
    run = create()
    assert store.runs.request_cancel(run.id, AT) == AT
    assert store.runs.request_cancel(run.id, AT + timedelta(seconds=1)) == AT, "the first time stands"
    assert store.runs.get(run.id).cancel_requested_at == AT


def test_a_final_run_is_not_asked_to_cancel(store: Store, begin: Begin) -> None:
    run, _ = begin()
    end = transitions.end_run(RunStatus.COMPLETED, AT, reason="all blocks settled")
    store.runs.write({run.id: 1}, [RunMoved(run, end)])
    assert store.runs.request_cancel(run.id, AT) is None
    assert store.runs.get(run.id).cancel_requested_at is None


def test_all_runs_of_a_pipeline_are_asked_to_cancel_for_a_reason(store: Store, begin: Begin, create: Create) -> None:
    (run, _), waiting, asked = begin(), create(), create()
    store.runs.request_cancel(asked.id, AT)
    later = AT + timedelta(seconds=1)
    assert store.runs.request_cancels(run.pipeline_id + 1, "gone", later) == 0
    assert store.runs.request_cancels(run.pipeline_id, "gone", later) == 2
    assert store.runs.request_cancels(run.pipeline_id, "gone again", later) == 0
    found = [store.runs.get(each.id).cancel_requested_at for each in (run, waiting, asked)]
    assert found == [later, later, AT]
    assert [store.runs.cancel_reason(each.id) for each in (run, waiting, asked)] == ["gone", "gone", None]
    told = store.runs.events(waiting.id)[-1]
    assert (told.kind, told.status, told.reason, told.at) == ("run.ask_cancel", "initial", "gone", later)


def test_a_run_that_has_gone_on_is_asked_anew(store: Store, begin: Begin) -> None:
    run, _ = begin()
    store.runs.request_cancels(run.pipeline_id, "gone", AT)
    store.runs.write({run.id: 1}, [RunMoved(run, transitions.cancel_run(AT, asked=AT))])
    assert store.runs.cancel_reason(run.id) == "gone"
    reopening = Reopening((), (), run.version_id, run.snapshot_id, "asked by hand")
    assert store.runs.request_retry(run.id, reopening)
    store.runs.reopen("engine-1", AT, own=False)
    store.runs.request_cancel(run.id, AT)
    assert store.runs.cancel_reason(run.id) is None


def test_attempts_come_first_to_last_with_their_outputs_in_order(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    tries = run_through(store, run, blocks["a"], "failed", "failed", "completed")
    kept = store.runs.attempts([blocks["a"].id, blocks["b"].id])
    assert kept.keys() == {blocks["a"].id}
    found = kept[blocks["a"].id]
    assert [replace(each, id=0) for each in found] == tries
    assert [each.number for each in found] == [1, 2, 3]
    assert [output.name for output in found[-1].outputs] == ["output_1", "output_0"]


def test_no_block_runs_have_no_attempts(store: Store) -> None:
    assert store.runs.attempts([]) == {}
    assert store.runs.completed_attempts(iter([])) == {}


def test_only_a_completed_last_attempt_stands_for_its_block(store: Store, begin: Begin) -> None:
    run, blocks = begin("abc")
    run_through(store, run, blocks["a"], "failed", "completed")
    run_through(store, run, blocks["b"], "failed")
    kept = store.runs.completed_attempts(row.id for row in blocks.values())
    assert {key: attempt.number for key, attempt in kept.items()} == {blocks["a"].id: 2}


def test_an_attempt_that_was_followed_by_another_no_longer_stands(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    run_through(store, run, blocks["a"], "completed")
    row = store.runs.block_runs(run.id)[0]
    store.runs.write({run.id: 1}, [BlockMoved(row, transitions.reopen_block(AT, attempt=1, reason="resumed"))])
    run_through(store, run, blocks["a"], "failed")
    assert store.runs.completed_attempts([row.id]) == {}


def test_the_latest_completed_ran_itself(store: Store, begin: Begin, pinned: Pinned) -> None:
    assert store.runs.latest_completed(pinned.pipeline_id, "a") is None
    first, blocks = begin()
    run_through(store, first, blocks["a"], "completed")
    failed, others = begin()
    run_through(store, failed, others["a"], "failed")
    reusing, _ = begin({"a": blocks["a"].id, "b": None})
    assert store.runs.latest_completed(pinned.pipeline_id, "a") == blocks["a"].id
    assert store.runs.latest_completed(pinned.pipeline_id, "b") is None
    assert store.runs.latest_completed(pinned.pipeline_id + 1, "a") is None
    assert store.runs.whole(reusing.id).reused == {"a": first.id}
    assert reusing.id > failed.id > first.id


def test_a_reused_block_run_is_completed_from_the_start(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    run_through(store, run, blocks["a"], "completed")
    _, reusing = begin({"a": blocks["a"].id, "b": None})
    row = reusing["a"]
    assert (row.status, row.reason, row.reused_from, row.attempt, row.ended_at) == (
        BlockStatus.COMPLETED,
        "reused",
        blocks["a"].id,
        0,
        AT,
    )
    assert reusing["b"].status is BlockStatus.INITIAL


def test_a_run_that_cannot_be_decoded_is_named_and_hinders_no_list(
    store: Store, create: Create, database: Database
) -> None:
    texts = [
        ("variables", "{no"),
        ("variables", "[1]"),
        ("variables", '"day"'),
        ("settings", '{"timeout": "soon"}'),
        ("selection", "]"),
        ("event_variables", "3"),
    ]
    good, *bad = [create() for _ in range(len(texts) + 1)]
    for run, (column, text) in zip(bad, texts, strict=True):
        with database.write() as connection:
            broken = sa.update(tables.runs).where(tables.runs.c.id == run.id)
            connection.execute(broken.values({column: sa.literal(text, sa.Text)}))
        with pytest.raises(errors.RowUnreadable, match=rf"(?i)run {run.id} cannot be read"):
            store.runs.get(run.id)
    listed = [each.run for each in newest(store, 9)]
    assert [run.id for run in listed] == [run.id for run in (*bad[::-1], good)]
    variables = [{} if column == "variables" else good.variables for column, _ in texts]
    assert [run.variables for run in listed] == [*variables[::-1], good.variables]
    assert {run.execution_date for run in listed} == {good.execution_date}


def test_times_keep_their_microseconds_and_lose_only_their_zone(store: Store, create: Create) -> None:
    moments = [
        datetime(2026, 3, 1, 12, 0, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, 0, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ]
    kept = [store.runs.get(create(at=at).id).execution_date for at in moments]
    assert kept == moments
    assert {at.utcoffset() for at in kept} == {timedelta()}


def test_the_run_of_a_block_run_is_told(store: Store, create: Callable[..., Run]) -> None:
    first, second = create("ab"), create("a")
    of_first, of_second = (store.runs.block_runs(run.id) for run in (first, second))
    known = {row.id: row.run_id for row in (*of_first, *of_second)}
    assert set(known.values()) == {first.id, second.id}
    assert store.runs.of_block_runs([*known, 987654]) == known
    assert store.runs.of_block_runs(()) == {}
