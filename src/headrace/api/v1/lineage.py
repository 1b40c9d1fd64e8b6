"""Lineage: where the columns that a pipeline's steps write come from."""

from starlette.responses import Response

from headrace.api.v1 import answers, here
from headrace.api.v1.here import Home
from headrace.operations import lineages, projects

router = here.routes("lineage")


@router.get(
    "/projects/{project}/pipelines/{pipeline}/versions/{version}/lineage",
    summary="Which columns come from which",
    responses=answers.tells("Lineage"),
)
def show(home: Home, project: str, pipeline: str, version: str) -> Response:
    """Of each step of SQL in that version: the datasets it reads and writes, and what the columns it writes are made of."""
    return answers.written(lineages.of_version(home, projects.named(home, project), pipeline, version))
