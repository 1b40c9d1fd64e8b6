"""Pipelines: lists of steps, of which each change makes a version."""

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import applications, auditing, gate
from headrace.api.applications import Home
from headrace.api.truestate import earlier, errors, given, shapes
from headrace.api.truestate.given import Limit, Offset, PipelineId
from headrace.model.access import Role
from headrace.operations import authoring, catalogue, steps
from headrace.operations.authoring import NewPipeline

router = applications.routes("pipelines")

AT = "/pipelines/{pipeline_id}/"
ONE: dict[int | str, dict[str, Any]] = {200: {"model": shapes.Pipeline}}
VERSION: dict[int | str, dict[str, Any]] = {200: {"model": shapes.PipelineVersion}}


@router.get("/pipelines/", responses={200: {"model": list[shapes.Pipeline]}})
def list_all(
    home: Home,
    request: Request,
    name: Annotated[str | None, Query(description="Only what is called so.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """The pipelines that there are, the first one first: those that came by an API, and of folders what has been run."""
    found = catalogue.listed(home, limit, offset, name)
    return applications.written([earlier.pipeline(request, shapes.pipeline(each)) for each in found])


@router.post("/pipelines/", responses=ONE)
@gate.needs(Role.EDITOR)
def create(home: Home, request: Request, new: given.NewPipeline) -> Response:
    """Make a pipeline, with its first version. 409 where another has its name."""
    errors.note_steps(request, *new.place)
    wanted = NewPipeline(name=new.name, description=new.description or "", blocks=new.pipeline_config.blocks)
    made = authoring.create(home, wanted).row
    auditing.touch(request, "pipelines", made.uid)
    return _told(home, request, made.uid)


@router.get(AT, responses=ONE)
def show(home: Home, request: Request, pipeline_id: PipelineId) -> Response:
    """One pipeline, with its newest versions."""
    return _told(home, request, str(pipeline_id))


@router.patch(AT, responses=ONE)
@gate.needs(Role.EDITOR)
def describe(home: Home, request: Request, pipeline_id: PipelineId, said: given.Description) -> Response:
    """Call or describe a pipeline otherwise."""
    found = catalogue.get(home, str(pipeline_id)).row
    authoring.describe(home, found.id, name=said.name, description=said.description)
    return _told(home, request, found.uid)


@router.delete(AT, responses=ONE)
@gate.needs(Role.EDITOR)
def delete(home: Home, request: Request, pipeline_id: PipelineId) -> Response:
    """Delete a pipeline; the answer is what it was. Its runs stay."""
    found = catalogue.get(home, str(pipeline_id))
    authoring.delete(home, found.row.id)
    return applications.written(earlier.pipeline(request, shapes.pipeline(found)))


@router.get(f"{AT}versions/", responses={200: {"model": list[shapes.PipelineVersion]}})
def versions(home: Home, request: Request, pipeline_id: PipelineId, limit: Limit = 100, offset: Offset = 0) -> Response:
    """The versions of a pipeline, the newest first."""
    found = home.store.pipelines.versions(catalogue.row(home, str(pipeline_id)).id, limit, offset)
    return applications.written([earlier.version(request, shapes.version(each)) for each in found])


@router.post(f"{AT}versions/", responses=VERSION)
@gate.needs(Role.EDITOR)
def revise(home: Home, request: Request, pipeline_id: PipelineId, new: given.Jobs) -> Response:
    """Give a pipeline other steps. Where they are the ones it has, its version stays what it is. 409 where it has other blocks."""
    errors.note_steps(request, "jobs")
    revised = steps.revise(home, str(pipeline_id), new.blocks).version
    return applications.written(earlier.version(request, shapes.version(revised)))


def _told(home: Home, request: Request, uid: str) -> Response:
    return applications.written(earlier.pipeline(request, shapes.pipeline(catalogue.get(home, uid))))
