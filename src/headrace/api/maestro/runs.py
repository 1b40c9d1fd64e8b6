"""Runs of a pipeline, and what its jobs have written."""

from typing import Any

from starlette.responses import Response

from headrace import errors
from headrace.api import applications
from headrace.api.applications import Home
from headrace.api.maestro import errors as styles
from headrace.api.maestro import ids, shapes
from headrace.api.maestro.errors import RUNS, told
from headrace.api.maestro.given import Limit, Offset, PipelineId, RunId
from headrace.model.run import Run
from headrace.operations import jobs, run_logs, tracing
from headrace.store.pipelines import PipelineRow

router = applications.routes("runs")

MANY: dict[int | str, dict[str, Any]] = {200: {"model": list[shapes.PipelineRun]}, **RUNS.declared}
ONE: dict[int | str, dict[str, Any]] = {200: {"model": shapes.PipelineRun | None}, **RUNS.declared}
LOGS: dict[int | str, dict[str, Any]] = {200: {"model": shapes.Logs}, **RUNS.declared}


@router.get("/pipeline/pipeline_run/{run_id}/logs", responses=LOGS)
@told(styles.RUNS_BY_ID)
def logs(home: Home, run_id: RunId) -> Response:
    """The last lines that a run's jobs have written, ten thousand at most."""
    run = _run(home, run_id)
    pipeline = _written(home, home.store.pipelines.get(run.pipeline_id).uid)
    if pipeline is None:
        raise errors.RunNotFound(run=run_id)
    blocks = home.store.projects.version(run.version_id).blocks
    lines = run_logs.page(home, run.id, last=True, limit=run_logs.MOST).lines
    return applications.written(shapes.logs(run, pipeline.uid, blocks, lines))


@router.get("/pipeline/{pipeline_id}/pipeline_run", responses=MANY)
@told(RUNS)
def list_all(home: Home, pipeline_id: PipelineId, limit: Limit = 100, offset: Offset = 0) -> Response:
    """The runs of a pipeline, the newest first; none where there is no such pipeline."""
    return _listed(home, pipeline_id, limit, offset)


@router.get("/pipeline/{pipeline_id}/runs", responses=MANY)
@told(RUNS)
def list_runs(home: Home, pipeline_id: PipelineId, limit: Limit = 100, offset: Offset = 0) -> Response:
    """The same, by the name that newer clients have for it."""
    return _listed(home, pipeline_id, limit, offset)


@router.get("/pipeline/{pipeline_id}/pipeline_run/{run_id}", responses=ONE)
@told(RUNS)
def show(home: Home, pipeline_id: PipelineId, run_id: RunId) -> Response:
    """One run; null where that pipeline has none of this id."""
    pipeline = _written(home, pipeline_id)
    try:
        run = _run(home, run_id)
    except errors.RunNotFound:
        return applications.written(None)
    if pipeline is None or run.pipeline_id != pipeline.id:
        return applications.written(None)
    return applications.written(shapes.run(pipeline.uid, tracing.shown(home, run)))


def _listed(home: Home, pipeline_id: str, limit: int, offset: int) -> Response:
    pipeline = _written(home, pipeline_id)
    found = tracing.listed(home, pipeline, limit, offset) if pipeline else []
    return applications.written([shapes.run(pipeline.uid if pipeline else "", each) for each in found])


def _written(home: Home, pipeline_id: str) -> PipelineRow | None:
    """The pipeline; None where there is none, or was deleted: with it go its runs, also one that has yet to end."""
    row = home.store.pipelines.by_uid(ids.find(pipeline_id) or "")
    return None if row is None or jobs.is_deleted(home, row) else row


def _run(home: Home, run_id: str) -> Run:
    """RunNotFound."""
    if (uid := ids.find(run_id)) is None:
        raise errors.RunNotFound(run=f"{run_id:.80}")
    return home.store.runs.get(uid)
