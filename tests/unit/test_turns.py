"""What one turn decides, on copies, before anything is written."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.engine import turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.turns import Turn
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import FINAL_BLOCK, Attempt, BlockRun, BlockStatus, Run, RunStatus
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, RunMoved
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = Run(1, "run", 1, 1, 1, RunStatus.INITIAL, "created", {}, AT, AT, owner="me", epoch=4)
WORKPLACE = wire.Workplace(project="p", snapshot="/s", live="/p", cwd="/", environment={})
OUTPUT = Output("output_0", "pandas.DataFrame", "arrow", "outputs/x/0.arrow", 10, rows=7)


def held(
    statuses: dict[str, str],
    graph: dict[str, tuple[str, ...]],
    run: Run = RUN,
    reopen: set[str] = frozenset(),
    **config: Any,
) -> ActiveRun:
    """A run held in memory, whose running blocks are at their first attempt and whose completed ones have an output."""
    blocks = tuple(Block(name, BlockType.CUSTOM, upstream=ups, retry_config=config) for name, ups in graph.items())
    rows = {name: _row(n, name, BlockStatus(status)) for n, (name, status) in enumerate(statuses.items(), 1)}
    tries = {name: _attempt(row) for name, row in rows.items()}
    job = Job(
        run=run,
        pipeline=Pipeline("p", blocks=blocks),
        rows=rows,
        kept={name: tries[name] for name, row in rows.items() if row.status is BlockStatus.COMPLETED},
        begun={name: tries[name] for name, row in rows.items() if row.status is BlockStatus.RUNNING},
        reopen=frozenset(reopen),
        workplace=WORKPLACE,
        home=Path("/home"),
    )
    return ActiveRun.of(job, Future())


def _row(n: int, name: str, status: BlockStatus) -> BlockRun:
    tried = status in (BlockStatus.RUNNING, BlockStatus.COMPLETED, BlockStatus.FAILED)
    return BlockRun(n, name, 1, name, status, "", attempt=int(tried), ended_at=AT if status in FINAL_BLOCK else None)


def _attempt(row: BlockRun) -> Attempt:
    outputs = (OUTPUT,) if row.status is BlockStatus.COMPLETED else ()
    return Attempt(row.id, f"try-{row.block}", row.id, 1, 3, row.status, "", AT, outputs=outputs)


def finished(block: str, status: str, reason: str = "raised") -> wire.Finished:
    return wire.Finished(attempt=f"try-{block}", epoch=3, status=status, reason=reason)


def moves(turn: Turn) -> list[str]:
    """The moves of the turn, in order, as `block.name` or `run.name`."""
    return [
        f"{change.row.block}.{change.move.name}" if isinstance(change, BlockMoved) else f"run.{change.move.name}"
        for changes in turn.changes.values()
        for change in changes
        if isinstance(change, BlockMoved | RunMoved)
    ]


def test_a_turn_works_on_one_copy() -> None:
    kept = held({"a": "initial"}, {"a": ()})
    turn = Turn(AT)
    copy = turn.on(kept)
    assert turn.on(kept) is copy
    turns.take(turn, copy)
    turns.advance(turn, copy)
    turns.admit(turn, {1: kept}, 1, 0)
    assert moves(turn) == ["run.start", "a.queue", "a.start"]
    assert copy.begun
    assert (kept.run, kept.rows, kept.begun, kept.stopping) == (kept.job.run, kept.job.rows, {}, set())


def test_a_report_of_a_failure_leads_to_another_try_when_it_may() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, retries=1, delay=3))
    turns.report(turn, active, "a", finished("a", "failed"))
    assert moves(turn) == ["a.retry"]
    assert active.next_retry() == AT + timedelta(seconds=3)
    assert list(active.queued(AT)) == []
    assert list(active.queued(AT + timedelta(seconds=3))) == ["a"]
    assert active.running() == 0


@pytest.mark.parametrize("why", ["cancel", "stopping"])
def test_no_try_follows_in_a_run_that_is_to_stop(why: str) -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, retries=9))
    if why == "cancel":
        active.ask_cancel(AT)
    else:
        active.stopping.add("a")
    turns.report(turn, active, "a", finished("a", "failed"))
    assert moves(turn) == ["a.fail"]


def test_a_failure_of_another_block_in_the_same_turn_takes_the_next_try_away() -> None:
    graph = {"a": (), "b": ()}
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "running"}, graph, replace(RUN, status=RunStatus.RUNNING)))
    again = replace(active.job.pipeline.blocks[1], retry_config={"retries": 3})
    active.job = replace(active.job, pipeline=Pipeline("p", blocks=(active.job.pipeline.blocks[0], again)))
    turns.report(turn, active, "b", finished("b", "failed"))
    turns.report(turn, active, "a", finished("a", "failed"))
    turns.advance(turn, active)
    assert moves(turn) == ["b.retry", "a.fail", "b.cancel", "run.end"]
    assert (active.run.status, active.rows["b"].retry_at) == (RunStatus.FAILED, None)


def test_a_completed_block_hands_its_outputs_to_those_below() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "initial"}, {"a": (), "b": ("a",)}))
    report = wire.Finished(attempt="try-a", epoch=3, status="completed", reason="returned", outputs=(OUTPUT,))
    turns.report(turn, active, "a", report)
    turns.advance(turn, active)
    turns.admit(turn, {1: active}, 5, 0)
    (task,) = turn.submits
    assert [(each.block, each.outputs, each.single) for each in task.inputs] == [("a", (OUTPUT,), True)]
    assert (task.attempt, task.epoch) == (active.begun["b"].uid, RUN.epoch)
    assert active.begun["b"].rows_in == 7
    assert task.place == f"/home/outputs/run/{task.attempt}"
    assert task.log == f"/home/logs/run/{task.attempt}.jsonl"


def test_an_upstream_whose_outputs_are_not_known_is_not_passed_over() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "completed", "b": "queued"}, {"a": (), "b": ("a",)}))
    active.kept.clear()
    with pytest.raises(KeyError):
        turns.admit(turn, {1: active}, 5, 0)


def test_no_more_is_started_than_there_is_room_for() -> None:
    first = held(dict.fromkeys("abc", "queued"), dict.fromkeys("abc", ()))
    second = held(dict.fromkeys("xyz", "queued"), dict.fromkeys("xyz", ()), replace(RUN, id=2))
    turn = Turn(AT)
    turns.admit(turn, {1: first, 2: second}, 4, 0)
    assert [task.block for task in turn.submits] == ["a", "b", "c", "x"]
    turns.admit(full := Turn(AT), {1: first}, 0, 0)
    turns.admit(full, {1: first}, -3, 1)
    assert full.submits == []


def test_blocks_start_in_the_order_of_the_graph_not_of_the_rows() -> None:
    turn = Turn(AT)
    active = turn.on(held({"late": "queued", "early": "queued"}, {"early": (), "late": ()}))
    turns.admit(turn, {1: active}, 9, 0)
    assert [task.block for task in turn.submits] == ["early", "late"]


def test_a_stop_is_asked_once() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, replace(RUN, status=RunStatus.RUNNING)))
    active.ask_cancel(AT)
    turns.advance(turn, active)
    turns.advance(turn, active)
    assert turn.stops == [("try-a", "cancel_requested")]


def test_taking_over_loses_what_was_under_way_and_counts_no_failure() -> None:
    turn = Turn(AT)
    active = turn.on(
        held({"a": "completed", "b": "running"}, {"a": (), "b": ("a",)}, replace(RUN, status=RunStatus.RUNNING))
    )
    turns.take(turn, active)
    turns.advance(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["b.retry", "b.start"]
    assert (active.rows["b"].attempt, active.rows["b"].failures) == (2, 0)
    ended = [change.attempt for change in turn.changes[1] if isinstance(change, AttemptEnded)]
    assert [(each.uid, each.epoch, each.status, each.reason) for each in ended] == [
        ("try-b", 3, "failed", "engine_died")
    ]
    assert [change.attempt.epoch for change in turn.changes[1] if isinstance(change, AttemptBegun)] == [4]


def test_taking_over_a_run_that_was_to_be_cancelled_cancels_it() -> None:
    asked = replace(RUN, status=RunStatus.RUNNING, cancel_requested_at=AT)
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "initial"}, {"a": (), "b": ("a",)}, asked))
    turns.take(turn, active)
    turns.advance(turn, active)
    assert moves(turn) == ["a.retry", "a.cancel", "b.cancel", "run.end"]
    assert active.run.status is RunStatus.CANCELLED


def test_taking_over_refuses_a_running_block_whose_attempt_is_not_known() -> None:
    active = held({"a": "running"}, {"a": ()}, replace(RUN, status=RunStatus.RUNNING))
    active.begun.clear()
    with pytest.raises(KeyError):
        turns.take(Turn(AT), active)


def test_resuming_opens_what_is_to_run_again_and_keeps_the_rest() -> None:
    failed = replace(RUN, status=RunStatus.FAILED, ended_at=AT, cancel_requested_at=AT)
    graph = {"a": (), "b": ("a",), "c": ("b",)}
    turn = Turn(AT)
    active = turn.on(held({"a": "completed", "b": "failed", "c": "upstream_failed"}, graph, failed, {"b", "c"}))
    turns.take(turn, active)
    turns.advance(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["run.reopen", "b.reopen", "c.reopen", "run.start", "b.queue", "b.start"]
    assert (active.run.status, active.run.cancel_requested_at) == (RunStatus.RUNNING, None)
    assert (active.rows["b"].attempt, active.rows["c"].status) == (2, BlockStatus.INITIAL)


def test_resuming_a_run_with_nothing_to_open_completes_it() -> None:
    failed = replace(RUN, status=RunStatus.CANCELLED, ended_at=AT)
    turn = Turn(AT)
    active = turn.on(held({"a": "completed"}, {"a": ()}, failed))
    turns.take(turn, active)
    turns.advance(turn, active)
    assert moves(turn) == ["run.reopen", "run.start", "run.end"]
    assert active.run.status is RunStatus.COMPLETED


def test_giving_up_leaves_nothing_open() -> None:
    graph = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    active = held(
        {"a": "completed", "b": "running", "c": "initial", "d": "queued"}, graph, replace(RUN, status=RunStatus.RUNNING)
    )
    turn = Turn(AT)
    turns.give_up(turn, active, ValueError("retries is 'x'"))
    assert moves(turn) == ["b.cancel", "c.cancel", "d.cancel", "run.end"]
    assert (active.run.status, active.run.reason) == (RunStatus.FAILED, "let go: ValueError: retries is 'x'")
    assert all(row.status in FINAL_BLOCK for row in active.rows.values())
    assert active.begun == {}


def test_what_waits_with_the_executor_is_queued_until_a_place_is_free() -> None:
    blocks = dict.fromkeys("abcd", ())
    turn = Turn(AT)
    active = turn.on(held(dict.fromkeys("abcd", "queued"), blocks, replace(RUN, status=RunStatus.RUNNING)))
    turns.admit(turn, {1: active}, 1, 2)
    assert moves(turn) == ["a.start", "b.hand", "c.hand"]
    assert [task.block for task in turn.submits] == ["a", "b", "c"]
    assert [(row.status, row.attempt) for row in active.rows.values()] == [
        ("running", 1),
        ("queued", 1),
        ("queued", 1),
        ("queued", 0),
    ]
    later = Turn(AT)
    active = later.on(active)
    turns.report(later, active, "a", finished("a", "completed"))
    turns.admit(later, {1: active}, 1, 2)
    assert moves(later) == ["a.complete", "b.start", "d.hand"]
    assert (active.rows["b"].attempt, active.running(), len(active.begun)) == (1, 1, 3)


def test_a_report_of_what_was_still_thought_to_wait_says_that_it_ran() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "queued"}, {"a": ()}, replace(RUN, status=RunStatus.RUNNING)))
    turns.admit(turn, {1: active}, 0, 1)
    turns.report(turn, active, "a", finished("a", "completed"))
    assert moves(turn) == ["a.hand", "a.start", "a.complete"]


def test_what_waits_with_the_executor_is_stopped_there() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "queued"}, {"a": ()}, replace(RUN, status=RunStatus.RUNNING)))
    turns.admit(turn, {1: active}, 0, 1)
    uid = active.begun["a"].uid
    active.ask_cancel(AT)
    turns.advance(turn, active)
    assert turn.stops == [(uid, "cancel_requested")]
    turns.report(turn, active, "a", finished("a", "cancelled", "cancel_requested"))
    turns.advance(turn, active)
    assert moves(turn) == ["a.hand", "a.cancel", "run.end"]


def test_taking_over_loses_what_waited_with_the_executor_too() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "queued"}, {"a": ()}, replace(RUN, status=RunStatus.RUNNING)))
    turns.admit(turn, {1: active}, 0, 1)
    turns.take(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["a.hand", "a.start"]
    assert active.rows["a"].attempt == 2
    (ended,) = [change for change in turn.changes[1] if isinstance(change, AttemptEnded)]
    assert (ended.was, ended.attempt.reason) == (BlockStatus.QUEUED, "engine_died")
