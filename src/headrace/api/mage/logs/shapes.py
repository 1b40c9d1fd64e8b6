"""Logs as Mage has them: files of lines, each a moment and a JSON object.

The files do not lie anywhere under these names: what headrace keeps of an attempt is written out so. A run's
`pipeline.log` is empty, as Mage's is for a run that its scheduler moves; `scheduler.log` says what happened in the run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import xxhash
from typing_extensions import TypedDict

from headrace.model.run import Attempt, BlockStatus, Event, Run
from headrace.operations.log_files import BlockLog, Found
from headrace.operations.run_logs import Entry
from headrace.operations.runs import Shown


class File(TypedDict):
    """A file; `modified_timestamp` is in seconds since 1970, `size` in bytes of `content`."""

    name: str
    path: str
    size: int
    modified_timestamp: float
    content: str


class Logs(TypedDict):
    block_run_logs: list[File]
    pipeline_run_logs: list[File]
    total_block_run_log_count: int
    total_pipeline_run_log_count: int


_WORDS: Mapping[str, str] = {  # Mage's, for what its scheduler logs too
    "block.start": "Execute PipelineRun {run}, BlockRun {id}: pipeline {pipeline} block {block}",
    "block.complete": "BlockRun {id} (block_uuid: {block}) completes.",
    "block.fail": "BlockRun {id} (block_uuid: {block}) failed.",
}
_GRAVE = frozenset({"failed", "upstream_failed"})


def logs(found: Found, pipeline: str, *, with_runs: bool) -> Logs:
    """`with_runs`: those of whole runs as well."""
    of_runs = [file for shown in found.runs for file in _of_run(shown)] if with_runs else []
    return {
        "block_run_logs": [block_file(each, pipeline) for each in found.blocks],
        "pipeline_run_logs": of_runs,
        "total_block_run_log_count": found.block_count,
        "total_pipeline_run_log_count": found.run_count if with_runs else 0,
    }


def block_file(log: BlockLog, pipeline: str) -> File:
    """What the attempts of a block run wrote, each between two lines that say when it began and how it ended."""
    tags = {
        "block_run_id": log.block_run.id,
        "block_uuid": log.block_run.block,
        **_tags(log.run, pipeline),
        "block_type": log.type,
    }
    written: dict[int, list[Entry]] = {}
    for entry in log.entries:
        written.setdefault(entry.attempt, []).append(entry)
    kept = log.attempts if not log.is_cut else [each for each in log.attempts if each.number in written]
    lines = [line for attempt in kept for line in _of_attempt(attempt, written.get(attempt.number, ()), tags)]
    return _file(log.run, pipeline, log.block_run.block, lines, log.block_run.ended_at or log.block_run.started_at)


def _of_run(shown: Shown) -> Iterator[File]:
    run, pipeline = shown.run, shown.pipeline.name
    rows = {row.block: row.id for row in shown.blocks}
    lines = [_told(event, run, pipeline, rows) for event in shown.events]
    yield _file(run, pipeline, "pipeline", [], run.started_at)
    yield _file(run, pipeline, "scheduler", lines, run.ended_at or run.started_at)


def _file(run: Run, pipeline: str, name: str, lines: Sequence[str], modified: datetime | None) -> File:
    content = "".join(f"{line}\n" for line in lines)
    return {
        "name": f"{name}.log",
        "path": f"pipelines/{pipeline}/.logs/{_partition(run)}/{name}.log",
        "size": len(content.encode()),
        "modified_timestamp": (modified or run.created_at).timestamp(),
        "content": content,
    }


def _partition(run: Run) -> str:
    """What Mage calls the folder of a run's files."""
    given = run.variables.get("execution_partition")
    if given or run.trigger_id is None:
        return str(given or f"{run.execution_date:%Y%m%dT%H%M%S_%f}")
    return f"{run.trigger_id}/{run.execution_date:%Y%m%dT%H%M%S}"


def _tags(run: Run, pipeline: str) -> dict[str, Any]:
    return {"pipeline_run_id": run.id, "pipeline_schedule_id": run.trigger_id, "pipeline_uuid": pipeline}


def _of_attempt(attempt: Attempt, entries: Sequence[Entry], tags: Mapping[str, Any]) -> Iterator[str]:
    yield _line(attempt.started_at, tags, "INFO", "Start executing block with BlockExecutor.", attempt.uid)
    for place, entry in enumerate(entries):
        line = entry.line
        yield _line(line.at, {**line.tags, **tags}, line.level, line.message, f"{attempt.uid} {place}")
    if attempt.status is BlockStatus.COMPLETED and attempt.ended_at:
        yield _line(attempt.ended_at, tags, "INFO", "Finish executing block with BlockExecutor.", f"{attempt.uid} end")
    elif attempt.failure and attempt.ended_at:
        yield _failed(attempt, attempt.ended_at, tags)


def _failed(attempt: Attempt, at: datetime, tags: Mapping[str, Any]) -> str:
    failure = attempt.failure
    assert failure  # noqa: S101 - who asks has seen it
    short = f"{failure.type}: {failure.message}"
    stack = failure.traceback.splitlines() if failure.traceback else []
    told = {**tags, "error": failure.traceback or short, "error_stack": stack, "error_stacktrace": short}
    return _line(at, told, "EXCEPTION", f"Failed to execute block {tags['block_uuid']}", f"{attempt.uid} end")


def _told(event: Event, run: Run, pipeline: str, rows: Mapping[str, int]) -> str:
    """A line of what happened: in Mage's words where it has some, else in headrace's."""
    of_block: dict[str, Any] = {}
    if event.block is not None:
        of_block = {"block_run_id": rows.get(event.block), "block_uuid": event.block}
    words = _WORDS.get(event.kind, "{kind}: {reason}")
    named = {"run": run.id, "pipeline": pipeline, "block": event.block, "id": of_block.get("block_run_id")}
    message = words.format(kind=event.kind, reason=event.reason, **named)
    level = "ERROR" if event.status in _GRAVE else "INFO"
    return _line(event.at, {**of_block, **_tags(run, pipeline)}, level, message, f"event {event.id}")


def _line(at: datetime, tags: Mapping[str, Any], level: str, message: str, identity: str) -> str:
    """`identity` is what tells the line from all others: the same line has the same uuid whenever it is read."""
    uuid = xxhash.xxh3_128_hexdigest(identity.encode())
    body = {**tags, "level": level, "message": message, "timestamp": at.timestamp(), "uuid": uuid}
    return f"{at:%Y-%m-%dT%H:%M:%S} {json.dumps(body, default=str)}"
