"""Pipelines: what a project's folder says, and what runs have had of it."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from headrace.api.v1 import answers, given, here, schemas
from headrace.api.v1.here import Home
from headrace.operations import documents, pipelines, projects, versions

router = here.routes("pipelines")

AT = "/projects/{project}/pipelines"
Hash = Annotated[str | None, Query(max_length=64, description="Of a version; without it, the code as it is now.")]


@router.get(AT, summary="The pipelines of a project", responses={200: {"model": schemas.Pipelines}})
def list_all(home: Home, project: str) -> Response:
    """As they are written now, by name. One that is broken hides no other: it says what is wrong with it."""
    found = pipelines.listed_in(home, projects.named(home, project).path)
    return answers.written({"pipelines": [documents.found(each) for each in found]})


@router.get(f"{AT}/{{pipeline}}", summary="A pipeline and its blocks", responses={200: {"model": schemas.Pipeline}})
def show(home: Home, project: str, pipeline: str) -> Response:
    """As it is written now. Its edges are what each block names as upstream."""
    found = pipelines.shown_in(home, projects.named(home, project).path, pipeline)
    return answers.written(documents.pipeline(found.read, found.refused))


@router.get(
    f"{AT}/{{pipeline}}/blocks/{{block:path}}/code",
    summary="The code of a block",
    responses={200: {"model": schemas.Code}},
)
def code(home: Home, project: str, pipeline: str, block: str, version: Hash = None) -> Response:
    """As it is written now, or as runs of a version have had it."""
    return answers.written(versions.code(home, projects.named(home, project), pipeline, block, version))


@router.get(f"{AT}/{{pipeline}}/versions", summary="What runs have had", responses={200: {"model": schemas.Versions}})
def list_versions(
    home: Home,
    request: Request,
    project: str,
    pipeline: str,
    limit: given.Limit = 20,
    cursor: given.Cursor = None,
) -> Response:
    """The newest first."""
    found = versions.listed(home, projects.named(home, project), pipeline, limit, given.beyond(cursor))
    following = answers.following([each.id for each in found], limit)
    return answers.page(request, "versions", [documents.version(each) for each in found], following)


@router.get(
    f"{AT}/{{pipeline}}/versions/{{version}}",
    summary="A pipeline as it was",
    responses={200: {"model": schemas.ShownVersion}},
)
def show_version(home: Home, project: str, pipeline: str, version: str) -> Response:
    found, then = versions.get(home, projects.named(home, project), pipeline, version)
    return answers.written({**documents.version(found), "pipeline": documents.pipeline(then, None)})
