"""Shapes: headrace's values as Maestro's documents. Every field is always there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from typing_extensions import TypedDict

from headrace.api.maestro import ids, statuses
from headrace.model.pipeline import NEVER_RUN, Block
from headrace.model.run import Run
from headrace.operations import jobs, tracing
from headrace.operations.jobs import Job
from headrace.operations.run_logs import Entry as LogEntry
from headrace.operations.standing import Standing
from headrace.operations.tracing import Traced


class PipelineRun(TypedDict):
    id: int
    pipeline_run_id: str
    pipeline_id: str
    last_status: str
    created_at: str
    updated_at: str
    trace: str | None


class LogLine(TypedDict):
    timestamp: str
    level: str
    job_id: str
    message: str


class Logs(TypedDict):
    pipeline_run_id: str
    logs: list[LogLine]


class Input(TypedDict):
    connector: str | None
    plugin: str | None
    table_name: str | None


class ListedJob(TypedDict):
    id: int
    job_id: str
    job_status: str
    input: Input
    output: dict[str, Any]


class ListedPipeline(TypedDict):
    id: int
    pipeline_id: str
    name: str
    description: str
    cron: str | None
    last_status: str
    jobs: list[ListedJob]


class Pipeline(TypedDict):
    id: str
    name: str
    description: str
    cron: str | None
    status: str
    created_at: str
    updated_at: str
    jobs: list[ListedJob]


class ShownPipeline(TypedDict):
    status: bool
    data: Pipeline


class Deleted(TypedDict):
    pipeline_id: str
    status: str


class Detail(TypedDict):
    detail: str


class Begun(TypedDict):
    message: str
    pipeline_id: str
    run_id: str


class ShownRun(TypedDict):
    status: bool
    data: Begun


class Switched(TypedDict):
    message: str
    pipeline_id: str


class ShownSwitch(TypedDict):
    status: bool
    data: Switched


class Memory(TypedDict):
    message: str
    pipeline_id: str
    memory_mb: int


class ShownMemory(TypedDict):
    status: bool
    data: Memory


class MemoryOfJob(Memory):
    job_id: str


class ShownMemoryOfJob(TypedDict):
    status: bool
    data: MemoryOfJob


class ShownJob(TypedDict):
    job_name: str
    source_config: dict[str, Any]
    transformations: list[Any]
    output_config: dict[str, Any]


class Patched(TypedDict):
    status: bool
    detail: str
    updated_fields: list[str]


class Sync(TypedDict):
    message: str
    job_id: str
    load_type: str
    state: str


class ShownSync(TypedDict):
    status: bool
    data: Sync


def run(pipeline_uid: str, traced: Traced) -> PipelineRun:
    found = traced.run
    return {
        "id": found.id,
        "pipeline_run_id": ids.told(found.uid),
        "pipeline_id": ids.told(pipeline_uid),
        "last_status": statuses.of_run(found.status),
        "created_at": moment(found.started_at or found.created_at),
        "updated_at": moment(tracing.touched(traced)),
        "trace": traced.trace,
    }


def logs(run: Run, pipeline_uid: str, blocks: Sequence[Block], lines: Sequence[LogEntry]) -> Logs:
    places = {block.uuid: index for index, block in enumerate(blocks)}
    return {
        "pipeline_run_id": ids.told(run.uid),
        "logs": [
            {
                "timestamp": moment(each.line.at),
                "level": each.line.level,
                "job_id": jobs.id_of(pipeline_uid, places.get(each.block, 0)),
                "message": each.line.message,
            }
            for each in lines
        ],
    }


def listed(standing: Standing) -> ListedPipeline:
    row = standing.entry.row
    return {
        "id": row.id,
        "pipeline_id": ids.told(row.uid),
        "name": standing.entry.title,
        "description": standing.entry.current.content.description,
        "cron": standing.cron,
        "last_status": statuses.of_run(standing.last),
        "jobs": _jobs(standing),
    }


def pipeline(standing: Standing) -> ShownPipeline:
    entry = standing.entry
    return {
        "status": True,
        "data": {
            "id": ids.told(entry.row.uid),
            "name": entry.title,
            "description": entry.current.content.description,
            "cron": standing.cron,
            "status": "paused" if entry.row.paused_at else "error" if standing.fault else "active",
            "created_at": moment(entry.row.created_at),
            "updated_at": moment(standing.touched_at),
            "jobs": _jobs(standing),
        },
    }


def job(found: Job) -> ShownJob:
    return {
        "job_name": found.block.uuid,
        "source_config": dict(found.document["input"]),
        "transformations": list(found.document.get("transformations") or ()),
        "output_config": dict(found.document["output"]),
    }


def moment(at: datetime) -> str:
    """With milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _jobs(standing: Standing) -> list[ListedJob]:
    row, blocks = standing.entry.row, standing.entry.current.content.blocks
    running = ((index, block) for index, block in enumerate(blocks) if block.type not in NEVER_RUN)
    return [_job(row.id, row.uid, index, block, standing) for index, block in running]


def _job(pipeline_id: int, uid: str, index: int, block: Block, standing: Standing) -> ListedJob:
    """Of a block that moves no table nothing is told but how it stands."""
    said: Mapping[str, Any] = jobs.document(block)
    given: Mapping[str, Any] = said.get("input", {})
    return {
        "id": pipeline_id * 1000 + index,
        "job_id": jobs.id_of(uid, index),
        "job_status": statuses.of_block(standing.blocks.get(block.uuid)),
        "input": {
            "connector": given.get("connector"),
            "plugin": given.get("plugin"),
            "table_name": given.get("table_name") or given.get("path"),
        },
        "output": dict(said.get("output", {"plugin": None})),
    }
