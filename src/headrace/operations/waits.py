"""What an open run and its blocks wait for."""

from collections.abc import Iterator, Sequence

from headrace import clock
from headrace.app import App
from headrace.engine import owner
from headrace.model.run import BlockRun, BlockStatus, Run
from headrace.operations import engines, reasons
from headrace.operations.reasons import Reason
from headrace.operations.runs import Shown
from headrace.store.limits import Use

_OVER_RUNS = ("pipeline_runs", "trigger_runs")
_BOUND = {
    "pipeline_runs": "of the pipeline's runs at most {cap} may go at once (pipeline_run_limit_all_triggers)",
    "trigger_runs": "of the runs that one trigger or a hand starts at most {cap} may go at once (pipeline_run_limit)",
    "project_blocks": "of the project's blocks at most {cap} may run at once (queue_config.concurrency)",
    "block_runs": "of this block at most {cap} may run at once (block_run_limit)",
}


def of(app: App, shown: Shown) -> Iterator[Reason]:
    """The run's own reasons, then those of each block that is not settled."""
    run = shown.run
    if run.held and not run.cancel_requested_at:
        yield Reason("held", _held(run))
        return
    uses = app.store.limits.used(run.id)
    yield from _of_cancel(app, shown)
    yield from _of_engine(app, run)
    if not run.admitted_at and not run.cancel_requested_at:
        yield from _of_admission(app, run, uses)
    elif not shown.abandoned and run.owner:
        for row in shown.blocks:
            yield from _of_block(shown, row, uses)


def _held(run: Run) -> str:
    """What has it wait, whatever else it would have to wait for."""
    if run.backfill_id is not None:
        return f"its backfill {run.backfill_id} is paused: `headrace backfill resume {run.backfill_id}` has it begin"
    name = run.occasion.trigger or run.trigger_id
    return f"its trigger {name} is paused: `headrace triggers resume {run.trigger_id}` has it begin"


def _of_cancel(app: App, shown: Shown) -> Iterator[Reason]:
    if asked := shown.run.cancel_requested_at:
        under_way = [row.block for row in shown.blocks if _is_under_way(shown, row)]
        left = f"still being stopped: {reasons.listed(under_way)}" if under_way else "nothing of it is under way"
        why = reasons.of_cancel(app.store.runs.cancel_reason(shown.run.id), asked)
        yield Reason("cancel", f"{why}; {left}")


def _of_engine(app: App, run: Run) -> Iterator[Reason]:
    """Why nobody moves it, if nobody does."""
    rows = {row.name: row for row in app.store.engines.living()}
    row = rows.get(run.owner or "")
    if row and engines.silent(app, row) and row.lease_until:
        late = f"its engine was to be heard of by {reasons.moment(row.lease_until)}, and was not"
        wait = f"{owner.GRACE * app.settings.lease:g} s later it is taken for dead, and another engine goes on with the run"
        yield Reason("engine_silent", f"{late}; {wait}")
    elif not row or not engines.lives(app, row):
        yield from _of_no_owner(app, run)


def _of_no_owner(app: App, run: Run) -> Iterator[Reason]:
    gone = "its engine is gone" if run.owner else "no engine has taken it"
    if not engines.takers(app):
        here = f"; `headrace run --resume {run.id}` goes on with it alone"
        yield Reason("no_engine", f"{gone}, and none runs that would take it: start one with `headrace engine`{here}")
    elif run.owner:
        yield Reason("engine_gone", f"{gone}; another takes it as soon as nothing of it is under way any more")


def _of_admission(app: App, run: Run, uses: Sequence[Use]) -> Iterator[Reason]:
    full = [use for use in uses if use.kind in _OVER_RUNS and use.used >= use.cap]
    for use in full:
        yield Reason("limit", _bound(use))
    if not full and not run.owner and engines.takers(app):
        yield Reason("engine_busy", "the engines that run have no room for it yet; the oldest runs come first")


def _of_block(shown: Shown, row: BlockRun, uses: Sequence[Use]) -> Iterator[Reason]:
    match row.status:
        case BlockStatus.INITIAL:
            yield from _of_upstreams(shown, row)
        case BlockStatus.QUEUED if shown.run.cancel_requested_at:
            pass
        case BlockStatus.QUEUED:
            yield _of_queued(shown, row, uses)
        case BlockStatus.RUNNING if _waits_for_runs(shown, row):
            yield Reason("run", f"waits for a run that it has started, attempt {row.attempt}", row.block)
        case BlockStatus.RUNNING if row.started_at:
            yield Reason("running", f"runs since {reasons.moment(row.started_at)}, attempt {row.attempt}", row.block)
        case BlockStatus.COMMITTING:
            yield Reason("committing", _of_commit(shown, row), row.block)
        case _:
            pass


def _of_commit(shown: Shown, row: BlockRun) -> str:
    """A commit of which nobody knows what became of it is tried again until that is known."""
    becomes = f"what attempt {row.attempt} has written becomes a version of its dataset"
    attempt = shown.attempts[row.block][-1]
    if attempt.failure is None:
        return becomes
    return f"{becomes}, and it is not known yet whether it has: {reasons.of_failure(attempt)}; it is tried again"


def _of_upstreams(shown: Shown, row: BlockRun) -> Iterator[Reason]:
    settled = {each.block for each in shown.blocks if each.status is BlockStatus.COMPLETED}
    within = {each.block for each in shown.blocks}
    upstreams = shown.pipeline.graph.get(row.block, ())
    if missing := [each for each in upstreams if each in within and each not in settled]:
        yield Reason("upstream", f"waits for {reasons.listed(missing)}", row.block)


def _of_queued(shown: Shown, row: BlockRun, uses: Sequence[Use]) -> Reason:
    if row.retry_at and row.retry_at > clock.now():
        tries = shown.attempts[row.block]
        failed = f"attempt {row.attempt} failed ({reasons.of_failure(tries[-1])})" if tries else "its attempt failed"
        again = f"{failed}; it is tried again at {reasons.moment(row.retry_at)}"
        return Reason("retry", again, row.block, until=row.retry_at)
    if not _is_under_way(shown, row):
        for bound in _bounds_of(shown, row, uses):
            return Reason("limit", bound, row.block)
    return Reason("worker", "waits for a free worker", row.block)


def _bounds_of(shown: Shown, row: BlockRun, uses: Sequence[Use]) -> Iterator[str]:
    """The limits that leave no place for the block now."""
    cap = shown.pipeline.limits.run_blocks
    under_way = [each.block for each in shown.blocks if _is_under_way(shown, each) and not _waits_for_runs(shown, each)]
    if cap is not None and len(under_way) >= cap:
        yield f"of the run's blocks at most {cap} may run at once (block_run_limit); now {reasons.listed(under_way)}"
    for use in uses:
        over_it = use.kind == "project_blocks" or (use.kind == "block_runs" and use.block == row.block)
        if over_it and use.used >= use.cap:
            yield _bound(use)


def _bound(use: Use) -> str:
    names = f"run {use.holders[0]} has" if len(use.holders) == 1 else f"runs {reasons.listed(use.holders)} have"
    return f"{_BOUND[use.kind].format(cap=use.cap)}; {names} {'the place' if use.cap == 1 else 'the places'}"


def _is_under_way(shown: Shown, row: BlockRun) -> bool:
    """Whether an attempt of it is with an executor, running or waiting there."""
    open_ones = (attempt for attempt in shown.attempts[row.block] if attempt.ended_at is None)
    return any(attempt.status is not BlockStatus.COMMITTING for attempt in open_ones)


def _waits_for_runs(shown: Shown, row: BlockRun) -> bool:
    return any(attempt.waiting for attempt in shown.attempts[row.block])
