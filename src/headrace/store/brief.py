"""What an engine is to know of a run before it moves it, asked in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from headrace import errors
from headrace.model.run import BlockRun, Run
from headrace.store import limits, projects, rows, secrets, tables
from headrace.store.database import Database
from headrace.store.limits import LimitRows
from headrace.store.projects import ProjectRow
from headrace.store.script import Statement
from headrace.store.secrets import Marks
from headrace.store.tables import block_runs, pipelines, runs


@dataclass(frozen=True, slots=True)
class Brief:
    """A run and its block runs, in the order their blocks were written; where it is of, and what it comes under."""

    run: Run
    project: ProjectRow
    blocks: Sequence[BlockRun]
    limits: LimitRows
    secrets: Marks


def read(database: Database, run_id: int) -> Brief:
    """See `Runs.brief`."""
    answers = database.ask_together([(statement, {"run": run_id}) for statement in _ALL])
    (run, project, blocks, over, marks) = answers
    if not run or not project:
        raise errors.RunNotFound(run=run_id)
    found = rows.run(run[0])
    return Brief(
        run=found,
        project=projects.project(project[0]),
        blocks=[rows.block_run(row) for row in blocks],
        limits=limits.bounding(over, found.trigger_id),
        secrets=secrets.marked(marks),
    )


_RUN = sa.bindparam("run", type_=runs.c.id.type)
_PIPELINE = sa.select(runs.c.pipeline_id).where(runs.c.id == _RUN).scalar_subquery()
_PROJECT = sa.select(pipelines.c.project_id).where(pipelines.c.id == _PIPELINE).scalar_subquery()
_ALL = (
    Statement(sa.select(*rows.RUN).where(runs.c.id == _RUN)),
    Statement(sa.select(*projects.PROJECT).where(tables.projects.c.id == _PROJECT)),
    Statement(sa.select(*rows.BLOCK_RUN).where(block_runs.c.run_id == _RUN).order_by(block_runs.c.id)),
    Statement(limits.over(_PIPELINE)),
    Statement(secrets.marks(_PROJECT)),
)
