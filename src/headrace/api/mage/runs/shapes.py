"""Pipeline runs and block runs as Mage's clients know them: each key, in its order, of its type."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run, RunStatus
from headrace.model.trigger import TriggerType
from headrace.operations import documents
from headrace.operations.sorting import Row

TOKEN_HIDDEN = "[API_TOKEN_PLACEHOLDER]"  # noqa: S105 - what stands for a token
EXECUTOR = "local_python"  # Mage's word for a process on this machine


class PipelineRun(TypedDict):
    backfill_id: int | None
    completed_at: str | None
    created_at: str
    event_variables: dict[str, Any] | None
    execution_date: str
    executor_type: str
    id: int
    metrics: dict[str, Any] | None
    passed_sla: bool
    pipeline_schedule_id: int | None
    pipeline_uuid: str
    started_at: str | None
    status: str
    updated_at: str
    variables: dict[str, Any] | None


class BlockRunWithin(TypedDict):
    """A block run, in a list of runs."""

    pipeline_run_id: int
    block_uuid: str
    status: str
    started_at: str | None
    completed_at: str | None
    metrics: dict[str, Any] | None
    id: int
    created_at: str
    updated_at: str


class BlockRunOfOne(BlockRunWithin):
    """A block run, in the detail of a run."""

    pipeline_schedule_id: int | None
    pipeline_schedule_name: str | None


class ListedBlockRun(TypedDict):
    block_uuid: str
    completed_at: str | None
    created_at: str
    id: int
    pipeline_run_id: int
    started_at: str | None
    status: str
    updated_at: str
    metrics: dict[str, Any] | None
    pipeline_schedule_id: int | None
    pipeline_schedule_name: str | None


class ListedPipelineRun(PipelineRun):
    block_runs: list[BlockRunWithin]
    block_runs_count: int
    completed_block_runs_count: int
    pipeline_schedule_name: str | None
    pipeline_schedule_token: str | None
    pipeline_schedule_type: str | None
    pipeline_tags: list[str] | None
    pipeline_type: str | None
    repo_path: str | None
    ended_at: str | None


class ShownPipelineRun(PipelineRun):
    block_runs: list[BlockRunOfOne]
    block_runs_count: int
    completed_block_runs_count: int
    pipeline_schedule_name: str | None
    pipeline_schedule_token: str | None
    pipeline_schedule_type: str | None
    pipeline_tags: list[str] | None
    pipeline_type: str | None
    repo_path: str | None
    ended_at: str | None


class BasicPipelineRun(TypedDict):
    execution_date: str
    id: int
    status: str


def run(row: Row) -> PipelineRun:
    """What is told of a run everywhere."""
    found = row.run
    return {
        "backfill_id": found.backfill_id,
        "completed_at": dates.spaced(_completed_at(found)),
        "created_at": dates.spaced(found.created_at),
        "event_variables": None if found.event_variables is None else documents.masked(found.event_variables),
        "execution_date": dates.spaced(found.execution_date),
        "executor_type": EXECUTOR,
        "id": found.id,
        "metrics": None,
        "passed_sla": found.passed_sla,
        "pipeline_schedule_id": row.trigger.id if row.trigger else None,
        "pipeline_uuid": row.pipeline,
        "started_at": dates.spaced(found.started_at),
        "status": found.status.value,
        "updated_at": dates.spaced(_updated_at(found)),
        "variables": _variables(found),
    }


def called(row: Row) -> PipelineRun:
    """What is told to whoever shows a trigger's token: the same, in another order."""
    found = run(row)
    return {
        "pipeline_schedule_id": found["pipeline_schedule_id"],
        "pipeline_uuid": found["pipeline_uuid"],
        "execution_date": found["execution_date"],
        "status": found["status"],
        "started_at": found["started_at"],
        "completed_at": found["completed_at"],
        "variables": found["variables"],
        "passed_sla": found["passed_sla"],
        "event_variables": found["event_variables"],
        "metrics": found["metrics"],
        "backfill_id": found["backfill_id"],
        "executor_type": found["executor_type"],
        "id": found["id"],
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
    }


def listed(row: Row, kind: str | None = None, tags: Sequence[str] | None = None) -> ListedPipelineRun:
    """A run in a list. The `kind` of its pipeline, and its tags, are told where they are asked for."""
    return {
        **run(row),
        "block_runs": [_within(row, block) for block in row.blocks],
        "block_runs_count": len(row.blocks),
        "completed_block_runs_count": _completed(row),
        "pipeline_schedule_name": row.trigger.name if row.trigger else None,
        "pipeline_schedule_token": _token(row),
        "pipeline_schedule_type": _type(row),
        "pipeline_tags": None if tags is None else list(tags),
        "pipeline_type": kind,
        "repo_path": None if _of_backfill(row) else str(row.folder),
        "ended_at": dates.spaced(row.run.ended_at),
    }


def shown(row: Row, kind: str | None = None, tags: Sequence[str] | None = None) -> ShownPipelineRun:
    """A run by itself: its block runs tell of its trigger, too."""
    blocks: list[BlockRunOfOne] = [{**_within(row, block), **_schedule(row)} for block in row.blocks]  # pyright: ignore[reportAssignmentType]
    return {**listed(row, kind, tags), "block_runs": blocks}


def basic(row: Row) -> BasicPipelineRun:
    found = row.run
    return {"execution_date": dates.spaced(found.execution_date), "id": found.id, "status": found.status.value}


def block_run(row: Row, block: BlockRun, *, scheduled: bool) -> ListedBlockRun:
    """A block run in a list of its own; `scheduled` says whether its trigger is told."""
    at = row.run.created_at
    return {
        "block_uuid": block.block,
        "completed_at": dates.with_t(_block_completed_at(block)),
        "created_at": dates.with_t(at),
        "id": block.id,
        "pipeline_run_id": block.run_id,
        "started_at": dates.with_t(block.started_at),
        "status": block_status(block.status),
        "updated_at": dates.with_t(block_updated_at(block, at)),
        "metrics": metrics(block, row.failed.get(block.id)),
        "pipeline_schedule_id": row.trigger.id if row.trigger and scheduled else None,
        "pipeline_schedule_name": row.trigger.name if row.trigger and scheduled else None,
    }


def block_status(status: BlockStatus) -> str:
    """In Mage's words: it has none for a block that has run and whose rows are being committed."""
    return (BlockStatus.RUNNING if status is BlockStatus.COMMITTING else status).value


def metrics(block: BlockRun, failed: Attempt | None) -> dict[str, Any] | None:
    """What a block reported: nothing before it has ended, and why it has failed."""
    if failed and failed.failure:
        said = failed.failure
        lines = said.traceback.splitlines(keepends=True)
        message = said.traceback or f"{said.type}: {said.message}"
        return {"error": {"error": said.message, "errors": lines, "message": message}}
    return {} if block.status is BlockStatus.COMPLETED else None


def block_updated_at(block: BlockRun, made: datetime) -> datetime:
    """When it last moved; it was made with its run."""
    return block.ended_at or block.started_at or made


def _within(row: Row, block: BlockRun) -> BlockRunWithin:
    at = row.run.created_at
    return {
        "pipeline_run_id": block.run_id,
        "block_uuid": block.block,
        "status": block_status(block.status),
        "started_at": dates.spaced(block.started_at),
        "completed_at": dates.spaced(_block_completed_at(block)),
        "metrics": metrics(block, row.failed.get(block.id)),
        "id": block.id,
        "created_at": dates.spaced(at),
        "updated_at": dates.spaced(block_updated_at(block, at)),
    }


def _schedule(row: Row) -> Mapping[str, Any]:
    trigger = row.trigger
    return {
        "pipeline_schedule_id": trigger.id if trigger else None,
        "pipeline_schedule_name": trigger.name if trigger else None,
    }


def _completed_at(found: Run) -> datetime | None:
    """In Mage a run that failed has none, unless its blocks were allowed to fail and all of them have settled."""
    settled = found.status is RunStatus.FAILED and found.settings.allow_blocks_to_fail
    late = found.reason == "run_timed_out"
    return found.ended_at if found.status is RunStatus.COMPLETED or (settled and not late) else None


def _block_completed_at(block: BlockRun) -> datetime | None:
    return block.ended_at if block.status is BlockStatus.COMPLETED else None


def _updated_at(found: Run) -> datetime:
    """When it last moved."""
    return found.ended_at or found.started_at or found.created_at


def _completed(row: Row) -> int:
    return sum(block.status is BlockStatus.COMPLETED for block in row.blocks)


def _token(row: Row) -> str | None:
    return None if row.trigger is None else row.token or TOKEN_HIDDEN


def _type(row: Row) -> str | None:
    return None if row.trigger is None or _of_backfill(row) else row.trigger.type


def _of_backfill(row: Row) -> bool:
    """In Mage the trigger that a backfill makes for its runs has neither a type nor a place."""
    return row.trigger is not None and row.trigger.type == TriggerType.BACKFILL


def _variables(found: Run) -> dict[str, Any] | None:
    """Null where there are none."""
    return documents.masked(found.variables) or None
