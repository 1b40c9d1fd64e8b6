"""What should happen next in a run, from what has happened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.model import progress
from headrace.model.progress import Next, Plan
from headrace.model.retry import Policy
from headrace.model.run import FINAL_BLOCK, BlockRun, BlockStatus, Run, RunSettings, RunStatus

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = Run(1, "u", 1, 1, 1, RunStatus.RUNNING, "claimed", {}, AT, AT, AT, admitted_at=AT)
INITIAL = replace(RUNNING, status=RunStatus.INITIAL, started_at=None)
CANCELLING = replace(RUNNING, cancel_requested_at=AT)
WAITING = replace(INITIAL, admitted_at=None)
HOUR = timedelta(hours=1)
CHAIN = {"a": (), "b": ("a",), "c": ("b",)}


def rows(**statuses: str) -> dict[str, BlockRun]:
    return {
        block: BlockRun(n, block, 1, block, BlockStatus(status), "", ended_at=AT if status in FINAL_BLOCK else None)
        for n, (block, status) in enumerate(statuses.items(), 1)
    }


def ask(
    graph: dict[str, tuple[str, ...]], run: Run, blocks: dict[str, BlockRun], at: datetime = AT, refused: bool = False
) -> Next:
    return progress.next_moves(Plan.of(graph, blocks), run, blocks, at, refused=refused)


def timed(seconds: float, run: Run = RUNNING, **settings: str) -> Run:
    return replace(run, settings=RunSettings(timeout=seconds, **settings))


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
    allowing = replace(RUNNING, settings=RunSettings(allow_blocks_to_fail=True))
    found = ask(graph, allowing, rows(a="failed", b="initial", c="initial", x="initial", y="running"))
    assert names(found).keys() == {"b", "c"}
    assert not found.stops
    ended = ask(
        graph, allowing, rows(a="failed", b="upstream_failed", c="upstream_failed", x="completed", y="completed")
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


def test_a_run_that_is_not_admitted_waits() -> None:
    assert ask(CHAIN, WAITING, rows(a="initial", b="initial", c="initial")) == Next()
    assert ask({}, WAITING, {}) == Next()


def test_a_running_run_needs_no_admission() -> None:
    """Those that ran before there was any have none."""
    assert names(ask(CHAIN, replace(RUNNING, admitted_at=None), rows(a="initial"))).keys() == {"a"}


def test_a_waiting_run_that_is_to_be_cancelled_ends_and_never_starts() -> None:
    found = ask(CHAIN, replace(WAITING, cancel_requested_at=AT), rows(a="initial", b="initial", c="initial"))
    assert found.start is None
    assert names(found)["a"] == ("cancel", "cancel_requested")
    assert found.end
    assert (found.end.to, found.end.reason) == (RunStatus.CANCELLED, "cancel_requested")


@pytest.mark.parametrize("graph", [CHAIN, {}], ids=["blocks", "none"])
def test_a_run_that_a_limit_refuses_is_cancelled_for_that(graph: dict[str, tuple[str, ...]]) -> None:
    found = ask(graph, WAITING, rows(**dict.fromkeys(graph, "initial")), refused=True)
    assert found.start is None
    assert {move.to for move in found.blocks.values()} <= {BlockStatus.CANCELLED}
    assert found.blocks.keys() == graph.keys()
    assert found.end
    assert (found.end.to, found.end.reason) == (RunStatus.CANCELLED, "limit_reached")


def test_a_run_has_until_its_timeout_counted_from_its_start() -> None:
    assert progress.deadline(timed(3600)) == AT + HOUR
    assert progress.deadline(RUNNING) is None
    assert progress.deadline(timed(3600, INITIAL)) is None
    ended = replace(timed(3600), status=RunStatus.FAILED, ended_at=AT)
    assert progress.deadline(ended) is None


def test_at_its_timeout_a_run_stops_what_runs_and_starts_nothing() -> None:
    blocks = rows(a="running", b="initial", c="initial")
    assert ask(CHAIN, timed(3600), blocks, AT + HOUR - timedelta(microseconds=1)) == Next()
    found = ask(CHAIN, timed(3600), blocks, AT + HOUR)
    assert found.stops == {"a": "run_timed_out"}
    assert names(found) == {"b": ("cancel", "run_timed_out"), "c": ("cancel", "b cancelled")}
    assert found.end is None


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_a_run_that_timed_out_ends_as_its_settings_say(status: RunStatus) -> None:
    run = timed(3600, timeout_status=str(status))
    found = ask(CHAIN, run, rows(a="completed", b="cancelled", c="cancelled"), AT + HOUR)
    assert found.end
    assert (found.end.to, found.end.reason) == (status, "run_timed_out")


def test_a_timeout_that_finds_nothing_left_came_too_late() -> None:
    found = ask(CHAIN, timed(3600), rows(a="completed", b="completed", c="completed"), AT + HOUR)
    assert found.end
    assert found.end.to is RunStatus.COMPLETED


def test_a_timeout_stays_though_another_clock_is_behind() -> None:
    """Once a block was stopped for it, an engine whose clock is slow does not go on with the others."""
    blocks = rows(a="running", b="initial", c="initial", x="cancelled")
    blocks["x"] = replace(blocks["x"], reason="run_timed_out")
    found = ask({**CHAIN, "x": ()}, timed(3600), blocks, AT)
    assert found.stops == {"a": "run_timed_out"}
    assert names(found).keys() == {"b", "c"}


def test_a_cancel_weighs_more_than_a_timeout() -> None:
    run = replace(timed(3600), cancel_requested_at=AT)
    found = ask(CHAIN, run, rows(a="running", b="initial", c="initial"), AT + HOUR)
    assert found.stops == {"a": "cancel_requested"}


def test_what_the_executor_has_is_stopped_there_and_not_moved() -> None:
    blocks = rows(a="queued", b="queued", c="initial")
    graph = {"a": (), "b": (), "c": ("a",)}
    found = progress.next_moves(Plan.of(graph, blocks), CANCELLING, blocks, AT, handed={"a"})
    assert names(found) == {"b": ("cancel", "cancel_requested"), "c": ("cancel", "cancel_requested")}
    assert found.stops == {"a": "cancel_requested"}
    assert found.end is None


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
