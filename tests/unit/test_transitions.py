"""Every move leads where the drawing in docs/states.md says, and sets what the tables ask of that status."""

from datetime import UTC, datetime

import pytest

from headrace.model import progress, transitions
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockRun, BlockStatus, Run, RunStatus
from headrace.model.transitions import BlockMove, RunMove

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER = datetime(2026, 2, 1, 12, tzinfo=UTC)

INITIAL, QUEUED, RUNNING = BlockStatus.INITIAL, BlockStatus.QUEUED, BlockStatus.RUNNING
COMMITTING = BlockStatus.COMMITTING

BLOCK_MOVES = {
    "queue": transitions.queue_block(AT, attempt=3),
    "hand": transitions.hand_block(AT, attempt=3),
    "start": transitions.start_block(AT, attempt=3),
    "commit": transitions.commit_block(AT, attempt=3),
    "complete": transitions.complete_block(AT, attempt=3),
    "fail": transitions.fail_block(AT, attempt=3, reason="raised"),
    "retry": transitions.retry_block(AT, attempt=3, reason="raised", retry_at=AT, failures=2),
    "cancel": transitions.cancel_block(AT, attempt=3, reason="cancel_requested"),
    "fail_upstream": transitions.fail_upstream(AT, attempt=3, reason="a failed"),
    "skip": transitions.skip_block(AT, attempt=3, reason="a condition_failed"),
    "reopen": transitions.reopen_block(AT, attempt=3, reason="retry_incomplete"),
}
DRAWN = {
    ("queue", INITIAL, QUEUED),
    ("hand", QUEUED, QUEUED),
    ("start", QUEUED, RUNNING),
    ("commit", RUNNING, COMMITTING),
    *(("complete", going, BlockStatus.COMPLETED) for going in (RUNNING, COMMITTING)),
    *(("fail", going, BlockStatus.FAILED) for going in (RUNNING, COMMITTING)),
    *(("retry", going, QUEUED) for going in (RUNNING, COMMITTING)),
    ("cancel", INITIAL, BlockStatus.CANCELLED),
    ("cancel", QUEUED, BlockStatus.CANCELLED),
    ("cancel", RUNNING, BlockStatus.CANCELLED),
    ("cancel", COMMITTING, BlockStatus.CANCELLED),
    ("fail_upstream", INITIAL, BlockStatus.UPSTREAM_FAILED),
    ("skip", INITIAL, BlockStatus.CONDITION_FAILED),
    *(("reopen", final, INITIAL) for final in FINAL_BLOCK),
}
RUN_MOVES = {
    "start": transitions.start_run(AT),
    "completed": transitions.end_run(RunStatus.COMPLETED, AT, reason="all blocks settled"),
    "failed": transitions.end_run(RunStatus.FAILED, AT, reason="a failed"),
    "cancelled": transitions.cancel_run(AT, asked=EARLIER),
    "reopen": transitions.reopen_run(AT, reason="retry_incomplete"),
}
RUN_DRAWN = {
    ("start", RunStatus.INITIAL, RunStatus.RUNNING),
    *((end, start, RunStatus(end)) for end in FINAL_RUN for start in (RunStatus.INITIAL, RunStatus.RUNNING)),
    *(("reopen", final, RunStatus.INITIAL) for final in FINAL_RUN),
}


def block_run(status: BlockStatus, attempt: int = 3) -> BlockRun:
    final = AT if status in FINAL_BLOCK else None
    retry_at = EARLIER if status is QUEUED else None
    return BlockRun(1, "u", 1, "a", status, "", attempt, 1, retry_at, EARLIER, final)


def run(status: RunStatus) -> Run:
    ended = EARLIER if status in FINAL_RUN else None
    return Run(1, "u", 1, 1, 1, status, "", {}, AT, AT, EARLIER, ended, EARLIER, admitted_at=EARLIER)


def test_blocks_move_as_drawn_and_in_no_other_way() -> None:
    possible = {(name, start, move.to) for name, move in BLOCK_MOVES.items() for start in move.start}
    assert possible == DRAWN
    assert all(move.name == name for name, move in BLOCK_MOVES.items())


def test_runs_move_as_drawn_and_in_no_other_way() -> None:
    assert {(name, start, move.to) for name, move in RUN_MOVES.items() for start in move.start} == RUN_DRAWN


@pytest.mark.parametrize("move", BLOCK_MOVES.values(), ids=BLOCK_MOVES)
def test_a_block_run_has_an_end_exactly_when_it_is_final(move: BlockMove) -> None:
    for start in move.start:
        after = progress.moved(block_run(start), move)
        assert (after.ended_at is not None) == (after.status in FINAL_BLOCK)
        assert after.retry_at is None or after.status is QUEUED
        assert after.reason == move.reason


@pytest.mark.parametrize("move", RUN_MOVES.values(), ids=RUN_MOVES)
def test_a_run_has_an_end_exactly_when_it_is_final(move: RunMove) -> None:
    for start in move.start:
        after = progress.run_moved(run(start), move)
        assert (after.ended_at is not None) == (after.status in FINAL_RUN)


@pytest.mark.parametrize("move", BLOCK_MOVES.values(), ids=BLOCK_MOVES)
def test_a_block_move_is_refused_elsewhere_and_for_another_attempt(move: BlockMove) -> None:
    for status in set(BlockStatus) - move.start:
        with pytest.raises(ValueError, match="no "):
            progress.moved(block_run(status), move)
    with pytest.raises(ValueError, match="no "):
        progress.moved(block_run(next(iter(move.start)), attempt=2), move)


@pytest.mark.parametrize("move", RUN_MOVES.values(), ids=RUN_MOVES)
def test_a_run_move_is_refused_elsewhere(move: RunMove) -> None:
    for status in set(RunStatus) - move.start:
        with pytest.raises(ValueError, match="no "):
            progress.run_moved(run(status), move)


def test_starting_gives_the_attempt_its_number() -> None:
    started = progress.moved(block_run(QUEUED), BLOCK_MOVES["start"])
    assert (started.attempt, started.started_at, started.failures) == (4, AT, 1)


def test_an_attempt_that_waits_with_the_executor_has_its_number_and_keeps_it() -> None:
    handed = progress.moved(block_run(QUEUED), BLOCK_MOVES["hand"])
    assert (handed.attempt, handed.started_at, handed.retry_at) == (4, EARLIER, None)
    started = progress.moved(handed, transitions.start_block(AT, attempt=4, handed=True))
    assert (started.attempt, started.started_at) == (4, AT)


def test_reopening_forgets_failures_and_keeps_the_count_of_attempts() -> None:
    opened = progress.moved(block_run(BlockStatus.FAILED), BLOCK_MOVES["reopen"])
    assert (opened.attempt, opened.failures, opened.started_at, opened.reused_from) == (3, 0, None, None)


def test_a_reopened_run_is_not_to_be_cancelled_any_more_and_waits_to_be_admitted() -> None:
    opened = progress.run_moved(run(RunStatus.CANCELLED), RUN_MOVES["reopen"])
    assert (opened.cancel_requested_at, opened.admitted_at) == (None, None)


def test_a_cancelled_run_says_when_that_was_asked() -> None:
    assert progress.run_moved(run(RunStatus.RUNNING), RUN_MOVES["cancelled"]).cancel_requested_at == EARLIER
