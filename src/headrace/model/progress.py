"""What should happen next in a run, from what has happened: pure, and asked again with the rows after a crash."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headrace.model import graph, transitions
from headrace.model.retry import Policy
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockRun, BlockStatus, Run, RunStatus
from headrace.model.transitions import BlockMove, RunMove


@dataclass(frozen=True, slots=True)
class Plan:
    """The part of a pipeline's graph that one run runs: each block's upstreams, blocks in an order they can run in."""

    upstream: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, pipeline: graph.Graph, blocks: Collection[str]) -> "Plan":
        """The plan for these blocks; edges from blocks outside them are cut. KeyError for a block of no pipeline."""
        chosen = set(blocks)
        if strangers := chosen - pipeline.keys():
            raise KeyError(*sorted(strangers))
        kept = {block: tuple(up for up in pipeline[block] if up in chosen) for block in pipeline if block in chosen}
        return cls({block: kept[block] for block in graph.order(kept)})


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now: the run's first move, moves of blocks, attempts to stop (block: reason), the run's last move."""

    start: RunMove | None = None
    blocks: Mapping[str, BlockMove] = field(default_factory=dict[str, BlockMove])
    stops: Mapping[str, str] = field(default_factory=dict[str, str])
    end: RunMove | None = None


def next_moves(
    plan: Plan,
    run: Run,
    blocks: Mapping[str, BlockRun],
    at: datetime,
    *,
    handed: Collection[str] = (),
    refused: bool = False,
) -> Next:
    """The moves that the statuses call for. Made, and asked for again, there are none until something happens.

    `handed` are the blocks whose attempts the executor has: what becomes of those is for it to say. A run that is
    neither admitted nor `refused` by a limit waits.
    """
    verdict = _verdict(run, blocks, at, refused)
    if run.status in FINAL_RUN or not (verdict or run.admitted_at or run.status is RunStatus.RUNNING):
        return Next()
    starts = run.status is RunStatus.INITIAL and not run.cancel_requested_at and not refused
    moves = dict(_moves(plan, blocks, at, verdict, handed))
    after = {block: moves[block].to if block in moves else row.status for block, row in blocks.items()}
    going = [block for block, status in after.items() if status is BlockStatus.RUNNING or block in handed]
    stops = dict.fromkeys(going, verdict) if verdict else {}
    return Next(transitions.start_run(at) if starts else None, moves, stops, _end(run, after, at, verdict))


def deadline(run: Run) -> datetime | None:
    """When the run has used up its time; None for one without a timeout, or that has not started."""
    if run.started_at is None or run.settings.timeout is None or run.status is not RunStatus.RUNNING:
        return None
    return run.started_at + timedelta(seconds=run.settings.timeout)


def after_failure(row: BlockRun, policy: Policy, at: datetime, *, reason: str) -> BlockMove:
    """The move of a running block whose attempt failed: another try when the policy has one, else the end."""
    failures = row.failures + 1
    wait = policy.wait_after(failures)
    if wait is None:
        return transitions.fail_block(at, attempt=row.attempt, reason=reason)
    retry_at = at + timedelta(seconds=wait)
    return transitions.retry_block(at, attempt=row.attempt, reason=reason, retry_at=retry_at, failures=failures)


def moved(row: BlockRun, move: BlockMove) -> BlockRun:
    """The block run as it is once the move has landed; ValueError for a move that it cannot make."""
    if row.status not in move.start or row.attempt != move.attempt:
        raise ValueError(f"{row.block} is {row.status} at attempt {row.attempt}: no {move.name} of {move.attempt}")
    return replace(row, status=move.to, reason=move.reason, **move.sets)


def run_moved(run: Run, move: RunMove) -> Run:
    """The run as it is once the move has landed; ValueError for a move that it cannot make."""
    if run.status not in move.start:
        raise ValueError(f"run {run.id} is {run.status}: no {move.name}")
    return replace(run, status=move.to, reason=move.reason, **move.sets)


def _verdict(run: Run, blocks: Mapping[str, BlockRun], at: datetime, refused: bool) -> str:
    """Why no further block may start, or nothing when they may."""
    if run.cancel_requested_at:
        return "cancel_requested"
    if refused:
        return "limit_reached"
    if _timed_out(run, blocks, at):
        return "run_timed_out"
    if not run.settings.allow_blocks_to_fail and any(row.status is BlockStatus.FAILED for row in blocks.values()):
        return "run_failed"
    return ""


def _timed_out(run: Run, blocks: Mapping[str, BlockRun], at: datetime) -> bool:
    """Whether its time is over. Once a block was stopped for that, it stays so, whatever another clock says."""
    if run.settings.timeout is None:
        return False
    due = deadline(run)
    stopped = any(row.status is BlockStatus.CANCELLED and row.reason == "run_timed_out" for row in blocks.values())
    return stopped or (due is not None and at >= due)


_NO_GO = {
    BlockStatus.FAILED: transitions.fail_upstream,
    BlockStatus.UPSTREAM_FAILED: transitions.fail_upstream,
    BlockStatus.CANCELLED: transitions.cancel_block,
    BlockStatus.CONDITION_FAILED: transitions.skip_block,
}


def _moves(
    plan: Plan, blocks: Mapping[str, BlockRun], at: datetime, verdict: str, handed: Collection[str]
) -> Iterator[tuple[str, BlockMove]]:
    status = {block: row.status for block, row in blocks.items()}
    for block, upstreams in plan.upstream.items():
        row = blocks[block]
        move = None
        if row.status is BlockStatus.INITIAL:
            move = _from_initial(row, [(up, status[up]) for up in upstreams], at, verdict)
        elif row.status is BlockStatus.QUEUED and verdict and block not in handed:
            move = transitions.cancel_block(at, attempt=row.attempt, reason=verdict)
        if move:
            status[block] = move.to
            yield block, move


def _from_initial(
    row: BlockRun, upstreams: list[tuple[str, BlockStatus]], at: datetime, verdict: str
) -> BlockMove | None:
    for barred, refuse in _NO_GO.items():
        for upstream, status in upstreams:
            if status is barred:
                return refuse(at, attempt=row.attempt, reason=f"{upstream} {status.value}")
    if verdict:
        return transitions.cancel_block(at, attempt=row.attempt, reason=verdict)
    if all(status is BlockStatus.COMPLETED for _, status in upstreams):
        return transitions.queue_block(at, attempt=row.attempt)
    return None


def _end(run: Run, status: Mapping[str, BlockStatus], at: datetime, verdict: str) -> RunMove | None:
    """The run's last move once every block is final. A cancel or a timeout that found nothing left came too late."""
    if not FINAL_BLOCK.issuperset(status.values()):
        return None
    cancelled = _those(BlockStatus.CANCELLED, status)
    if cancelled and verdict == "run_timed_out":
        return transitions.end_run(RunStatus(run.settings.timeout_status), at, reason=verdict)
    if failed := _those(BlockStatus.FAILED, status):
        return transitions.end_run(RunStatus.FAILED, at, reason=failed)
    if run.cancel_requested_at and (cancelled or run.status is RunStatus.INITIAL):
        return transitions.cancel_run(at, asked=run.cancel_requested_at)
    if cancelled or verdict == "limit_reached":
        return transitions.end_run(RunStatus.CANCELLED, at, reason=cancelled if verdict != "limit_reached" else verdict)
    return transitions.end_run(RunStatus.COMPLETED, at, reason="all blocks settled")


def _those(found: BlockStatus, status: Mapping[str, BlockStatus]) -> str:
    """The first blocks of that status, in words; nothing when there are none."""
    blocks = sorted(block for block, each in status.items() if each is found)
    more = f" and {len(blocks) - 3} more" if len(blocks) > 3 else ""
    return f"{', '.join(blocks[:3])}{more} {found.value}" if blocks else ""
