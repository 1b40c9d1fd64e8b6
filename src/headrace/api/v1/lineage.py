"""Lineage: where the columns that a pipeline's steps write come from."""

from starlette.responses import Response

from headrace.api.v1 import answers, here
from headrace.api.v1.here import Home
from headrace.operations import lineages, projects

router = here.routes("lineage")

AT = "/projects/{project}/pipelines/{pipeline}"


@router.get(f"{AT}/lineage", summary="Which columns come from which", responses=answers.tells("Lineage"))
def show(home: Home, project: str, pipeline: str) -> Response:
    """As of a version, of the pipeline as it is written now, whether it was ever run or not."""
    return answers.written(lineages.written(home, projects.named(home, project).path, pipeline))


@router.get(
    f"{AT}/versions/{{version}}/lineage",
    summary="Which columns came from which",
    responses=answers.tells("Lineage"),
)
def show_version(home: Home, project: str, pipeline: str, version: str) -> Response:
    """Of each step of SQL in that version: the datasets it reads and writes, and what the columns it writes are made of."""
    return answers.written(lineages.of_version(home, projects.named(home, project), pipeline, version))
