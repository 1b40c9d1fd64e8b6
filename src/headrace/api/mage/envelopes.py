"""Envelopes: what every answer lies in, and its JSON."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

MEDIA = "application/json"


@dataclass(frozen=True, slots=True)
class Many:
    """The objects of a list, and what is told of the list."""

    rows: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any]


def page(rows: Sequence[Mapping[str, Any]], count: int, *, more: bool, **further: Any) -> Many:
    """A page of a list that has `count` objects in all; `more` says whether others follow."""
    return Many(rows, {"count": count, "next": more, **further})


def cut(rows: Sequence[Any], limit: int, offset: int) -> tuple[Sequence[Any], int, bool]:
    """The page of a list that is at hand as a whole: its rows, how many there are in all, and whether others follow."""
    shown = rows[offset : offset + limit]
    return shown, len(rows), offset + len(shown) < len(rows)


def one(singular: str, shape: Mapping[str, Any]) -> Response:
    return written({singular: shape, "metadata": None})


def many(plural: str, found: Many) -> Response:
    return written({plural: found.rows, "metadata": found.metadata})


def written(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Its JSON, in ASCII; NaN and infinities are null, and what JSON has no form for is text."""
    return Response(_encoded(value), status, dict(headers or {}), MEDIA)


def marked(response: Response, request: Request) -> Response:
    """The response with an ETag of its body; nothing but that, where who calls has it as it is. A stream stays as it is."""
    if isinstance(response, StreamingResponse):
        return response
    mark = f'"{hashlib.sha1(response.body, usedforsecurity=False).hexdigest()}"'
    response.headers["Etag"] = mark
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return Response(None, 304, {"Etag": mark}) if {mark, "*"} & known else response


def _encoded(value: Any) -> bytes:
    """With a space after each comma and colon, as Mage has it: shell scripts look for `"status": "completed"`."""
    body = msgspec.json.format(_quick(value), indent=0)
    return body if body.isascii() else json.dumps(msgspec.json.decode(body)).encode()


_quick = msgspec.json.Encoder(enc_hook=str).encode
