"""A turn is written whole or not at all, and every guard of it is held."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace import errors, identity
from headrace.model import progress, transitions
from headrace.model import run as models
from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Failure, Run, RunStatus
from headrace.store import Store
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, Change, Profiled, RunMoved

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


def write(store: Store, run: Run, *changes: Change) -> dict[int, datetime]:
    return store.runs.write({run.id: run.epoch}, changes)


def rows(store: Store, run: Run) -> dict[str, BlockRun]:
    return {row.block: row for row in store.runs.block_runs(run.id)}


def start(row: BlockRun, epoch: int, at: datetime = AT) -> tuple[list[Change], Attempt]:
    """Queued and started, with its attempt."""
    queue = transitions.queue_block(at, attempt=row.attempt)
    queued = progress.moved(row, queue)
    attempt = Attempt(
        0, identity.new(), row.id, row.attempt + 1, epoch, BlockStatus.RUNNING, "submitted", at, rows_in=5
    )
    start = transitions.start_block(at, attempt=row.attempt)
    return [BlockMoved(row, queue), BlockMoved(queued, start), AttemptBegun(attempt)], attempt


def complete(row: BlockRun, attempt: Attempt, *outputs: Output) -> list[Change]:
    ended = replace(attempt, status=BlockStatus.COMPLETED, reason="returned", ended_at=LATER, outputs=outputs)
    return [AttemptEnded(ended), BlockMoved(row, transitions.complete_block(LATER, attempt=row.attempt))]


def everything(store: Store, run: Run) -> tuple[object, ...]:
    """All that is kept of a run."""
    blocks = store.runs.block_runs(run.id)
    tries = store.runs.attempts(row.id for row in blocks)
    return store.runs.get(run.id), blocks, tries, store.runs.events(run.id)


def test_a_move_is_kept_with_the_event_that_says_why(store: Store, begin: Begin) -> None:
    run, _ = begin()
    write(store, run, RunMoved(run, transitions.start_run(LATER)))
    kept = store.runs.get(run.id)
    assert (kept.status, kept.reason, kept.started_at) == (RunStatus.RUNNING, "claimed", LATER)
    created, started = store.runs.events(run.id)
    assert (created.kind, created.status, created.reason, created.block) == ("run.create", "initial", "by hand", None)
    assert (started.kind, started.status, started.reason, started.at) == ("run.start", "running", "claimed", LATER)


def test_several_moves_of_one_row_are_one_update_and_an_event_each(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    row = rows(store, run)["a"]
    assert (row.status, row.attempt, row.started_at, row.reason) == (BlockStatus.RUNNING, 1, AT, "submitted")
    told = [(event.kind, event.block, event.attempt) for event in store.runs.events(run.id)[1:]]
    assert told == [("block.queue", "a", 0), ("block.start", "a", 1)]
    (kept,) = store.runs.attempts([row.id])[row.id]
    assert kept == replace(attempt, id=kept.id)


def test_many_rows_move_in_one_turn(store: Store, begin: Begin) -> None:
    run, blocks = begin("abcdef")
    begun = {name: start(row, run.epoch) for name, row in blocks.items()}
    write(store, run, *[change for changes, _ in begun.values() for change in changes])
    assert {row.status for row in rows(store, run).values()} == {BlockStatus.RUNNING}
    done = [each for name, row in rows(store, run).items() for each in complete(row, begun[name][1])]
    write(store, run, *done)
    assert {row.status for row in rows(store, run).values()} == {BlockStatus.COMPLETED}


def test_an_ended_attempt_keeps_all_it_is_told(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    outputs = tuple(
        Output(
            name=f"output_{n}",
            kind="pandas.DataFrame",
            codec="arrow",
            path=f"outputs/{n}.arrow",
            bytes=2**40,
            rows=n,
            schema=({"name": "x", "type": "int64"},),
            profile={"x": {"nulls": 0, "min": 1, "max": 2}},
            hash="abc",
            extra={"index": ["x"]},
        )
        for n in (2, 0, 1)
    )
    ended = replace(
        attempt,
        status=BlockStatus.FAILED,
        reason="test_failed",
        started_at=LATER,
        ended_at=LATER,
        failure=Failure("ValueError", "no", "Traceback …", "a.py", 3, "f", "raise"),
        tests=(models.TestResult("test_it", False, "wrong", 0.5), models.TestResult("test_more", True)),
        outputs=outputs,
        single=False,
        seconds=1.5,
        cpu_seconds=1.25,
        peak_bytes=2**41,
        log_lines=2**33,
    )
    row = rows(store, run)["a"]
    write(
        store,
        run,
        AttemptEnded(ended),
        BlockMoved(row, transitions.fail_block(LATER, attempt=1, reason="test_failed")),
    )
    (kept,) = store.runs.attempts([row.id])[row.id]
    assert kept == replace(ended, id=kept.id)


def _turn(row: BlockRun, run: Run) -> list[Change]:
    """A turn that would land: the run starts, and so does a block."""
    return [RunMoved(run, transitions.start_run(AT)), *start(row, run.epoch)[0]]


def _refused(store: Store, run: Run, epochs: dict[int, int], changes: Sequence[Change]) -> None:
    before = everything(store, run)
    with pytest.raises(errors.MoveRefused):
        store.runs.write(epochs, changes)
    assert everything(store, run) == before


def test_a_turn_of_another_epoch_is_refused_whole(store: Store, begin: Begin, live: Callable[..., None]) -> None:
    run, blocks = begin()
    _refused(store, run, {run.id: run.epoch - 1}, _turn(blocks["a"], run))
    store.engines.bury("engine-1")
    live("engine-2")
    assert store.runs.claim_one(run.id, "engine-2", run.epoch, AT)
    _refused(store, run, {run.id: run.epoch}, _turn(blocks["a"], run))


def test_a_turn_of_several_runs_falls_with_one_epoch(store: Store, begin: Begin) -> None:
    (one, blocks), (two, _) = begin(), begin()
    _refused(store, one, {one.id: 1, two.id: 7}, _turn(blocks["a"], one))


def test_that_its_epoch_is_not_held_is_said_of_a_turn_whatever_else_is_wrong_with_it(
    store: Store, begin: Begin
) -> None:
    """An engine that was taken for dead begins attempts of numbers that its successor has used."""
    run, blocks = begin()
    changes, _ = start(blocks["a"], run.epoch)
    write(store, run, *changes)
    twice, _ = start(blocks["a"], run.epoch)
    with pytest.raises(errors.MoveRefused, match=f"run {run.id} at epoch 7"):
        store.runs.write({run.id: 7}, twice)


def test_a_turn_of_many_runs_holds_them_all(store: Store, begin: Begin) -> None:
    begun = [begin() for _ in range(5)]
    store.runs.request_cancel(begun[3][0].id, LATER)
    changes = [change for run, blocks in begun for change in _turn(blocks["a"], run)]
    assert store.runs.write({run.id: run.epoch for run, _ in begun}, changes) == {begun[3][0].id: LATER}
    assert {store.runs.get(run.id).status for run, _ in begun} == {RunStatus.RUNNING}
    ends = [RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x")) for run, _ in begun[:2]]
    starts = [RunMoved(run, transitions.start_run(AT)) for run, _ in begun[2:]]
    with pytest.raises(errors.MoveRefused):
        store.runs.write({run.id: run.epoch for run, _ in begun}, [*ends, *starts])
    assert {store.runs.get(run.id).status for run, _ in begun} == {RunStatus.RUNNING}


def test_a_turn_may_be_written_in_parts_and_is_one_all_the_same(store: Store, begin: Begin) -> None:
    (one, blocks), (two, _) = begin(), begin()
    with pytest.raises(errors.MoveRefused), store.runs.turn() as turn:
        turn.write({one.id: 1}, _turn(blocks["a"], one))
        turn.write({two.id: 9}, [RunMoved(two, transitions.start_run(AT))])
    assert store.runs.get(one.id) == one
    with store.runs.turn() as turn:
        turn.write({one.id: 1}, _turn(blocks["a"], one))
        turn.write({two.id: 1}, [RunMoved(two, transitions.start_run(AT))])
    assert {store.runs.get(each.id).status for each in (one, two)} == {RunStatus.RUNNING}


def test_a_block_that_reused_an_output_and_runs_again_reuses_it_no_more(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    write(store, run, *complete(rows(store, run)["a"], attempt))
    later, reusing = begin({"a": blocks["a"].id, "b": None})
    reopened = transitions.reopen_block(LATER, attempt=0, reason="asked")
    queued = transitions.queue_block(LATER, attempt=0)
    write(store, later, BlockMoved(reusing["a"], reopened), BlockMoved(reusing["b"], queued))
    assert (rows(store, later)["a"].reused_from, rows(store, later)["a"].status) == (None, BlockStatus.INITIAL)
    assert rows(store, later)["b"].status is BlockStatus.QUEUED


def test_a_run_that_does_not_exist_is_refused(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    _refused(store, run, {run.id: 1, 999: 1}, _turn(blocks["a"], run))


def test_a_run_move_from_another_status_is_refused_whole(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    write(store, run, RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x")))
    _refused(store, run, {run.id: 1}, _turn(blocks["a"], run))


def test_a_block_move_from_another_status_is_refused_whole(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    write(store, run, BlockMoved(blocks["a"], transitions.cancel_block(AT, attempt=0, reason="x")))
    _refused(store, run, {run.id: 1}, _turn(blocks["a"], run))


def test_a_block_move_of_another_attempt_is_refused_whole(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    running = rows(store, run)["a"]
    lost = replace(attempt, status=BlockStatus.FAILED, reason="x", ended_at=AT)
    retry = transitions.retry_block(AT, attempt=1, reason="x", retry_at=AT, failures=1)
    write(store, run, AttemptEnded(lost), BlockMoved(running, retry))
    again, _ = start(replace(running, status=BlockStatus.INITIAL), 1)
    write(store, run, *[BlockMoved(rows(store, run)["a"], transitions.start_block(AT, attempt=1)), again[2]])
    stale = BlockMoved(running, transitions.complete_block(AT, attempt=1))  # running, as the row is, but at attempt 2
    _refused(store, run, {run.id: 1}, [RunMoved(run, transitions.start_run(AT)), stale])


def test_an_attempt_ends_once(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    ended = replace(attempt, status=BlockStatus.FAILED, reason="x", ended_at=AT)
    write(store, run, AttemptEnded(ended))
    _refused(store, run, {run.id: 1}, [RunMoved(run, transitions.start_run(AT)), AttemptEnded(ended)])


def test_an_attempt_of_another_epoch_does_not_end(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    ended = replace(attempt, status=BlockStatus.FAILED, reason="x", ended_at=AT, epoch=2)
    _refused(store, run, {run.id: 1}, [RunMoved(run, transitions.start_run(AT)), AttemptEnded(ended)])


def test_one_of_many_that_does_not_land_takes_the_others_with_it(store: Store, begin: Begin) -> None:
    run, blocks = begin("abcd")
    write(store, run, BlockMoved(blocks["c"], transitions.cancel_block(AT, attempt=0, reason="x")))
    queues = [BlockMoved(row, transitions.queue_block(AT, attempt=0)) for row in blocks.values()]
    _refused(store, run, {run.id: 1}, queues)


def test_moves_of_one_row_that_do_not_follow_each_other_are_refused(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    queue = BlockMoved(blocks["a"], transitions.queue_block(AT, attempt=0))
    skipped = BlockMoved(blocks["a"], transitions.complete_block(AT, attempt=0))
    _refused(store, run, {run.id: 1}, [queue, skipped])
    twice = RunMoved(run, transitions.start_run(AT))
    _refused(store, run, {run.id: 1}, [twice, twice])


def test_a_move_that_the_drawing_does_not_have_is_refused(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    _refused(store, run, {run.id: 1}, [BlockMoved(blocks["a"], transitions.complete_block(AT, attempt=0))])


def test_a_cancel_that_was_asked_meanwhile_survives_the_turn_and_is_told(store: Store, begin: Begin) -> None:
    run, _ = begin()
    store.runs.request_cancel(run.id, LATER)
    assert write(store, run, RunMoved(run, transitions.start_run(AT))) == {run.id: LATER}
    kept = store.runs.get(run.id)
    assert (kept.status, kept.cancel_requested_at) == (RunStatus.RUNNING, LATER)


def test_nobody_is_told_of_cancels_that_nobody_asked(store: Store, begin: Begin) -> None:
    run, _ = begin()
    assert write(store, run, RunMoved(run, transitions.start_run(AT))) == {}


def test_a_reopened_run_forgets_its_end_and_its_cancel(store: Store, begin: Begin) -> None:
    run, _ = begin()
    store.runs.request_cancel(run.id, AT)
    write(store, run, RunMoved(run, transitions.cancel_run(AT, asked=AT)))
    ended = store.runs.get(run.id)
    write(store, run, RunMoved(ended, transitions.reopen_run(LATER, reason="resumed")))
    kept = store.runs.get(run.id)
    assert (kept.status, kept.ended_at, kept.cancel_requested_at) == (RunStatus.INITIAL, None, None)


def test_a_profile_follows_its_output_and_no_other(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    first, second = (Output(f"output_{n}", "dict", "json", f"outputs/{n}", 2) for n in (0, 1))
    write(store, run, *complete(rows(store, run)["a"], attempt, first, second))
    seen = replace(second, profile={"x": {"nulls": 1, "min": None, "max": None}}, hash="h")
    store.runs.write({}, [Profiled(attempt.uid, (seen,)), Profiled("nobody", (seen,))])
    (kept,) = store.runs.attempts([blocks["a"].id])[blocks["a"].id]
    assert kept.outputs == (first, seen)


def test_a_profile_may_come_with_its_output(store: Store, begin: Begin) -> None:
    run, blocks = begin()
    changes, attempt = start(blocks["a"], 1)
    write(store, run, *changes)
    output = Output("output_0", "dict", "json", "outputs/0", 2)
    seen = replace(output, hash="h")
    write(store, run, *complete(rows(store, run)["a"], attempt, output), Profiled(attempt.uid, (seen,)))
    (kept,) = store.runs.attempts([blocks["a"].id])[blocks["a"].id]
    assert kept.outputs == (seen,)
