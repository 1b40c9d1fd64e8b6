"""Problems: every error of this dialect is a document of RFC 9457, with a type of its own and the facts of the error."""

import re
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from headrace import errors

MEDIA = "application/problem+json"
TYPE = "urn:headrace:problem:"

_STATUSES: dict[type[errors.HeadraceError], int] = {
    errors.NotLetIn: 401,
    errors.NotAllowed: 403,
    errors.RunNotFound: 404,
    errors.TriggerNotFound: 404,
    errors.BackfillNotFound: 404,
    errors.TokenNotFound: 404,
    errors.ProjectNotFound: 404,
    errors.PipelineNotFound: 404,
    errors.BlockNotFound: 404,
    errors.NoSuchAttempt: 404,
    errors.OutputNotFound: 404,
    errors.KeyReused: 409,
    errors.RunFinal: 409,
    errors.RetryRefused: 409,
    errors.RunNotResumable: 409,
    errors.TriggerExists: 409,
    errors.TriggerChanged: 409,
    errors.BackfillRefused: 409,
    errors.PlanChanged: 409,
    errors.BodyTooLarge: 413,
    errors.StoreUnavailable: 503,
    errors.BadInput: 422,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


def install(api: FastAPI) -> None:
    """Errors of that application become problems."""
    api.add_exception_handler(errors.HeadraceError, _of_ours)
    api.add_exception_handler(RequestValidationError, _of_validation)
    api.add_exception_handler(HTTPException, _of_http)


def problem(status: int, kind: str, title: str, detail: str, **facts: Any) -> Response:
    """The document. `facts` are what a program may want to know of it."""
    document = {"type": f"{TYPE}{kind}", "title": title, "status": status, "detail": detail, **facts}
    return Response(msgspec.json.encode(document, enc_hook=str), status, _HEADERS.get(status), MEDIA)


async def _of_ours(_: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 500)
    facts = {"field": error.facts["field"]} if isinstance(error, errors.HeadraceError) and "field" in error.facts else {}
    detail = str(error) if status != 500 else "headrace has failed to do this; its log says more"
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return problem(status, name.replace(" ", "-"), name.capitalize(), detail, **facts)


async def _of_validation(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [{"field": _field(each["loc"]), "why": each["msg"]} for each in found]
    detail = "; ".join(f"{each['field']}: {each['why']}" for each in wrong[:5])
    return problem(422, "bad-input", "Bad input", detail, errors=wrong)


async def _of_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = str(error.detail) if isinstance(error, HTTPException) else ""
    answer = problem(status, said.lower().replace(" ", "-"), said, said)
    for name, value in ((error.headers or {}) if isinstance(error, HTTPException) else {}).items():
        answer.headers[name] = value
    return answer


def _field(place: Any) -> str:
    """body.variables.x, query.limit"""
    return ".".join(str(step) for step in place)
