"""Moments: dates and times of Arrow as text, also those that no calendar of Python or Arrow has."""

from importlib import import_module
from typing import Any

_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_FAR = 10_000_000  # days, more than 27,000 years: Arrow counts years to 32,767
_CYCLE, _YEARS = 146_097, 400  # days, and years, after which the calendar begins anew


def text(scalar: Any) -> str:
    """A date, a time or a timestamp in ISO 8601; `infinity` for what databases call so."""
    pa: Any = import_module("pyarrow")
    if pa.types.is_time(scalar.type):
        return str(scalar.cast(pa.string()))
    value, bits = scalar.value, scalar.type.bit_width
    if abs(value) == 2 ** (bits - 1) - 1:
        return "infinity" if value > 0 else "-infinity"
    a_day = _a_day(scalar.type)
    if abs(value) < _FAR * a_day:
        return str(scalar.cast(pa.string()))
    cycles, rest = divmod(value, _CYCLE * a_day)
    shown = str(pa.scalar(rest, scalar.type).cast(pa.string()))
    return f"{int(shown[:4]) + cycles * _YEARS}{shown[4:]}"


def _a_day(kind: Any) -> int:
    """How many of its units a day has."""
    if str(kind).startswith("date"):
        return 1 if kind.bit_width == 32 else _A_DAY["ms"]
    return _A_DAY[kind.unit]
