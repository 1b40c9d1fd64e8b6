"""Phases: Argo's words for where runs and steps are, which this dialect tells.

A run or step that failed because the engine could not go on with it, whatever its code does, is an Error, else Failed.
"""

from collections.abc import Iterable

from headrace.model.run import BlockRun, BlockStatus, Run, RunStatus

ENGINES = frozenset({"engine_died", "lease_lapsed", "let_go", "no_worker"})  # reasons that are none of the code's
LET_GO = "let go:"  # how the reason begins of a run that no engine could go on with
ERROR = "Error"

_RUNS = {
    RunStatus.INITIAL: "Pending",
    RunStatus.RUNNING: "Running",
    RunStatus.COMPLETED: "Succeeded",
    RunStatus.FAILED: "Failed",
    RunStatus.CANCELLED: "Failed",
}
_BLOCKS = {
    BlockStatus.INITIAL: "Pending",
    BlockStatus.QUEUED: "Pending",
    BlockStatus.RUNNING: "Running",
    BlockStatus.COMMITTING: "Running",
    BlockStatus.COMPLETED: "Succeeded",
    BlockStatus.FAILED: "Failed",
    BlockStatus.CANCELLED: "Failed",
    BlockStatus.UPSTREAM_FAILED: "Omitted",
    BlockStatus.CONDITION_FAILED: "Skipped",
}
PHASES = tuple(dict.fromkeys([*_BLOCKS.values(), ERROR]))


def of_block(status: BlockStatus, reason: str) -> str:
    """The phase of a block run, or of an attempt at it."""
    return ERROR if status is BlockStatus.FAILED and reason in ENGINES else _BLOCKS[status]


def of_run(run: Run, blocks: Iterable[BlockRun]) -> str:
    failed = [of_block(each.status, each.reason) for each in blocks if each.status is BlockStatus.FAILED]
    if run.status is RunStatus.FAILED and (run.reason.startswith(LET_GO) or (failed and set(failed) == {ERROR})):
        return ERROR
    return _RUNS[run.status]
