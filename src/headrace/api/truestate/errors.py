"""Errors as FastAPI tells them: `{"detail": text}`, and for what was sent in a wrong way, with 422, a list of what and where."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from headrace import errors
from headrace.api import applications, auditing, defects, statuses
from headrace.api.truestate import given

LONGEST = 200  # steps of a place, and characters of each, in an answer
MOST = 100  # faults that are told at once: a body may have as many as it has fields

_ABOUT: Mapping[type[errors.HeadraceError], str] = {  # which field errors are about that do not say so
    errors.BadName: "name",
    errors.BadDatasetName: "dataset_name",
}
_ROWS: Mapping[str, str] = {"rows": "data", "types": "data_schema", "identifier": "row_unique_identifier"}
_ENTRY: Mapping[str, str] = {"code": "config.query", "name": "name", "uuid": "name"}  # of a block, and of a job


class Told(TypedDict):
    """What is wrong, in a sentence."""

    detail: str


class Fault(TypedDict):
    """What is wrong with one field: where it lies, from `body`, `query` or `path` on, and a word for programs."""

    loc: list[str | int]
    msg: str
    type: str


class Faults(TypedDict):
    detail: list[Fault]


DECLARED: dict[int | str, dict[str, Any]] = {422: {"model": Faults}, "4XX": {"model": Told}, "5XX": {"model": Told}}


def tell(application: Starlette) -> None:
    """The application answers every error so."""
    application.add_exception_handler(errors.HeadraceError, _of_headrace)
    application.add_exception_handler(RequestValidationError, _of_fields)
    application.add_exception_handler(HTTPException, _of_http)
    application.add_exception_handler(Exception, _of_defect)


async def _of_headrace(request: Request, error: Exception) -> Response:
    told = cast("errors.HeadraceError", error)
    status = 422 if isinstance(told, errors.BadBody) else statuses.of(told)
    fault: Fault = {"loc": _kept(_place(request, told)), "msg": _message(told), "type": auditing.kind(type(told))}
    detail = [fault] if status == 422 else _said(told)
    return applications.written({"detail": detail}, status, statuses.headers(told))


def _said(error: errors.HeadraceError) -> str:
    return "Dataset not found" if isinstance(error, errors.DatasetNotFound) else str(error)


def _message(error: errors.HeadraceError) -> str:
    """In the words of what was sent."""
    match error:
        case errors.BadBlock() if "." in error.facts["field"]:
            where = _of_entry(error.facts["field"]).removeprefix("config.")
            return str(errors.BadBlock(block=error.facts["block"], why=f"{where}: {error.facts['said']}"))
        case errors.BadRows():
            return str(errors.BadRows(**{**error.facts, "field": _of_rows(error)}))
        case _:
            return str(error)


def _place(request: Request, error: errors.HeadraceError) -> list[str | int]:
    """Where in the request it lies what is wrong."""
    match error:
        case errors.BadBody():
            return ["body", *error.facts.get("place", ())]
        case errors.BadBlock():
            return [*_jobs(request), error.facts["number"], *_steps(_of_entry(error.facts["field"]))]
        case errors.BadPipeline() | errors.BlockExists() | errors.Unsupported():
            return _jobs(request)
        case errors.BadRows():
            return ["body", *_place_of_rows(_of_rows(error))]
        case errors.BadStretch():
            return ["body", f"{error.facts['side']}_job_name"]
        case _:
            field = _ABOUT.get(type(error)) or error.facts.get("field")
            return ["query" if request.method == "GET" else "body", *([] if field is None else [str(field)])]


def _of_entry(field: str) -> str:
    """Where it is said of a job what stands in that field of a block."""
    if field in _ENTRY:
        return _ENTRY[field]
    return f"config.{field.partition('.')[2]}".rstrip(".")


def _of_rows(error: errors.BadRows) -> str:
    """Where it is said of rows what is wrong with them: `rows[3].id` was sent as `data[3].id`."""
    field = str(error.facts["field"])
    return next(field.replace(own, sent, 1) for own, sent in _ROWS.items() if field.startswith(own))


def _place_of_rows(field: str) -> list[str | int]:
    """`data[3].id` has three steps; whatever follows the dot is the name of a column."""
    whole, _, column = field.partition(".")
    return [*_steps(whole), *([column] if column else [])]


def _steps(field: str) -> list[str | int]:
    """`config.output_datasets[0]` has three."""
    return [int(number) if number else name for number, name in _STEP.findall(field)]


_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def note_steps(request: Request, *place: str) -> None:
    """Says where in the body the steps of a pipeline lie, for what is told of them."""
    request.state.steps = place


def _jobs(request: Request) -> list[str | int]:
    return ["body", *request.state.steps]


async def _of_fields(_: Request, error: Exception) -> Response:
    """Nothing of what was sent is repeated but for what FastAPI's words do."""
    return applications.written({"detail": _faults(cast("RequestValidationError", error).errors()[:MOST])}, 422)


def _faults(found: Sequence[Mapping[str, Any]]) -> list[Fault]:
    return [{"loc": _kept(each["loc"]), "msg": _plain(each["msg"]), "type": str(each["type"])} for each in found]


def _kept(place: Sequence[str | int]) -> list[str | int]:
    sent = [step for step in place[:LONGEST] if step not in given.FORMS]
    return [step if isinstance(step, int) else _plain(step)[:LONGEST] for step in sent]


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


async def _of_http(_: Request, error: Exception) -> Response:
    plain = cast("HTTPException", error)
    return applications.written({"detail": str(plain.detail)}, plain.status_code, plain.headers)


async def _of_defect(request: Request, error: Exception) -> Response:
    return applications.written({"detail": defects.noted(request, error)}, 500)
