"""Why a final run ended as it did."""

from collections.abc import Iterator

from headrace.app import App
from headrace.model.run import BlockRun, BlockStatus, RunStatus
from headrace.operations import reasons
from headrace.operations.reasons import Reason
from headrace.operations.runs import Shown


def of(app: App, shown: Shown) -> Iterator[Reason]:
    """The run's end, then each block that did not complete, the first to end before the others."""
    yield Reason(shown.run.status, _of_run(app, shown))
    for row in sorted(shown.blocks, key=lambda row: (row.ended_at or shown.run.created_at, row.id)):
        if row.status is not BlockStatus.COMPLETED:
            yield Reason(row.status, _of_block(shown, row), block=row.block)


def _of_run(app: App, shown: Shown) -> str:
    run = shown.run
    if run.status is RunStatus.COMPLETED:
        reused = f"; {reasons.listed(list(shown.reused))} reused what an earlier run had left" if shown.reused else ""
        return f"every block of it is settled{reused}"
    match run.reason:
        case "cancel_requested" if run.cancel_requested_at:
            return reasons.of_cancel(app.store.runs.cancel_reason(run.id), run.cancel_requested_at)
        case "run_timed_out":
            return f"it was not done after {run.settings.timeout or 0:g} s, which is its timeout"
        case "limit_reached" | "previous_running":
            return reasons.in_words(run.reason)
        case _:
            return _of_first_failure(shown) or run.reason


def _of_first_failure(shown: Shown) -> str:
    failed = [row for row in shown.blocks if row.status is BlockStatus.FAILED and row.ended_at]
    if not failed:
        return ""
    first = min(failed, key=lambda row: (row.ended_at, row.id))
    others = f", then {reasons.listed([row.block for row in failed if row is not first])}" if failed[1:] else ""
    return f"{first.block} failed first{others}"


def _of_block(shown: Shown, row: BlockRun) -> str:
    tries = shown.attempts[row.block]
    if row.status is not BlockStatus.FAILED or not tries:
        return reasons.in_words(row.reason)
    number = f" (attempt {tries[-1].number})" if tries[-1].number > 1 else ""
    at = f" at {reasons.moment(row.ended_at)}" if row.ended_at else ""
    return f"failed{at}{number}: {reasons.of_failure(tries[-1])}"
