"""The audit: who did what."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.model.access import Role
from headrace.model.audit import Outcome
from headrace.operations import audit, documents
from headrace.store.audit import Asked

router = here.routes("audit")


class Filters(BaseModel):
    """Which deeds: all that is given."""

    model_config = ConfigDict(extra="forbid")

    who: given.Name | None = Field(None, description="The name of a user or token.")
    noun: given.Name | None = Field(None, examples=["runs"])
    deed: given.Name | None = Field(None, examples=["runs.cancel"])
    object: given.Name | None = None
    run_id: given.Id | None = None
    project: given.Name | None = None
    outcome: Outcome | None = None
    via: given.Name | None = Field(None, examples=["v1"])
    since: given.Moment | None = None
    until: given.Moment | None = None
    limit: int = Field(100, ge=1, le=given.MOST, description="At most so many.")
    cursor: given.Cursor = None

    @property
    def asked(self) -> Asked:
        return Asked(**self.model_dump(exclude={"limit", "cursor"}))


@router.get("/audit", summary="Who did what", responses=answers.tells("Entries"))
@gate.needs(Role.ADMIN)
def list_all(home: Home, request: Request, filters: Annotated[Filters, Query()]) -> Response:
    """The newest first: what changed something, and what was refused to who asked. A deed is here a moment after it was done."""
    found = audit.listed(home, filters.asked, filters.limit, given.beyond(filters.cursor))
    following = answers.following([each.id for each in found], filters.limit)
    return answers.page(request, "audit", [documents.entry(each) for each in found], following)
