"""Answers: JSON of what operations tell, and how it is marked so that it need not be sent again."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import xxhash
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import applications

MEDIA = applications.MEDIA
written = applications.written  # the answer that is the JSON of a document

Responses = dict[int | str, dict[str, Any]]


def tells(document: str, status: int = 200, *, said: str | None = None, media: str | None = None) -> Responses:
    """For the description: such an answer is the document of that name in `schemas`, or text or bytes of that media type."""
    content = {MEDIA: {"schema": {"$ref": f"#/components/schemas/{document}"}}}
    other = {media: {"schema": {"type": "string"}}} if media else {}
    return {status: {"description": said or HTTPStatus(status).phrase, "content": content | other}}


def nothing(status: int, said: str) -> Responses:
    """For the description: such an answer has no body."""
    return {status: {"description": said}}


def marked(value: Any, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The JSON of a document with its ETag; nothing but that, where the caller has it as it is."""
    body = applications.encoded(value)
    mark = f'"{xxhash.xxh3_64_hexdigest(body)}"'
    told = {**(headers or {}), "ETag": mark, "Cache-Control": "no-cache"}
    if {mark, "*"} & {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}:
        return Response(None, 304, told)
    return Response(body, 200, told, MEDIA)


def page(request: Request, noun: str, rows: Sequence[Any], following: str | int | None) -> Response:
    """A page of a list, and where the next of it is: `next` is null at the end of the list."""
    if following is None:
        return written({noun: rows, "next": None})
    asked = [each for each in request.query_params.multi_items() if each[0] != "cursor"]
    there = f"{quote(request.scope['path'])}?{urlencode([*asked, ('cursor', following)])}"
    return written({noun: rows, "next": str(following)}, headers={"Link": f'<{there}>; rel="next"'})


def following(ids: Sequence[int], limit: int) -> int | None:
    """Where a list in the order of ids goes on; None after a page that was not full."""
    return ids[-1] if len(ids) == limit else None
