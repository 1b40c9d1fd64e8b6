"""The description of the dialect, as OpenAPI: what each route takes and gives, with what all of them share."""

import re
from typing import Any, Union

from typing_extensions import TypedDict

from headrace.api.mage.verbs import Verb

TEXT = {"type": "string"}


class Declared(TypedDict):
    """What is wrong, in a word; `code` is the status that is true of it."""

    code: int
    message: str
    type: str


class Error(TypedDict):
    """What is told of an error; by HTTP it is 200, unless the true status is asked for."""

    error: dict[str, Any]


KEY = {"name": "api_key", "in": "query", "schema": TEXT, "description": "The key of Mage's clients."}
TRUE = {
    "name": "_http_error_codes",
    "in": "query",
    "schema": {"type": "string", "enum": ["1"]},
    "description": "Errors have their true status.",
}
FORM = {"name": "_format", "in": "query", "schema": TEXT, "description": "Another presentation, where there is one."}
WHOLE = {"type": "string", "pattern": "^[0-9]{1,18}$"}
PAGE = (
    {"name": "_limit", "in": "query", "schema": WHOLE, "description": "At most so many."},
    {"name": "_offset", "in": "query", "schema": WHOLE, "description": "Without the first so many."},
)


def of(singular: str, plural: str, path: str, verb: Verb) -> dict[str, Any]:
    """What FastAPI is told of a route."""
    return {
        "summary": verb.summary,
        "responses": {
            200: {"model": _answer(singular, plural, verb)},
            "4XX": {"model": Error},
            "5XX": {"model": Error},
        },
        "openapi_extra": _asked(path, verb),
    }


def _answer(singular: str, plural: str, verb: Verb) -> Any:
    listed = verb.operation == "list"
    fields: dict[str, Any] = {plural: list[verb.shape]} if listed else {singular: verb.shape}
    if not verb.whole_body:
        fields["metadata"] = dict[str, Any] if listed else None
    return Union[TypedDict(f"{_name(verb)}Answer", fields), Error]  # noqa: UP007 # pyright: ignore


def _name(verb: Verb) -> str:
    return "".join(part.capitalize() for part in f"{verb.resource}_{verb.operation}".split("_"))


def _asked(path: str, verb: Verb) -> dict[str, Any]:
    within = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in re.findall(r"{(\w+)(?::\w+)?}", path)
    ]
    filters = [{"name": name, "in": "query", "schema": TEXT} for name in verb.query]
    always = [KEY, TRUE, FORM, *(PAGE if verb.operation == "list" else ())]
    asked: dict[str, Any] = {"parameters": [*within, *filters, *always]}
    if verb.operation in ("create", "update"):
        asked["requestBody"] = {
            "content": {"application/json": {"schema": _body(verb)}},
            "required": not verb.whole_body,
        }
    return asked


def _body(verb: Verb) -> dict[str, Any]:
    if verb.whole_body:
        return {"type": "object"}
    fields: dict[str, Any] = {"type": "object", "properties": {name: {} for name in verb.writes or ()}}
    return {"type": "object", "properties": {verb.singular: fields}, "required": [verb.singular]}
