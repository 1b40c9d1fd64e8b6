"""Bodies: what is sent is bounded before anybody reads it, and is JSON as everybody understands it.

One value for each name, numbers that are numbers, text that can be written as UTF-8; no deeper than anybody needs.
"""

import json
import re
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace import errors

MOST = 2 * 2**20  # bytes of a body
DEEPEST = 64  # containers within each other
_SIGNS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)  # texts, and where containers begin and end


class Bounded:
    """Middleware: a body that is too large is refused, if it says so or as soon as it shows."""

    def __init__(self, app: ASGIApp, most: int = MOST) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            await _too_large(self._most)(scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise errors.BodyTooLarge(most=self._most)
            return message

        await self._app(scope, bounded, send)


def read(content: bytes) -> Any:
    """The value that a JSON text says; BadBody says where it is none, and why."""
    try:
        text = content.decode("utf-8")
        _refuse_deep(text)
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_number)
    except UnicodeDecodeError as error:
        raise errors.BadBody(field="the body", why=f"is no UTF-8 text: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise errors.BadBody(field="the body", why=f"is no JSON: {error.msg} at {place}") from None
    except ValueError:  # of a number that is thousands of digits long
        raise errors.BadBody(field="the body", why="has a number beyond 64 bits") from None
    _refuse_unwritable(value)
    return value


def _refuse_deep(text: str) -> None:
    """Before it is parsed: each container within another costs the parser a frame."""
    depth = 0
    for found in _SIGNS.finditer(text):
        sign = found[0]
        if sign in "[{":
            depth += 1
            if depth > DEEPEST:
                raise errors.BadBody(field="the body", why=f"is deeper than {DEEPEST} containers within each other")
        elif sign in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise errors.BadBody(field=twice, why="is there twice")
    return found


def _no_number(text: str) -> Any:
    raise errors.BadBody(field="the body", why=f"has {text}, which is no JSON number")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise errors.BadBody(field="the body", why=f"has the number {text[:40]}, which is too large")
    return number


def _refuse_unwritable(value: Any, field: str = "the body") -> None:
    """Half characters and NUL can be kept by no database."""
    match value:
        case str() if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise errors.BadBody(field=field, why="has a NUL or half a character in it")
        case int() if not isinstance(value, bool) and value.bit_length() > 63:
            raise errors.BadBody(field=field, why="is a number beyond 64 bits")
        case dict():
            for name, each in value.items():
                _refuse_unwritable(name, f"the name {name[:40]!r}")
                _refuse_unwritable(each, name)
        case list():
            for each in value:
                _refuse_unwritable(each, field)
        case _:
            pass


def _too_large(most: int) -> Response:
    problem = {"type": "about:blank", "title": "The body is too large", "status": 413, "detail": f"at most {most} bytes"}
    return Response(json.dumps(problem), 413, media_type="application/problem+json")
