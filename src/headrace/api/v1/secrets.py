"""Secrets: set, listed and deleted. What a secret says goes in here, and nothing of it comes out."""

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import documents, projects, secrets
from headrace.store.projects import ProjectRow

router = here.routes("secrets")

Scope = Annotated[str | None, Query(description="A project's name; without it, the secret is there for all projects.")]


class NewSecret(given.Body):
    """What the secret says from now on."""

    value: given.Text = Field(min_length=1, max_length=secrets.LARGEST, examples=["correct horse"])


@router.get("/secrets", summary="All secrets, without what they say", responses=answers.tells("Secrets"))
@gate.needs(Role.ADMIN)
def list_all(home: Home, project: Scope = None) -> Response:
    """With a project, its own alone."""
    found = secrets.listed(home, _scope(home, project))
    return answers.written({"secrets": [documents.secret(each) for each in found]})


@router.put("/secrets/{name}", status_code=204, summary="Set a secret", response_class=Response)
@gate.needs(Role.ADMIN)
def put(home: Home, name: str, new: NewSecret, project: Scope = None) -> Response:
    """Attempts that begin from now on read it so."""
    secrets.set(home, name, new.value, _scope(home, project))
    return Response(status_code=204)


@router.delete("/secrets/{name}", status_code=204, summary="Delete a secret", response_class=Response)
@gate.needs(Role.ADMIN)
def delete(home: Home, name: str, project: Scope = None) -> Response:
    secrets.delete(home, name, _scope(home, project))
    return Response(status_code=204)


def _scope(home: App, project: str | None) -> ProjectRow | None:
    return None if project is None else projects.named(home, project)
