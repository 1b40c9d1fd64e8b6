"""What options take besides words and numbers: moments, durations, steps of a calendar, JSON objects.

Each is a function of the text; where that means nothing, BadParameter says what was expected.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NoReturn, TypeVar, cast

import click

from headrace.cli import variables

MOST = 2**31 - 1  # seconds; what is kept as a whole number has 32 bits

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)", re.ASCII)
_STEP = re.compile(r"(\d{1,9})(s|mo|m|h|d|w|y)", re.ASCII)
_STEPS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}

T = TypeVar("T")


class Nothing(Enum):
    """What the word `none` stands for: something that was said before is taken back."""

    NOTHING = "none"


NOTHING = Nothing.NOTHING


def moment(text: str) -> datetime:
    """A date or a moment in ISO 8601, in UTC; without an offset UTC is meant, and a date is its first moment."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        _refuse(
            text, "a date or a moment, such as 2026-01-31 or 2026-01-31T06:00+01:00; without an offset it is in UTC"
        )


def duration(text: str) -> float:
    """Seconds, from a number of them, or amounts of s, m, h, d and w in a row: 90, 1.5h, 1h30m."""
    seconds = _seconds(text.strip())
    if seconds is None or not 0 < seconds <= MOST:
        _refuse(text, "a duration, such as 90 (seconds), 15m, 1h30m or 2d")
    return seconds


def whole_duration(text: str) -> int:
    """As `duration`, of whole seconds."""
    seconds = duration(text)
    if not seconds.is_integer():
        _refuse(text, "a whole number of seconds, 1 or more")
    return int(seconds)


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= MOST):
        _refuse(text, "a whole number, 1 or more")
    return int(text)


def step(text: str) -> tuple[str, int]:
    """What kind of interval and how many of it lie from a date to the next: 1d, 6h, 15m, 2w, 1mo, 1y."""
    found = _STEP.fullmatch(text.strip())
    if found is None or int(found[1]) < 1:
        _refuse(text, "a step from date to date, such as 1d, 6h, 15m, 2w, 1mo or 1y")
    return _STEPS[found[2]], int(found[1])


def text(given: str) -> str:
    """Any text that can be written as such."""
    try:
        given.encode()
    except UnicodeEncodeError:
        _refuse(given, "text in UTF-8")
    return given


def json_object(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        _refuse(text, 'a JSON object, such as {"kind": ["order"]}')
    variables.refuse_unkept(text, read)
    return cast("dict[str, Any]", read)


def or_none(other: Callable[[str], T]) -> "Callable[[str], T | Nothing]":
    """What another function takes, or the word `none`."""
    return lambda text: NOTHING if text.strip() == NOTHING.value else other(text)


def _seconds(text: str) -> float | None:
    """The amounts of a duration together; None when it is none."""
    amounts = [(found[1], found[2]) for found in _AMOUNT.finditer(text)]
    bare = [amount for amount, unit in amounts if not unit]
    if not amounts or "".join(map("".join, amounts)) != text or (bare and len(amounts) > 1):
        return None
    return math.fsum(float(amount) * _SECONDS[unit] for amount, unit in amounts)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refuse(text: str, expected: str) -> NoReturn:
    raise click.BadParameter(f"{text!r:.200} is not {expected}.")
