"""Errors, in the four styles that Maestro has for them; each route says which is its own.

* *detail*: `{"detail": text}`
* *runs*: `{"msg": text, "error": the cause}`
* *deeds*: `{"detail": {"status": false, "exception_type", "traceback", "data": null}}`
* *memory*: `{"message": text, "statusCode": number}`

Who is not known is told so in one way everywhere: 401, `{"msg": "Unauthorized"}`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from headrace import errors
from headrace.api import applications, defects, statuses

Route = TypeVar("Route", bound=Callable[..., Any])

RETRIEVING = "There was an error retrieving the pipeline_run."
UNREACHED = "Database connection error"  # whatever the database said: its words may have more in them
_MISSING = (errors.NoSuchRecord, errors.JobNotFound, errors.RunNotFound)


class Unauthorized(TypedDict):
    msg: str


class Detail(TypedDict):
    detail: str


class Msg(TypedDict):
    msg: str
    error: str


class Exceptional(TypedDict):
    status: bool
    exception_type: str
    traceback: str
    data: None


class Deed(TypedDict):
    detail: Exceptional | str


class Message(TypedDict):
    message: str
    statusCode: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong: a word for programs, and a sentence for people."""

    status: int
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Style:
    """How a route tells errors; `missing` is what it says of an id that there is not."""

    body: Callable[[Fault], Mapping[str, Any]]
    model: Any
    missing: str = "pipeline_id {id} not found"
    whole: str = "the body"  # what lacks where nothing was given

    @property
    def declared(self) -> dict[int | str, dict[str, Any]]:
        """For the description of a route."""
        return {401: {"model": Unauthorized}, "4XX": {"model": self.model}, "5XX": {"model": self.model}}


def _detail(fault: Fault) -> Mapping[str, Any]:
    return {"detail": fault.why}


def _runs(fault: Fault) -> Mapping[str, Any]:
    return {"msg": RETRIEVING, "error": fault.why}


def _deeds(fault: Fault) -> Mapping[str, Any]:
    if fault.kind == "BadField":
        return {"detail": fault.why}
    told = {"status": False, "exception_type": fault.kind, "traceback": fault.why, "data": None}
    return {"detail": told}


def _memory(fault: Fault) -> Mapping[str, Any]:
    return {"message": fault.why, "statusCode": fault.status}


DETAIL = Style(_detail, Detail)
GONE = Style(_detail, Detail, "pipeline_id {id} not found!!")
JOBS = Style(_detail, Detail, "job_id {id} not found")
RUNS = Style(_runs, Msg)
RUNS_BY_ID = Style(_runs, Msg, "pipeline_run_id {id} not found")
DEEDS = Style(_deeds, Deed, whole="pipeline_id")
MEMORY = Style(_memory, Message)
MEMORY_OF_JOB = Style(_memory, Message, "job_id {id} not found")


def told(style: Style) -> Callable[[Route], Route]:
    """The route tells errors so."""

    def note(function: Route) -> Route:
        cast("Any", function).told = style
        return function

    return note


def tell(application: Starlette) -> None:
    """The application answers every error in the style of its route."""
    application.add_exception_handler(errors.HeadraceError, _of_headrace)
    application.add_exception_handler(RequestValidationError, _of_fields)
    application.add_exception_handler(HTTPException, _of_http)
    application.add_exception_handler(Exception, _of_defect)


async def _of_headrace(request: Request, error: Exception) -> Response:
    found, style = cast("errors.HeadraceError", error), _style(request)
    if isinstance(found, errors.NotAuthenticated):
        return applications.written({"msg": "Unauthorized"}, 401, statuses.headers(found))
    return applications.written(style.body(_fault(style, found)), _status(found), statuses.headers(found))


def _fault(style: Style, error: errors.HeadraceError) -> Fault:
    if isinstance(error, _MISSING):
        id = next((error.facts[name] for name in ("id", "job", "run") if name in error.facts), "")
        kind = "PipelineNotFound" if isinstance(error, errors.NoSuchRecord) else type(error).__name__
        return Fault(404, kind, style.missing.format(id=str(id).replace("-", "_")))
    why = UNREACHED if isinstance(error, errors.StoreUnavailable) else str(error)
    return Fault(_status(error), type(error).__name__, why)


def _status(error: errors.HeadraceError) -> int:
    """What a client has asked in a wrong way is 400, as is what stands against what it has asked."""
    if isinstance(error, errors.StoreUnavailable):
        return 500
    status = statuses.of(error, wrong=400)
    return 400 if status == 409 else status


async def _of_fields(request: Request, error: Exception) -> Response:
    """The first field that is not as it is to be."""
    first: Mapping[str, Any] = cast("RequestValidationError", error).errors()[0]
    place = ".".join(str(each) for each in first["loc"][1:]) or _style(request).whole
    missing = first["type"] in ("missing", "string_too_short") or first.get("input", ...) is None
    why = f"{place} is required" if missing else f"{place}: {first['msg']}"
    plain = why.encode("utf-8", "replace").decode()
    return applications.written(_style(request).body(Fault(400, "BadField", plain)), 400)


async def _of_http(_: Request, error: Exception) -> Response:
    plain = cast("HTTPException", error)
    return applications.written({"detail": str(plain.detail)}, plain.status_code, plain.headers)


async def _of_defect(request: Request, error: Exception) -> Response:
    why = defects.noted(request, error)
    return applications.written(_style(request).body(Fault(500, "InternalError", why)), 500)


def _style(request: Request) -> Style:
    return getattr(getattr(request.scope.get("route"), "endpoint", None), "told", DETAIL)
