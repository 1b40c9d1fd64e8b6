"""Projects: the folders of pipelines that are known here."""

from pathlib import Path
from typing import Any

from pydantic import Field
from starlette.responses import Response

from headrace import errors
from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import documents, projects
from headrace.store.projects import ProjectRow

router = here.routes("projects")


class NewProject(given.Body):
    """A folder on the server's machine."""

    path: given.Text = Field(min_length=1, max_length=4096, description="Absolute.", examples=["/srv/mill"])


@router.get("/projects", summary="All projects", responses=answers.tells("Projects"))
def list_all(home: Home) -> Response:
    """Those that were ever seen, the first one first."""
    return answers.written({"projects": [_document(row) for row in home.store.projects.all()]})


@router.get("/projects/{project}", summary="A project", responses=answers.tells("Project"))
def show(home: Home, project: str) -> Response:
    return answers.written(_document(projects.named(home, project)))


@router.post("/projects", status_code=201, summary="Make a project known", responses=answers.tells("Project", 201))
@gate.needs(Role.ADMIN)
def register(home: Home, new: NewProject) -> Response:
    """The folder's pipelines can be run, and its triggers.yaml files are looked after. One that is known stays so."""
    row = _registered(home, Path(new.path))
    return answers.written(_document(row), 201, {"Location": f"/v1/projects/{row.name}"})


def _registered(home: App, folder: Path) -> ProjectRow:
    if not folder.is_absolute():
        raise errors.BadField(field="path", given=str(folder), expected="an absolute path")
    try:
        return projects.register(home, folder)
    except errors.BadInput as error:
        error.facts["field"] = "path"
        raise


def _document(row: ProjectRow) -> dict[str, Any]:
    return documents.placed(row, projects.fault(row))
