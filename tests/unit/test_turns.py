"""What one turn decides, on copies, before anything is written."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace import errors
from headrace.engine import turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.turns import Turn
from headrace.model.limits import Limits
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import FINAL_BLOCK, Attempt, BlockRun, BlockStatus, Run, RunSettings, RunStatus
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, RunMoved
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = Run(1, "run", 1, 1, 1, RunStatus.INITIAL, "created", {}, AT, AT, owner="me", epoch=4, admitted_at=AT)
GOING = replace(RUN, status=RunStatus.RUNNING, started_at=AT)
WORKPLACE = wire.Workplace(project="p", snapshot="/s", live="/p", cwd="/", environment={})
OUTPUT = Output("output_0", "pandas.DataFrame", "arrow", "outputs/x/0.arrow", 10, rows=7)


def held(
    statuses: dict[str, str],
    graph: dict[str, tuple[str, ...]],
    run: Run = RUN,
    limits: dict[str, tuple[int, ...]] | None = None,
    within: int | None = None,
    **config: Any,
) -> ActiveRun:
    """A run held in memory, whose running blocks are at their first attempt and whose completed ones have an output.

    `limits` are those that its blocks come under, `within` is the run's own.
    """
    blocks = tuple(Block(name, BlockType.CUSTOM, upstream=ups, retry_config=config) for name, ups in graph.items())
    rows = {name: _row(n, name, BlockStatus(status)) for n, (name, status) in enumerate(statuses.items(), 1)}
    tries = {name: _attempt(row) for name, row in rows.items()}
    job = Job(
        run=run,
        pipeline=Pipeline("p", blocks=blocks, limits=Limits(run_blocks=within)),
        rows=rows,
        kept={name: tries[name] for name, row in rows.items() if row.status is BlockStatus.COMPLETED},
        begun={name: tries[name] for name, row in rows.items() if row.status is BlockStatus.RUNNING},
        workplace=WORKPLACE,
        home=Path("/home"),
        project=1,
        limits=limits or {},
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
    assert active.due(AT) == AT + timedelta(seconds=3)
    assert active.due(AT + timedelta(seconds=3)) is None, "then it has been looked at"
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
    active = turn.on(held({"a": "running", "b": "running"}, graph, GOING))
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
    active = turn.on(held({"a": "running"}, {"a": ()}, GOING))
    active.ask_cancel(AT)
    turns.advance(turn, active)
    turns.advance(turn, active)
    assert turn.stops == [("try-a", "cancel_requested")]


def test_taking_over_loses_what_was_under_way_and_counts_no_failure() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "completed", "b": "running"}, {"a": (), "b": ("a",)}, GOING))
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
    asked = replace(GOING, cancel_requested_at=AT)
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "initial"}, {"a": (), "b": ("a",)}, asked))
    turns.take(turn, active)
    turns.advance(turn, active)
    assert moves(turn) == ["a.retry", "a.cancel", "b.cancel", "run.end"]
    assert active.run.status is RunStatus.CANCELLED


def test_taking_over_refuses_a_running_block_whose_attempt_is_not_known() -> None:
    active = held({"a": "running"}, {"a": ()}, GOING)
    active.begun.clear()
    with pytest.raises(KeyError):
        turns.take(Turn(AT), active)


def test_a_run_that_has_been_in_hand_since_it_was_read_is_not_taken() -> None:
    """Its attempts may have been submitted, and have ended."""
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "initial"}, {"a": (), "b": ("a",)}, replace(GOING, epoch=3)))
    with pytest.raises(errors.MoveRefused):
        turns.take(turn, active)


def test_blocks_that_the_code_has_no_more_stay_as_they_are() -> None:
    turn = Turn(AT)
    active = turn.on(held({"gone": "failed", "a": "initial"}, {"a": ()}))
    turns.take(turn, active)
    turns.advance(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["run.start", "a.queue", "a.start"]
    turns.report(turn, active, "a", said_of(active, "a", "completed"))
    turns.advance(turn, active)
    assert active.run.status is RunStatus.COMPLETED
    assert "gone" not in active.rows


def said_of(active: ActiveRun, block: str, status: str, reason: str = "said") -> wire.Finished:
    """The report of the attempt that the block is at."""
    begun = active.begun[block]
    return wire.Finished(attempt=begun.uid, epoch=begun.epoch, status=status, reason=reason)


def test_giving_up_leaves_nothing_open() -> None:
    graph = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    active = held({"a": "completed", "b": "running", "c": "initial", "d": "queued"}, graph, GOING)
    turn = Turn(AT)
    turns.give_up(turn, active, ValueError("retries is 'x'"))
    assert moves(turn) == ["b.cancel", "c.cancel", "d.cancel", "run.end"]
    assert (active.run.status, active.run.reason) == (RunStatus.FAILED, "let go: ValueError: retries is 'x'")
    assert all(row.status in FINAL_BLOCK for row in active.rows.values())
    assert active.begun == {}


def test_what_waits_with_the_executor_is_queued_until_a_place_is_free() -> None:
    blocks = dict.fromkeys("abcd", ())
    turn = Turn(AT)
    active = turn.on(held(dict.fromkeys("abcd", "queued"), blocks, GOING))
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
    active = turn.on(held({"a": "queued"}, {"a": ()}, GOING))
    turns.admit(turn, {1: active}, 0, 1)
    turns.report(turn, active, "a", finished("a", "completed"))
    assert moves(turn) == ["a.hand", "a.start", "a.complete"]


def test_what_waits_with_the_executor_is_stopped_there() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "queued"}, {"a": ()}, GOING))
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
    active = turn.on(held({"a": "queued"}, {"a": ()}, GOING))
    turns.admit(turn, {1: active}, 0, 1)
    active.run = replace(active.run, epoch=5)
    turns.take(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["a.hand", "a.start"]
    assert active.rows["a"].attempt == 2
    (ended,) = [change for change in turn.changes[1] if isinstance(change, AttemptEnded)]
    assert (ended.was, ended.attempt.reason) == (BlockStatus.QUEUED, "engine_died")


def test_an_attempt_that_the_lease_ended_is_tried_again_and_counts_no_failure() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, GOING))
    turns.report(turn, active, "a", finished("a", "failed", "lease_lapsed"))
    turns.advance(turn, active)
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["a.retry"], "it would be refused again, so there is a moment between"
    assert active.due(AT) == AT + turns.AFTER_LAPSE
    turn.at += turns.AFTER_LAPSE
    turns.admit(turn, {1: active}, 1, 0)
    assert moves(turn) == ["a.retry", "a.start"]
    assert (active.rows["a"].attempt, active.rows["a"].failures) == (2, 0)
    (ended,) = [change.attempt for change in turn.changes[1] if isinstance(change, AttemptEnded)]
    assert (ended.uid, ended.status, ended.reason) == ("try-a", "failed", "lease_lapsed")


def test_an_attempt_that_the_lease_refused_while_it_waited_is_tried_again() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "queued"}, {"a": ()}, GOING))
    turns.admit(turn, {1: active}, 0, 1)
    turns.report(turn, active, "a", said_of(active, "a", "failed", "lease_lapsed"))
    assert moves(turn) == ["a.hand", "a.start", "a.retry"]
    assert (active.rows["a"].attempt, active.rows["a"].failures, active.begun) == (1, 0, {})


def test_an_attempt_that_the_lease_ended_in_a_run_that_is_to_be_cancelled_is_not_tried_again() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, replace(GOING, cancel_requested_at=AT)))
    turns.report(turn, active, "a", finished("a", "failed", "lease_lapsed"))
    turns.advance(turn, active)
    assert moves(turn) == ["a.retry", "a.cancel", "run.end"]
    assert active.run.status is RunStatus.CANCELLED


# Admission of runs


def test_a_run_that_is_not_admitted_waits_and_goes_on_once_it_is() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "initial"}, {"a": ()}, replace(RUN, admitted_at=None)))
    turns.take(turn, active)
    turns.advance(turn, active)
    assert turn.changes == {}
    active.admit(AT)
    turns.advance(turn, active)
    assert moves(turn) == ["run.start", "a.queue"]
    active.admit(AT + timedelta(1))
    assert active.run.admitted_at == AT, "since when it is admitted is recorded once"


def test_a_run_that_is_refused_ends() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "initial"}, {"a": ()}, replace(RUN, admitted_at=None)))
    active.refused = True
    turns.advance(turn, active)
    assert moves(turn) == ["a.cancel", "run.end"]
    assert (active.run.status, active.run.reason) == (RunStatus.CANCELLED, "limit_reached")


def test_a_run_is_due_at_its_timeout_or_its_next_try_whichever_is_first() -> None:
    timed = replace(GOING, settings=RunSettings(timeout=60))
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "initial"}, {"a": (), "b": ("a",)}, timed, retries=1, delay=3))
    assert active.due(AT) == AT + timedelta(seconds=60)
    turns.report(turn, active, "a", finished("a", "failed"))
    assert active.due(AT) == AT + timedelta(seconds=3)
    assert active.due(AT + timedelta(seconds=3)) == AT + timedelta(seconds=60)
    assert active.due(AT + timedelta(seconds=60)) is None


def test_a_run_that_timed_out_is_stopped_and_its_next_tries_are_taken_away() -> None:
    timed = replace(GOING, settings=RunSettings(timeout=60, timeout_status="cancelled"))
    turn = Turn(AT + timedelta(seconds=60))
    active = turn.on(held({"a": "running", "b": "running", "c": "initial"}, {"a": (), "b": (), "c": ("a",)}, timed))
    turns.report(turn, active, "b", finished("b", "failed", "lease_lapsed"))
    turns.advance(turn, active)
    assert moves(turn) == ["b.retry", "b.cancel", "c.cancel"]
    assert turn.stops == [("try-a", "run_timed_out")]
    turns.report(turn, active, "a", finished("a", "cancelled", "run_timed_out"))
    turns.advance(turn, active)
    assert (active.run.status, active.run.reason) == (RunStatus.CANCELLED, "run_timed_out")


# Limits of blocks


def started(turn: Turn) -> list[str]:
    return [task.block for task in turn.submits]


def test_a_run_has_no_more_blocks_with_the_executor_than_its_own_limit() -> None:
    active = held(dict.fromkeys("abcd", "queued"), dict.fromkeys("abcd", ()), GOING, within=2)
    other = held({"x": "queued"}, {"x": ()}, replace(GOING, id=2))
    turn = Turn(AT)
    turns.admit(turn, {1: active, 2: other}, 4, 4)
    assert started(turn) == ["a", "b", "x"]
    later = Turn(AT)
    one = later.on(turn.runs[1])
    turns.report(later, one, "a", said_of(one, "a", "completed"))
    turns.admit(later, {1: turn.runs[1]}, 4, 4)
    assert started(later) == ["c"]


def test_no_more_blocks_begin_than_their_limits_have_room_for() -> None:
    under = {"a": (7,), "b": (7, 8), "c": (8,)}
    active = held(dict.fromkeys("abcd", "queued"), dict.fromkeys("abcd", ()), GOING, limits=under)
    turn = Turn(AT)
    assert turns.wanted_limits(turn, {1: active}) == {7, 8}
    turns.admit(turn, {1: active}, 9, 0, {7: 1, 8: 2})
    assert started(turn) == ["a", "c", "d"]
    none = Turn(AT)
    turns.admit(none, {1: active}, 9, 0, {7: 0, 8: -1})
    assert started(none) == ["d"]


def test_a_limit_is_shared_by_all_runs() -> None:
    first = held({"a": "queued"}, {"a": ()}, GOING, limits={"a": (7,)})
    second = held({"b": "queued"}, {"b": ()}, replace(GOING, id=2), limits={"b": (7,)})
    turn = Turn(AT)
    turns.admit(turn, {1: first, 2: second}, 9, 0, {7: 1})
    assert started(turn) == ["a"]


def test_only_limits_of_what_could_begin_now_are_asked_for() -> None:
    under = {"a": (1,), "b": (2,), "c": (3,), "d": (4,)}
    graph = {"a": (), "b": (), "c": ("a",), "d": ()}
    active = held({"a": "running", "b": "queued", "c": "initial", "d": "queued"}, graph, GOING, limits=under)
    active.rows["d"] = replace(active.rows["d"], retry_at=AT + timedelta(seconds=1))
    assert turns.wanted_limits(Turn(AT), {1: active}) == {2}
    assert turns.wanted_limits(Turn(AT + timedelta(seconds=1)), {1: active}) == {2, 4}


def test_a_place_that_this_turn_frees_can_be_taken_in_it() -> None:
    under = {"a": (7, 8), "b": (7,)}
    turn = Turn(AT)
    active = turn.on(held({"a": "running", "b": "queued"}, {"a": (), "b": ()}, GOING, limits=under))
    assert not turns.makes_room(turn)
    turns.report(turn, active, "a", finished("a", "completed"))
    assert turns.rooms(turn, {7: 0}) == {7: 1}
    assert turns.makes_room(turn)
    turns.admit(turn, {1: active}, 1, 0, turns.rooms(turn, {7: 0}))
    assert started(turn) == ["b"]


def test_a_run_that_ends_makes_room_where_runs_are_limited() -> None:
    for limited in (False, True):
        active = held({"a": "completed"}, {"a": ()}, GOING)
        active.job = replace(active.job, limited=limited)
        turn = Turn(AT)
        turns.advance(turn, turn.on(active))
        assert turns.makes_room(turn) is limited


def test_what_is_dropped_leaves_nothing_in_the_turn() -> None:
    turn = Turn(AT)
    active = turn.on(held({"a": "running"}, {"a": ()}, GOING, limits={"a": (7,)}))
    turns.report(turn, active, "a", finished("a", "completed"))
    turn.drop(1)
    turn.drop(1)
    assert (turn.runs, turn.changes, turns.makes_room(turn)) == ({}, {}, False)
