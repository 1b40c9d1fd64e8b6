"""Payload: what may be posted to headrace, so that it can be kept, matched and handed to blocks."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from headrace import errors

LARGEST = 2**20  # bytes, as JSON
DEEPEST = 32  # mappings and lists within each other
WORD = 2**63  # of whole numbers: what travels to blocks has 64 bits
LONGEST_KEY = 255


def refuse_wrong(payload: Any) -> None:
    """Raises BadPayload for the first thing that cannot be, with the place where it is."""
    if not isinstance(payload, Mapping):
        _refuse("payload", _kind(payload), 'an object, such as {"kind": "order"}')
    _look("payload", payload, 1)
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST:
        _refuse("payload", f"{size:,} bytes long", f"at most {LARGEST:,}")


def refuse_wrong_key(key: str) -> None:
    """Raises BadPayload for a key that cannot be kept."""
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        _refuse("key", repr(key[:80]), f"1 to {LONGEST_KEY} characters that can be printed")


def _look(place: str, value: Any, depth: int) -> None:
    if depth > DEEPEST and isinstance(value, Mapping | list):
        _refuse(f"{place:.80}…", "too deep", f"at most {DEEPEST} objects and lists within each other")
    match value:
        case Mapping():
            for name, inner in cast("Mapping[Any, Any]", value).items():
                _look_at_name(place, name)
                _look(f"{place}.{name}", inner, depth + 1)
        case list():
            for number, inner in enumerate(cast("list[Any]", value)):
                _look(f"{place}[{number}]", inner, depth + 1)
        case _:
            _look_at_plain(place, value)


def _look_at_name(place: str, name: Any) -> None:
    if not isinstance(name, str):
        _refuse(f"{place:.80}", f"an object with the name {name!r:.80}", "one whose names are text")
    _look_at_text(place, name)


def _look_at_plain(place: str, value: Any) -> None:
    match value:
        case None | bool():
            pass
        case str():
            _look_at_text(place, value)
        case int():
            if not -WORD <= value < WORD:
                _refuse(place, "a number of more than 64 bits", "a smaller one, or text")
        case float():
            if not math.isfinite(value):
                _refuse(place, str(value), "a number that JSON has")
        case _:
            _refuse(place, _kind(value), "a value that JSON has")


def _look_at_text(place: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse(place, ascii(text[:80]), "text in UTF-8")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _refuse(field: str, given: str, expected: str) -> NoReturn:
    raise errors.BadPayload(field=field, given=given, expected=expected)
