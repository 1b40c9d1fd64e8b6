"""Shapes: headrace's values as TrueState's documents. Every field is always there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from typing_extensions import TypedDict

from headrace.api.truestate import statuses
from headrace.api.truestate.argo import manifest, metadata, names
from headrace.api.truestate.given import JOB_TYPE
from headrace.model.pipeline import NEVER_RUN, Block
from headrace.operations import pipeline_runs
from headrace.operations.catalogue import Entry
from headrace.operations.run_logs import Entry as LogEntry
from headrace.store.datasets import Standing
from headrace.store.pipelines import Version

OTHER = "headrace-block"  # the type of jobs that only headrace has
_OURS = frozenset({"file_path", "template"})  # of a configuration: what headrace has put there


class Step(TypedDict):
    id: UUID
    name: str
    config: dict[str, Any]
    created_at: datetime


class PipelineVersion(TypedDict):
    id: UUID
    pipeline_id: UUID
    steps: list[Step]
    created_at: datetime


class RunStep(TypedDict):
    name: str
    run_name: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None


class Run(TypedDict):
    id: UUID
    pipeline_config_version_id: UUID
    name: str
    status: str
    argo_manifest: dict[str, Any]
    argo_metadata: dict[str, Any]
    pipeline_version: PipelineVersion
    created_at: datetime
    finished_at: datetime | None
    run_steps: list[RunStep]


class Pipeline(TypedDict):
    id: UUID
    name: str
    description: str
    current_config_version_id: UUID
    current_config_version: PipelineVersion
    config_versions: list[PipelineVersion]
    created_at: datetime


class Dataset(TypedDict):
    id: UUID
    name: str
    description: str
    row_unique_identifier: str | None
    data_schema: dict[str, str]
    version: int | None
    row_count: int
    created_at: datetime
    updated_at: datetime


class LogLine(TypedDict):
    step: str
    attempt: int
    timestamp: datetime
    level: str
    stream: str
    message: str


def run(told: pipeline_runs.Told) -> Run:
    """The steps are those that ran, or are to run; not those whose earlier outputs it goes on from."""
    run, pipeline = told.run, told.version.content
    own = [each for each in told.blocks if each.reused_from is None]
    workflow, tasks = names.workflow(pipeline.name, run.uid), names.tasks(each.block for each in own)
    return {
        "id": UUID(run.uid),
        "pipeline_config_version_id": UUID(told.version.row.uid),
        "name": workflow,
        "status": statuses.of_run(run, own),
        "argo_manifest": manifest.of(pipeline, run.uid, tasks),
        "argo_metadata": metadata.of(pipeline, run, own, told.attempts),
        "pipeline_version": version(told.version),
        "created_at": run.created_at,
        "finished_at": run.ended_at,
        "run_steps": [
            {
                "name": each.block,
                "run_name": names.node(workflow, tasks[each.block]),
                "status": statuses.of_block(each.status, each.reason),
                "started_at": each.started_at,
                "finished_at": each.ended_at,
            }
            for each in own
        ],
    }


def version(version: Version) -> PipelineVersion:
    steps = [each for each in version.content.blocks if each.type not in NEVER_RUN]
    return {
        "id": UUID(version.row.uid),
        "pipeline_id": UUID(version.pipeline_uid),
        "steps": [_step(version, each) for each in steps],
        "created_at": version.row.created_at,
    }


def pipeline(entry: Entry) -> Pipeline:
    return {
        "id": UUID(entry.row.uid),
        "name": entry.title,
        "description": entry.current.content.description,
        "current_config_version_id": UUID(entry.current.row.uid),
        "current_config_version": version(entry.current),
        "config_versions": [version(each) for each in entry.versions],
        "created_at": entry.row.created_at,
    }


def dataset(standing: Standing) -> Dataset:
    """`version`, `row_count` and `data_schema` are of its newest version; it has none before its first rows."""
    own, newest = standing.dataset, standing.newest
    return {
        "id": UUID(own.uid),
        "name": own.name,
        "description": own.description,
        "row_unique_identifier": own.row_identifier,
        "data_schema": {str(each["name"]): str(each["type"]) for each in newest.schema} if newest else {},
        "version": newest.version if newest else None,
        "row_count": newest.rows if newest else 0,
        "created_at": own.created_at,
        "updated_at": own.updated_at,
    }


def lines(entries: Sequence[LogEntry]) -> list[LogLine]:
    return [
        {
            "step": each.block,
            "attempt": each.attempt,
            "timestamp": each.line.at,
            "level": each.line.level,
            "stream": each.line.stream,
            "message": each.line.message,
        }
        for each in entries
    ]


def _step(version: Version, block: Block) -> Step:
    own = UUID(version.row.uid)
    return {
        "id": uuid5(own, block.uuid),
        "name": block.uuid,
        "config": _transform(block) if block.is_step else _other(block),
        "created_at": version.row.created_at,
    }


def _transform(block: Block) -> dict[str, Any]:
    """A step of SQL, its datasets in the form in which they were given."""
    given: Mapping[str, Any] = {name: each for name, each in block.configuration.items() if name not in _OURS}
    usual = {"job_type": JOB_TYPE, "query_type": "sql", "query": block.text or "", "input_datasets": [*block.reads]}
    return {**usual, **{name: each for name, each in given.items() if each is not None}}


def _other(block: Block) -> dict[str, Any]:
    """Any other block of headrace: what it is, and how it hangs together with others."""
    return {
        "job_type": OTHER,
        "block_type": block.type.value,
        "language": block.language.value,
        "upstream_steps": [*block.upstream],
        "input_datasets": [*block.reads],
        "output_datasets": [*block.writes],
    }
