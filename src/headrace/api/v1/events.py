"""Events: what is posted, and whatever else has happened that triggers may begin runs for."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.model.access import Role
from headrace.operations import documents, occurrences

router = here.routes("events")


@router.post("/events", status_code=202, summary="Post an event", responses=answers.tells("Posted", 202))
@gate.needs(Role.EDITOR)
def post(home: Home, payload: dict[str, Any], key: given.Key = None) -> Response:
    """It is kept once this is answered, and an engine begins the runs of the triggers that ask for it.

    The body is the event, any object. Posted again with the same `Idempotency-Key` it is the same event.
    """
    return answers.written({"uid": occurrences.post(home, payload, key=key)}, 202)


@router.get("/events", summary="What has happened", responses=answers.tells("Occurrences"))
def list_all(home: Home, request: Request, limit: given.Limit = 20, cursor: given.Cursor = None) -> Response:
    """Events that were posted, files that came, runs that others wait for; the newest first."""
    found = occurrences.latest(home, limit, before=given.beyond(cursor))
    following = answers.following([each.id for each in found], limit)
    return answers.page(request, "events", [documents.occurrence(each) for each in found], following)
