"""Statuses: headrace's words as Maestro's."""

from collections.abc import Mapping

from headrace.model.run import BlockStatus, RunStatus

CREATED = "CREATED"  # of what has never run

_RUNS: Mapping[RunStatus, str] = {
    RunStatus.INITIAL: "RUNNING",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.COMPLETED: "SUCCESS",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "FAILED",
}
_BLOCKS: Mapping[BlockStatus, str] = {
    BlockStatus.INITIAL: "RUNNING",
    BlockStatus.QUEUED: "RUNNING",
    BlockStatus.RUNNING: "RUNNING",
    BlockStatus.COMMITTING: "RUNNING",
    BlockStatus.COMPLETED: "SUCCESS",
    BlockStatus.CONDITION_FAILED: "SUCCESS",
    BlockStatus.FAILED: "FAILED",
    BlockStatus.CANCELLED: "FAILED",
    BlockStatus.UPSTREAM_FAILED: "FAILED",
}


def of_run(status: RunStatus | None) -> str:
    """None of a pipeline that has no run."""
    return CREATED if status is None else _RUNS[status]


def of_block(status: BlockStatus | None) -> str:
    return CREATED if status is None else _BLOCKS[status]
