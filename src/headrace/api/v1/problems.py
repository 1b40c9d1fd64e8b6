"""Errors as problem documents (RFC 9457): `kind` is a word for programs, `detail` a sentence for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from headrace import errors
from headrace.api import auditing, defects, statuses

MEDIA = "application/problem+json"
LONGEST = 200  # characters of what was given, in an answer

_FIELDS = ("field", "name")
_ABOUT: dict[type[errors.HeadraceError], str] = {  # which field of a request errors are about that do not say so
    errors.ProjectUnknown: "project",
    errors.PipelineNotFound: "pipeline",
    errors.BadPipeline: "pipeline",
    errors.Unsupported: "pipeline",
    errors.BlockNotFound: "block",
    errors.BadBlock: "steps",
    errors.OutputNotFound: "name",
    errors.OutputTooLarge: "limit",
    errors.NoArrowForm: "Accept",
    errors.SecretNotFound: "name",
    errors.TriggerExists: "name",
    errors.AmbiguousTrigger: "named",
    errors.KeyReused: "Idempotency-Key",
    errors.BadCursor: "cursor",
    errors.PlanChanged: "plan",
    errors.DatasetNotFound: "name",
    errors.DatasetNotLost: "name",
    errors.BadDatasetName: "name",
    errors.DatasetVersionNotFound: "version",
}
_CALLED = {
    "start_datetime": "start_time",
    "end_datetime": "end_time",
    "lifetime": "days",
}  # what has another name here than in operations
_FILTERS = {"trigger": "trigger_id", "backfill": "backfill_id", "variables": "variable", "tags": "tag"}


DECLARED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "What was asked cannot be done as it was asked; nothing was done.",
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    "5XX": {
        "description": "The server could not do it.",
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


class Problem:
    """What is told of an error."""

    def __init__(self, status: int, kind: str, detail: str, faults: Sequence[Mapping[str, Any]] = ()) -> None:
        self.status = status
        self.body: dict[str, Any] = {
            "type": f"urn:headrace:{kind.replace('_', '-')}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "kind": kind,
            "errors": list(faults),
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        return Response(msgspec.json.encode(self.body), self.status, dict(headers or {}), MEDIA)


def tell(application: Starlette) -> None:
    """The application answers every error so."""
    application.add_exception_handler(errors.HeadraceError, _of_headrace)
    application.add_exception_handler(RequestValidationError, _of_fields)
    application.add_exception_handler(HTTPException, _of_http)
    application.add_exception_handler(Exception, _of_defect)


def of(error: errors.HeadraceError) -> Problem:
    """What is told of an error raised on purpose."""
    status, facts = statuses.of(error), error.facts
    field = facts.get("parameter") or _ABOUT.get(type(error)) or _first(facts)
    faults = [{"field": _called(error, str(field)), "detail": str(error)}] if field and status < 500 else []
    return Problem(status, auditing.kind(type(error)), str(error), faults)


def refusal(error: errors.HeadraceError) -> Response:
    """The answer to a request that has ended in an error raised on purpose."""
    return of(error).response(statuses.headers(error))


def _first(facts: Mapping[str, Any]) -> Any:
    return next((facts[name] for name in _FIELDS if name in facts), None)


def _called(error: errors.HeadraceError, field: str) -> str:
    """By the name that it has in requests."""
    if isinstance(error, errors.BadFilter):
        noun, dot, name = field.partition(".")
        return f"{_FILTERS.get(noun, noun)}{dot}{name}"
    return _CALLED.get(field, field)


async def _of_headrace(_: Request, error: Exception) -> Response:
    return refusal(cast("errors.HeadraceError", error))


async def _of_fields(request: Request, error: Exception) -> Response:
    """What was given is repeated, unless the route is about secrets."""
    faults = [_fault(each) for each in cast("RequestValidationError", error).errors()]
    if "secrets" in getattr(request.scope.get("route"), "tags", ()):
        faults = [{**each, "given": None} for each in faults]
    places = ", ".join(dict.fromkeys(str(each["field"]) for each in faults))
    return Problem(422, "bad_request", f"What was sent is not as it is to be: {places}.", faults).response()


async def _of_http(request: Request, error: Exception) -> Response:
    plain = cast("HTTPException", error)
    kind = HTTPStatus(plain.status_code).name.lower()
    allowed = {"Allow": ", ".join(_methods(request))} if plain.status_code == HTTPStatus.METHOD_NOT_ALLOWED else {}
    return Problem(plain.status_code, kind, str(plain.detail)).response({**(plain.headers or {}), **allowed})


def _methods(request: Request) -> list[str]:
    """What can be asked under the path of the request, whichever route answers it."""
    routes: Sequence[BaseRoute] = getattr(request.app.state, "described", ())
    those = [
        route for route in routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    return sorted({method for route in those for method in route.methods or ()})


async def _of_defect(request: Request, error: Exception) -> Response:
    return Problem(500, "internal", defects.noted(request, error)).response()


def _fault(error: Mapping[str, Any]) -> dict[str, Any]:
    """One field that is not as it is to be: its place, what was given, and what was expected."""
    place = [str(each)[:LONGEST] for each in error["loc"]]
    given = error.get("input")
    told = None if isinstance(given, Mapping | list) else str(given)[:LONGEST].encode("utf-8", "replace").decode()
    return {
        "field": ".".join(place[1:]) or place[0],
        "in": place[0],
        "detail": str(error["msg"]).encode("utf-8", "replace").decode(),
        "given": told,
    }
