"""Bodies: bounded before they are read, and read as strict JSON.

JSON as the standard has it: a name stands once in an object, numbers are finite and whole ones have 64 bits at most,
texts are UTF-8 without NUL, and nothing lies deeper than `DEEPEST`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace import errors

LARGEST = 4 * 2**20  # bytes
DEEPEST = 64  # arrays and objects within each other
LARGEST_NUMBER = 2**63
_Place = tuple[str | int, ...]  # where a value lies: names and numbers, written out for the one that is refused alone
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # one without an end goes to that of the body, and is read once
_BRACKETS = re.compile(rb"[\[\]{}]")


class Sized:
    """Turns away a body that says it is too large, before any of it is read, and one that is, once it is known to be."""

    def __init__(self, inner: ASGIApp, most: int = LARGEST) -> None:
        self._inner = inner
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["most"] = self._most
            receive = _Bounded(receive, self._most)
        await self._inner(scope, receive, send)


class _Bounded:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise errors.TooLarge(most=self._most)
        return message


def refuse_large(request: Request) -> None:
    """TooLarge for a body that says so of itself; BadBody for a length that is none."""
    said = request.headers.get("content-length")
    if said is None:
        return
    if not said.isascii() or not said.isdigit():
        raise errors.BadBody(field="Content-Length", given=repr(said), expected="a number of bytes")
    if len(said) > 18 or int(said) > request.scope["state"].get("most", LARGEST):
        raise errors.TooLarge(most=request.scope["state"].get("most", LARGEST))


class StrictRequest(Request):
    """A request whose body is JSON, whatever its content type says, and is read strictly."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        others = [each for each in scope["headers"] if each[0] != b"content-type"]
        super().__init__({**scope, "headers": [*others, (b"content-type", b"application/json")]}, receive)

    async def json(self) -> Any:
        if not hasattr(self, "_read"):
            self._read = read(await self.body())
        return self._read


def read(body: bytes) -> Any:
    """The value of a JSON document. BadBody says which field is not as it is to be."""
    if _deepest(body) > DEEPEST:
        raise errors.BadBody(field="a value", given=f"deeper than {DEEPEST} levels", expected="less of that")
    faults: list[_Fault] = []
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=lambda pairs: _object(pairs, faults),
            parse_constant=lambda word: _fault(word, "a number", faults),
            parse_int=lambda digits: _whole(digits, faults),
            parse_float=lambda digits: _real(digits, faults),
        )
    except (ValueError, RecursionError) as error:
        raise errors.BadBody(field="the whole", given="no JSON", expected=f"a JSON document ({error})") from None
    if faults or b"\\u" in body:
        _refuse(value, ())
    return value


class _Fault:
    """Stands where something is that cannot be taken, until its place is known."""

    def __init__(self, given: str, expected: str) -> None:
        self.given = given
        self.expected = expected


def _fault(given: str, expected: str, faults: list[_Fault]) -> _Fault:
    found = _Fault(given if len(given) <= 40 else f"{given[:40]}…", expected)
    faults.append(found)
    return found


def _whole(digits: str, faults: list[_Fault]) -> Any:
    value = int(digits) if len(digits) <= 20 else LARGEST_NUMBER
    return value if -LARGEST_NUMBER <= value < LARGEST_NUMBER else _fault(digits, "a number of 64 bits", faults)


def _real(digits: str, faults: list[_Fault]) -> Any:
    value = float(digits)
    return value if abs(value) != float("inf") else _fault(digits, "a number that is finite", faults)


def _object(pairs: list[tuple[str, Any]], faults: list[_Fault]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        whole[twice] = _fault("given twice", "given once", faults)
    return whole


def _refuse(value: Any, place: _Place) -> None:
    match value:
        case _Fault():
            raise errors.BadBody(field=_field(place), place=place, given=value.given, expected=value.expected)
        case str():
            _refuse_text(value, place)
        case dict():
            for name, inner in cast("dict[str, Any]", value).items():
                _refuse_text(name, place)
                _refuse(inner, (*place, name))
        case list():
            for number, inner in enumerate(cast("list[Any]", value)):
                _refuse(inner, (*place, number))
        case _:
            pass


def _refuse_text(text: str, place: _Place) -> None:
    odd = "a NUL" if "\0" in text else "half a character" if _has_surrogate(text) else None
    if odd:
        raise errors.BadBody(field=_field(place), place=place, given=f"text with {odd}", expected="text without")


def _field(place: _Place) -> str:
    """`rows[3].name`"""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".") or "the whole"


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text)


def _deepest(body: bytes) -> int:
    """How deep its values lie; only roughly, and never too little, where they cannot lie too deep."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= DEEPEST:
        return opened
    return max(_depths(_BRACKETS.findall(_TEXTS.sub(b"", body))), default=0)


def _depths(brackets: Iterable[bytes]) -> Iterable[int]:
    depth = 0
    for each in brackets:
        depth += 1 if each in b"[{" else -1
        yield depth
