"""All that is kept of one run, read together: as it was at one moment, in one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model.output import Output
from headrace.model.pipeline import Pipeline
from headrace.model.run import Attempt, BlockRun, Event, Run
from headrace.store import rows
from headrace.store.projects import ProjectRow
from headrace.store.script import Answer, Script, Statement
from headrace.store.tables import attempts, block_runs, events, outputs, pipelines, projects, runs, snapshots, versions


@dataclass(frozen=True, slots=True)
class Whole:
    """A run with everything kept of it; `version` and `snapshot` are the hashes that pin it.

    `attempts` are by block, first to last; `reused` has the blocks whose outputs another run made, and that run's id.
    """

    run: Run
    project: ProjectRow
    pipeline: Pipeline
    version: str
    snapshot: str
    blocks: Sequence[BlockRun]
    attempts: Mapping[str, Sequence[Attempt]]
    reused: Mapping[str, int]
    events: Sequence[Event]


def read(connection: sa.Connection, run_id: int) -> Whole:
    """See `Runs.whole`."""
    with Script(connection) as script:
        answers = [script.say(statement, {"run": run_id}) for statement in _ALL]
    placed, blocks, tries, kept, reused, told = answers
    for row in placed.named:
        found = [rows.block_run(each) for each in blocks.named]
        return Whole(
            run=rows.run(row),
            project=ProjectRow(row["of_id"], row["of_uid"], row["of_name"], Path(row["of_path"])),
            pipeline=rows.pipeline(row["version_id"], row["content"]),
            version=row["version"],
            snapshot=row["snapshot"],
            blocks=found,
            attempts=_by_block(found, tries, kept),
            reused=dict(reused.rows),
            events=[rows.event(each) for each in told.named],
        )
    raise errors.RunNotFound(run=run_id)


def _by_block(blocks: Sequence[BlockRun], tries: Answer, kept: Answer) -> dict[str, list[Attempt]]:
    returned: dict[int, list[Output]] = {}
    for row in kept.named:
        returned.setdefault(row["attempt_id"], []).append(rows.output(row))
    names = {block.id: block.block for block in blocks}
    found: dict[str, list[Attempt]] = {block.block: [] for block in blocks}
    for row in tries.named:
        found[names[row["block_run_id"]]].append(rows.attempt(row, returned.get(row["id"], ())))
    return found


def _of(column: sa.Column[Any], query: sa.Select[Any]) -> Statement:
    return Statement(query.where(column == sa.bindparam("run", type_=column.type)))


_PROJECT = [projects.c[name].label(f"of_{name}") for name in ("id", "uid", "name", "path")]
_PINNED = (versions.c.content, versions.c.hash.label("version"), snapshots.c.hash.label("snapshot"))
_PLACED = sa.select(*rows.RUN, *_PROJECT, *_PINNED).select_from(
    runs.join(versions, versions.c.id == runs.c.version_id)
    .join(snapshots, snapshots.c.id == runs.c.snapshot_id)
    .join(pipelines, pipelines.c.id == runs.c.pipeline_id)
    .join(projects, projects.c.id == pipelines.c.project_id)
)
_TRIED = attempts.join(block_runs)
_EARLIER = block_runs.alias()
_REUSED: list[sa.ColumnElement[Any]] = [block_runs.c.block, _EARLIER.c.run_id]
_ALL = (
    _of(runs.c.id, _PLACED),
    _of(block_runs.c.run_id, sa.select(*rows.BLOCK_RUN).order_by(block_runs.c.id)),
    _of(
        block_runs.c.run_id,
        sa.select(*rows.ATTEMPT).select_from(_TRIED).order_by(attempts.c.block_run_id, attempts.c.number),
    ),
    _of(
        block_runs.c.run_id,
        sa.select(outputs).select_from(outputs.join(_TRIED)).order_by(outputs.c.attempt_id, outputs.c.place),
    ),
    _of(
        block_runs.c.run_id,
        sa.select(*_REUSED).select_from(block_runs.join(_EARLIER, _EARLIER.c.id == block_runs.c.reused_from)),
    ),
    _of(events.c.run_id, sa.select(*rows.EVENT).order_by(events.c.id)),
)
