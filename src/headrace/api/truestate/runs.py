"""Runs of a pipeline: begun, whole or in part, looked at, stopped, and what their steps have written."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import applications, auditing, gate
from headrace.api.applications import Home
from headrace.api.truestate import given, shapes
from headrace.api.truestate.given import Limit, Offset, PipelineId, RunId
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import cancelling, catalogue, pipeline_runs, run_logs, stretches
from headrace.operations.stretches import Stretch

router = applications.routes("runs")

AT = "/pipelines/{pipeline_id}/runs/"
ONE: dict[int | str, dict[str, Any]] = {200: {"model": shapes.Run}}
LINES: dict[int | str, dict[str, Any]] = {200: {"model": list[shapes.LogLine]}}


@router.get(AT, responses={200: {"model": list[shapes.Run]}})
def list_all(
    home: Home,
    pipeline_id: PipelineId,
    version_id: Annotated[UUID | None, Query(description="Only of this version.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """The runs of a pipeline, the newest first."""
    version = None if version_id is None else str(version_id)
    found = pipeline_runs.listed(home, catalogue.row(home, str(pipeline_id)), limit, offset, version)
    return applications.written([shapes.run(each) for each in found])


@router.post(AT, responses=ONE)
@gate.needs(Role.EDITOR)
def create(home: Home, request: Request, pipeline_id: PipelineId, new: given.NewRun | None = None) -> Response:
    """Run the pipeline as it is now, or as a version of it was: all of it, or what lies between two of its steps."""
    wanted = new or given.NewRun.model_validate({})
    version = None if wanted.version_id is None else str(wanted.version_id)
    stretch = Stretch(wanted.start_job_name, wanted.end_job_name)
    run = stretches.start(home, str(pipeline_id), stretch, version).run
    auditing.touch(request, "runs", run.uid, run.id)
    return _told(home, pipeline_id, run.uid)


@router.get(f"{AT}{{run_id}}/", responses=ONE)
def show(home: Home, pipeline_id: PipelineId, run_id: RunId) -> Response:
    """One run."""
    return _told(home, pipeline_id, str(run_id))


@router.post(f"{AT}{{run_id}}/stop/", responses=ONE)
@gate.needs(Role.EDITOR)
def stop(home: Home, request: Request, pipeline_id: PipelineId, run_id: RunId) -> Response:
    """Ask for a run to be stopped; it has ended once its steps are gone. 409 for one that has ended."""
    run = pipeline_runs.shown(home, catalogue.row(home, str(pipeline_id)), str(run_id)).run
    auditing.touch(request, "runs", run.uid, run.id)
    if cancelling.ask(home, run.id) is None:
        raise errors.RunFinal(run=run.uid, status=run.status.value)
    return _told(home, pipeline_id, run.uid)


@router.get(f"{AT}{{run_id}}/logs/", responses=LINES)
def logs(
    home: Home,
    request: Request,
    pipeline_id: PipelineId,
    run_id: RunId,
    step: Annotated[str | None, Query(description="Only of this step.")] = None,
    limit: Annotated[int, Query(ge=1, le=run_logs.MOST, description="At most so many.")] = 1_000,
    after: Annotated[str | None, Query(max_length=10_000, description="Of the link to the next page.")] = None,
) -> Response:
    """The lines that a run's steps have written, in the order in which they wrote them; the header `Link` has the next page."""
    run = pipeline_runs.shown(home, catalogue.row(home, str(pipeline_id)), str(run_id)).run
    page = run_logs.page(home, run.id, after=after, limit=limit, block=step)
    query = {**request.query_params, "after": page.after}
    following = {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'} if page.more else {}
    return applications.written(shapes.lines(page.lines), headers=following)


def _told(home: App, pipeline_id: UUID, run_uid: str) -> Response:
    pipeline = catalogue.row(home, str(pipeline_id))
    return applications.written(shapes.run(pipeline_runs.shown(home, pipeline, run_uid)))
