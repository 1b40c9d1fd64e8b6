"""What should happen next in a run, from what has happened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.model import progress
from headrace.model.progress import Next, Plan
from headrace.model.retry import Policy
from headrace.model.run import FINAL_BLOCK, BlockRun, BlockStatus, Run, RunStatus

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = Run(1, "u", 1, 1, 1, RunStatus.RUNNING, "claimed", {}, AT, AT, AT)
INITIAL = replace(RUNNING, status=RunStatus.INITIAL, started_at=None)
CANCELLING = replace(RUNNING, cancel_requested_at=AT)
CHAIN = {"a": (), "b": ("a",), "c": ("b",)}


def rows(**statuses: str) -> dict[str, BlockRun]:
    return {
        block: BlockRun(n, block, 1, block, BlockStatus(status), "", ended_at=AT if status in FINAL_BLOCK else None)
        for n, (block, status) in enumerate(statuses.items(), 1)
    }


def ask(graph: dict[str, tuple[str, ...]], run: Run, blocks: dict[str, BlockRun], allow: bool = False) -> Next:
    return progress.next_moves(Plan.of(graph, blocks), run, blocks, AT, allow_blocks_to_fail=allow)


def names(found: Next) -> dict[str, tuple[str, str]]:
    return {block: (move.name, move.reason) for block, move in found.blocks.items()}


def test_a_new_run_starts_and_queues_what_needs_nothing() -> None:
    found = ask(CHAIN, INITIAL, rows(a="initial", b="initial", c="initial"))
    assert found.start
    assert names(found) == {"a": ("queue", "upstreams_completed")}
    assert found.end is None


def test_a_block_is_queued_once_all_its_upstreams_completed() -> None:
    diamond = {"a": (), "b": (), "c": ("a", "b")}
    assert not ask(diamond, RUNNING, rows(a="completed", b="running", c="initial")).blocks
    assert names(ask(diamond, RUNNING, rows(a="completed", b="completed", c="initial"))).keys() == {"c"}


def test_a_run_without_blocks_starts_and_completes() -> None:
    found = ask({}, INITIAL, {})
    assert found.start
    assert found.end
    assert found.end.to is RunStatus.COMPLETED


def test_a_run_whose_blocks_are_all_reused_completes() -> None:
    found = ask(CHAIN, INITIAL, rows(a="completed", b="completed"))
    assert (bool(found.start), found.end and found.end.to) == (True, RunStatus.COMPLETED)


def test_edges_from_blocks_outside_the_run_are_cut() -> None:
    assert Plan.of(CHAIN, ["c", "a"]).upstream == {"a": (), "c": ()}


def test_a_block_that_the_pipeline_does_not_have_is_no_plan() -> None:
    with pytest.raises(KeyError, match="stranger"):
        Plan.of(CHAIN, ["a", "stranger"])


def test_a_failed_block_ends_what_is_below_and_beside() -> None:
    graph = {**CHAIN, "x": (), "y": (), "z": ("y",)}
    found = ask(graph, RUNNING, rows(a="failed", b="initial", c="initial", x="queued", y="running", z="initial"))
    assert names(found) == {
        "b": ("fail_upstream", "a failed"),
        "c": ("fail_upstream", "b upstream_failed"),
        "x": ("cancel", "run_failed"),
        "z": ("cancel", "run_failed"),
    }
    assert found.stops == {"y": "run_failed"}
    assert found.end is None


def test_blocks_that_may_fail_leave_the_others_going() -> None:
    graph = {**CHAIN, "x": ("y",), "y": ()}
    found = ask(graph, RUNNING, rows(a="failed", b="initial", c="initial", x="initial", y="running"), allow=True)
    assert names(found).keys() == {"b", "c"}
    assert not found.stops
    ended = ask(
        graph, RUNNING, rows(a="failed", b="upstream_failed", c="upstream_failed", x="completed", y="completed"), True
    )
    assert ended.end
    assert (ended.end.to, ended.end.reason) == (RunStatus.FAILED, "a failed")


def test_a_cancel_stops_what_runs_and_starts_nothing() -> None:
    found = ask(CHAIN, CANCELLING, rows(a="running", b="initial", c="initial"))
    assert names(found) == {"b": ("cancel", "cancel_requested"), "c": ("cancel", "b cancelled")}
    assert found.stops == {"a": "cancel_requested"}
    assert found.end is None


def test_a_run_cancelled_before_it_started_never_starts() -> None:
    found = ask(CHAIN, replace(CANCELLING, status=RunStatus.INITIAL), rows(a="initial"))
    assert found.start is None
    assert found.end
    assert found.end.to is RunStatus.CANCELLED
    empty = ask({}, replace(CANCELLING, status=RunStatus.INITIAL), {})
    assert empty.end
    assert empty.end.to is RunStatus.CANCELLED


def test_a_cancel_that_came_too_late_changes_nothing() -> None:
    found = ask(CHAIN, CANCELLING, rows(a="completed", b="completed", c="completed"))
    assert found.end
    assert found.end.to is RunStatus.COMPLETED


def test_a_block_that_was_cancelled_without_being_asked_cancels_the_run_and_says_which() -> None:
    found = ask(CHAIN, RUNNING, rows(a="completed", b="cancelled", c="initial"))
    assert names(found) == {"c": ("cancel", "b cancelled")}
    assert found.end
    assert (found.end.to, found.end.reason) == (RunStatus.CANCELLED, "b, c cancelled")


def test_a_failure_weighs_more_than_a_cancel() -> None:
    found = ask(CHAIN, CANCELLING, rows(a="completed", b="failed", c="cancelled"))
    assert found.end
    assert found.end.to is RunStatus.FAILED


def test_the_reason_names_three_and_counts_the_rest() -> None:
    many = dict.fromkeys("edcba", ())
    found = ask(many, RUNNING, rows(**dict.fromkeys(many, "failed")))
    assert found.end
    assert found.end.reason == "a, b, c and 2 more failed"


def test_a_skipped_block_skips_what_is_below_and_the_run_completes() -> None:
    found = ask(CHAIN, RUNNING, rows(a="condition_failed", b="initial", c="initial"))
    assert names(found) == {"b": ("skip", "a condition_failed"), "c": ("skip", "b condition_failed")}
    assert found.end
    assert found.end.to is RunStatus.COMPLETED


def test_nothing_follows_in_a_final_run() -> None:
    final = replace(RUNNING, status=RunStatus.FAILED, ended_at=AT)
    assert ask(CHAIN, final, rows(a="initial", b="running")) == Next()


def test_a_failed_attempt_is_followed_by_another_while_the_policy_has_one() -> None:
    row = replace(rows(a="running")["a"], attempt=4, failures=1)
    policy = Policy(retries=2, delay=5)
    again = progress.after_failure(row, policy, AT, reason="raised")
    assert (again.name, again.sets) == ("retry", {"retry_at": AT + timedelta(seconds=10), "failures": 2})
    last = progress.after_failure(replace(row, failures=2), policy, AT, reason="raised")
    assert (last.name, last.to, last.reason) == ("fail", BlockStatus.FAILED, "raised")
