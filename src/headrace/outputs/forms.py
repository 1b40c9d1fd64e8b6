"""Scalars that JSON has no exact form for, each as a small JSON object; `value` in it is what people are shown.

The name of a form is that of the type. An encoder answers None for a value that its form would not give back exactly
(a datetime whose time zone has no name), and such a value goes where arbitrary objects go.
"""

import base64
import builtins
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from importlib import import_module
from math import isfinite
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

Branch = dict[str, Any]

_LIBRARIES = frozenset({"pandas", "polars", "pyarrow", "numpy", "duckdb"})


def word(kind: Any) -> str:
    """The type's name with its module, which for the great libraries is the library and for builtins left out."""
    module, name = kind.__module__, kind.__qualname__
    library = module.partition(".")[0].lstrip("_")
    if library in _LIBRARIES:
        return f"{library}.{name}"
    return name if module == "builtins" else f"{module}.{name}"


def name_of(value: Any) -> str | None:
    """The name of the form that a value of this type has, if it has one.

    The code of a block runs with the module name of the builtins: what it defines is not taken for one of them.
    """
    kind = cast("type[Any]", type(value))
    name = word(kind)
    if kind.__module__ == "builtins" and getattr(builtins, name, None) is not kind:
        return None
    if name in _FORMS:
        return name
    return "numpy" if name.startswith("numpy.") and _is_number(value) else None


def _is_number(value: Any) -> bool:
    numpy: Any = sys.modules.get("numpy")
    return isinstance(value, numpy.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8


def encode(name: str, value: Any) -> Branch | None:
    """The JSON object of a value that has this form, or None where it would not be exact."""
    try:
        return {"$": name, **_FORMS[name][0](value)}
    except Inexact:
        return None


def decode(branch: Branch) -> Any:
    """The value of such an object; KeyError when there is no form of its name."""
    return _FORMS[branch["$"]][1](branch)


class Inexact(Exception):
    """A value its form would not give back as it is."""


def zone(of: Any) -> str | int | None:
    """A time zone's name, or its offset in microseconds; Inexact for an offset with a name, and for other classes."""
    if of is None:
        return None
    if type(of) is timezone and str(of) == str(to_zone(_offset(of))):
        return _offset(of)
    if type(of) is ZoneInfo and of.key:
        return of.key
    raise Inexact


def _offset(of: timezone) -> int:
    return of.utcoffset(None) // timedelta(microseconds=1)


def to_zone(written: str | int | None) -> tzinfo | None:
    if isinstance(written, str):
        return ZoneInfo(written)
    return None if written is None else timezone(timedelta(microseconds=written)) if written else UTC


def _from_clock(value: Any) -> Branch:
    """A datetime or time; fold, which picks one of two equal hours, is kept beside it."""
    return {"value": value.replace(tzinfo=None).isoformat(), "zone": zone(value.tzinfo), "fold": value.fold}


def _to_clock(kind: Any) -> Callable[[Branch], Any]:
    return lambda branch: kind.fromisoformat(branch["value"]).replace(
        tzinfo=to_zone(branch["zone"]), fold=branch["fold"]
    )


def _ticks(value: Any) -> Branch:
    """A pandas Timestamp or Timedelta, as ticks of its unit; since 1970 in UTC."""
    return {"value": str(value), "ticks": int(value.asm8.view("i8")), "unit": value.unit}


def _from_timestamp(value: Any) -> Branch:
    return {**_ticks(value), "zone": zone(value.tz)}


def _to_timestamp(branch: Branch) -> Any:
    ticks = import_module("numpy").datetime64(branch["ticks"], branch["unit"])
    stamp = import_module("pandas").Timestamp(ticks)
    return stamp if branch["zone"] is None else stamp.tz_localize("UTC").tz_convert(to_zone(branch["zone"]))


def _to_pandas_timedelta(branch: Branch) -> Any:
    return import_module("pandas").Timedelta(import_module("numpy").timedelta64(branch["ticks"], branch["unit"]))


def _from_binary(value: bytes | bytearray) -> Branch:
    return {"value": base64.b64encode(value).decode("ascii")}


def _from_numpy(value: Any) -> Branch:
    item = value.item()
    return {"value": str(item) if isinstance(item, float) and not isfinite(item) else item, "dtype": value.dtype.str}


def _to_numpy(branch: Branch) -> Any:
    return import_module("numpy").dtype(branch["dtype"]).type(branch["value"])


_FORMS: dict[str, tuple[Callable[[Any], Branch], Callable[[Branch], Any]]] = {
    "int": (lambda value: {"value": hex(value)}, lambda branch: int(branch["value"], 16)),
    "float": (lambda value: {"value": str(value)}, lambda branch: float(branch["value"])),
    "complex": (
        lambda value: {"value": str(value), "hex": [value.real.hex(), value.imag.hex()]},
        lambda branch: complex(*map(float.fromhex, branch["hex"])),
    ),
    "bytes": (_from_binary, lambda branch: base64.b64decode(branch["value"])),
    "bytearray": (_from_binary, lambda branch: bytearray(base64.b64decode(branch["value"]))),
    "range": (lambda value: {"value": [value.start, value.stop, value.step]}, lambda branch: range(*branch["value"])),
    "decimal.Decimal": (lambda value: {"value": str(value)}, lambda branch: Decimal(branch["value"])),
    "uuid.UUID": (lambda value: {"value": str(value)}, lambda branch: UUID(branch["value"])),
    "datetime.date": (lambda value: {"value": value.isoformat()}, lambda branch: date.fromisoformat(branch["value"])),
    "datetime.datetime": (_from_clock, _to_clock(datetime)),
    "datetime.time": (_from_clock, _to_clock(time)),
    "datetime.timedelta": (
        lambda value: {"value": str(value), "parts": [value.days, value.seconds, value.microseconds]},
        lambda branch: timedelta(*branch["parts"]),
    ),
    "numpy": (_from_numpy, _to_numpy),
    "pandas.Timestamp": (_from_timestamp, _to_timestamp),
    "pandas.Timedelta": (_ticks, _to_pandas_timedelta),
    "pandas.NAType": (lambda _: {"value": None}, lambda _: import_module("pandas").NA),
    "pandas.NaTType": (lambda _: {"value": None}, lambda _: import_module("pandas").NaT),
}
