"""Errors, as Mage tells them: in an object of one of five families, and by HTTP as 200, which its clients count on.

* *declared*: `error.code`, `message` and `type`;
* *unknown*: who calls is not known. By HTTP it is 401 in any case;
* *failed*: any other; `code` is 500, with `exception`, `message` and the parts of the path. Mage tells what its own code
  was doing then; here `errors` is empty, and `message` says what is wrong;
* *invalid*: a record that lacks something; `code` is 200;
* *traversal*: plain text, and 400.

With `_http_error_codes=1`, or the setting `mage_http_error_codes`, HTTP has the true status of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import defects, statuses
from headrace.api.mage import entrance, envelopes, traversal
from headrace.api.mage.queries import Query

Kinds = tuple[type[errors.HeadraceError], ...]

_DECLARED: tuple[tuple[Kinds, int, str], ...] = (
    ((errors.NotAllowed,), 403, "unauthorized_access"),
    (
        (
            errors.RunNotFound,
            errors.TriggerNotFound,
            errors.BackfillNotFound,
            errors.UserNotFound,
            errors.SecretNotFound,
            errors.TokenNotFound,
            errors.NoSuchRecord,
            errors.LoginRefused,
        ),
        404,
        "record_not_found",
    ),
    ((errors.TooManyLogins,), 429, "too_many_requests"),
    ((errors.BadRecord, errors.BlockNotFound), 400, "record_invalid"),
)
_SAID: Mapping[type[errors.HeadraceError], str] = {  # by Mage, in words that clients have come to look for
    errors.BadToken: "Invalid token for pipeline schedule ID {trigger}.",
    errors.NotCallable: "This endpoint is only supported for API trigger.",
    errors.PipelineNotFound: "Pipeline {pipeline} does not exist.",
    errors.LoginRefused: "Email/username and/or password invalid.",
    errors.BlockNotFound: "Block {block} does not exist in pipeline {pipeline}.",
    errors.BadSchedule: "Cron expression is invalid.",
    errors.PipelineExists: "A pipeline with UUID {pipeline} already exists.",
}
_PARTS = ("resource", "pk", "child", "child_pk")
_UNKNOWN = {
    "invalid_api_key": "Invalid API key.",
    "expired_oauth_token": "Expired OAuth token.",
    "invalid_oauth_token": "Invalid OAuth token.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an error: the status that is true, and the body."""

    status: int
    body: Mapping[str, Any]


def tell(application: Starlette) -> None:
    """The application answers so what no route answers."""
    application.add_exception_handler(HTTPException, _of_http)
    application.add_exception_handler(Exception, of)


async def of(request: Request, error: Exception) -> Response:
    """The answer to a request that has ended in an error."""
    match error:
        case errors.PathTraversal():
            return Response(f"Error: {error}".removesuffix("."), 400, media_type="text/plain")
        case errors.NotAuthenticated():
            return await _of_stranger(request)
        case errors.HeadraceError():
            return _answer(request, _of_headrace(request, error), _headers(error))
        case _:
            return _answer(request, _of_defect(request, error))


def said(error: errors.HeadraceError) -> str:
    """In Mage's words, where it has some."""
    words = _SAID.get(type(error))
    return words.format_map(error.facts) if words else str(error)


def _of_headrace(request: Request, error: errors.HeadraceError) -> Told:
    if isinstance(error, errors.RecordIncomplete):
        return Told(400, _invalid(error))
    for kinds, code, word in _DECLARED:
        if isinstance(error, kinds):
            return declared(code, said(error), word)
    return Told(statuses.of(error, wrong=400), failed(request, said(error)))


def declared(code: int, message: str, word: str) -> Told:
    return Told(code, {"error": {"code": code, "message": message, "type": word}, "status": 200})


def failed(request: Request, why: str) -> dict[str, Any]:
    """`code` is 500 whatever went wrong: so clients know it."""
    error = {"code": 500, "errors": list[str](), "exception": why, "message": why}
    return {"error": error, "url_parameters": _parts(request)}


def _invalid(error: errors.RecordIncomplete) -> dict[str, Any]:
    lacking = {"error": str(error), "metadata": {"key": error.facts["key"], "value": error.facts.get("value")}}
    told = {"code": 200, "message": "Record is invalid.", "type": "record_invalid", "errors": lacking}
    return {"error": told, "status": 200}


async def _of_stranger(request: Request) -> Response:
    """Who shows the client's key alone is told, with 200, that more is needed; all others are turned away with 401."""
    word = await entrance.fault(request)
    if word is None:
        action = getattr(request.state, "operation", "list")
        message = f"Private access for {action} only, invalid scope."
        return _answer(request, declared(403, message, "unauthorized_access"))
    body = declared(401, _UNKNOWN[word], word).body
    return envelopes.written(body, 401, {"WWW-Authenticate": 'Bearer realm="headrace"'})


def _of_defect(request: Request, error: Exception) -> Told:
    return Told(500, failed(request, defects.noted(request, error, _route(request))))


async def _of_http(request: Request, error: Exception) -> Response:
    """A path that nothing answers is told as Mage tells a resource it does not know, to those who may ask."""
    plain = cast("HTTPException", error)
    if plain.status_code == 405:
        return Response(None, 405, dict(plain.headers or {}), envelopes.MEDIA)
    resource = _parts(request).get("resource", "")
    try:
        traversal.refuse(request)
        await entrance.enter(request)
    except errors.HeadraceError as refused:
        return await of(request, refused)
    return await of(request, errors.NoSuchResource(resource=resource))


def _answer(request: Request, told: Told, headers: Mapping[str, str] | None = None) -> Response:
    if not _true_statuses(request):
        status = told.status if told.status == 429 else 200  # no client of Mage has met it
        return envelopes.written(told.body, status, headers)
    body = {**told.body, "status": told.status} if "status" in told.body else told.body
    return envelopes.written(body, told.status, headers)


def _true_statuses(request: Request) -> bool:
    asked = Query(request.query_params.multi_items()).true_statuses
    return asked or request.app.state.home.settings.mage_http_error_codes


def _headers(error: errors.HeadraceError) -> dict[str, str]:
    return {"Retry-After": str(error.facts["seconds"])} if isinstance(error, errors.TooManyLogins) else {}


def _parts(request: Request) -> dict[str, str]:
    """The parts of the path by Mage's names for them, or as the route has told them."""
    told: dict[str, str] | None = getattr(request.state, "url_parameters", None)
    path = unquote(request.scope["path"].removeprefix(request.scope.get("root_path", "")))
    return told or dict(zip(_PARTS, (part for part in path.split("/") if part), strict=False))


def _route(request: Request) -> str:
    """Its path as it was declared: what stands in it may be a token."""
    return getattr(request.scope.get("route"), "path", "a path that nothing answers")
