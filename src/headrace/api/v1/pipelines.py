"""Pipelines: what a project's folder says, and what runs have had of it."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.model.access import Role
from headrace.operations import applying, definitions, documents, pipelines, projects, versions

router = here.routes("pipelines")

AT = "/projects/{project}/pipelines"
Hash = Annotated[str | None, Query(max_length=64, description="Of a version; without it, the code as it is now.")]


@router.get(AT, summary="The pipelines of a project", responses=answers.tells("Pipelines"))
def list_all(home: Home, project: str) -> Response:
    """As they are written now, by name. One that is broken hides no other: it says what is wrong with it."""
    found = pipelines.listed_in(home, projects.named(home, project).path)
    return answers.written({"pipelines": [documents.found(each) for each in found]})


class DescribedDataset(given.Body):
    """A dataset with a word on it."""

    name: given.Name
    description: str | None = None


class Step(given.Body):
    """A query whose result becomes a version of a dataset."""

    name: given.Name = Field(examples=["clean_orders"])
    query: given.Text = Field(description="One SELECT.", examples=["select * from orders where amount > 0"])
    output_datasets: list[given.Name | DescribedDataset] = Field(min_length=1, max_length=1)
    input_datasets: list[given.Name | DescribedDataset] | None = Field(
        None, max_length=given.MOST, description="What the query reads; left out, that is read from the query."
    )
    write_mode: Literal["replace", "append", "upsert"] | None = None
    row_unique_identifier: given.Name | list[given.Name] | None = Field(
        None, description="The column, or columns, that upserts go by."
    )
    memory_limit: Annotated[int, given.WHOLE] | given.Name | None = Field(
        None, description="Bytes, or such as 512MB.", examples=["512MB"]
    )


class Definition(given.Body):
    """What a pipeline is to be."""

    steps: list[Step] = Field(max_length=given.MOST)
    description: given.Text = ""
    tags: list[given.Name] = Field([], max_length=given.MOST)


Dry = Annotated[bool, Query(description="Only say what would be done.")]


@router.put(f"{AT}/{{pipeline}}", summary="Have a pipeline be as it is defined", responses=answers.tells("Applied"))
@gate.needs(Role.EDITOR)
def apply(home: Home, project: str, pipeline: str, said: Definition, dry_run: Dry = False) -> Response:
    """It is made or changed if it is not so already. Of the project `authored` alone: others are written in their folders."""
    definitions.refuse_elsewhere(home, project, pipeline)
    new = definitions.new({"name": pipeline, **said.model_dump(exclude_none=True)})
    return answers.written(documents.applied(applying.apply(home, new, dry=dry_run)))


@router.get(f"{AT}/{{pipeline}}", summary="A pipeline and its blocks", responses=answers.tells("Pipeline"))
def show(home: Home, project: str, pipeline: str) -> Response:
    """As it is written now. Its edges are what each block names as upstream."""
    found = pipelines.shown_in(home, projects.named(home, project).path, pipeline)
    return answers.written(documents.pipeline(found.read, found.refused))


@router.get(
    f"{AT}/{{pipeline}}/blocks/{{block:path}}/code",
    summary="The code of a block",
    responses=answers.tells("Code"),
)
def code(home: Home, project: str, pipeline: str, block: str, version: Hash = None) -> Response:
    """As it is written now, or as runs of a version have had it."""
    return answers.written(versions.code(home, projects.named(home, project), pipeline, block, version))


@router.get(f"{AT}/{{pipeline}}/versions", summary="What runs have had", responses=answers.tells("Versions"))
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
    responses=answers.tells("ShownVersion"),
)
def show_version(home: Home, project: str, pipeline: str, version: str) -> Response:
    found, then = versions.get(home, projects.named(home, project), pipeline, version)
    return answers.written({**documents.version(found), "pipeline": documents.pipeline(then, None)})
