"""Sent: rows that came as JSON become columns, each of one type; what does not fit is named by its row and its column."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from importlib import import_module
from math import isfinite
from struct import pack, unpack
from typing import Any, cast

from headrace import errors
from headrace.datasets import tables

Row = Mapping[str, Any]

CERTAIN = 15  # digits of a decimal that a number of JSON has in full; one with more of them may have been another

_WORDS = {
    "string": ("string", "text", "str", "varchar"),
    "int64": ("integer", "int", "bigint", "long", "int64"),
    "double": ("number", "float", "double", "float64"),
    "bool": ("boolean", "bool"),
    "date32": ("date",),
    "timestamp": ("timestamp", "datetime"),
}
TYPES = {word: kind for kind, words in _WORDS.items() for word in words}  # that a schema may name


def schema(dataset: str, given: Mapping[str, str]) -> Any:
    """The Arrow schema of columns whose types are said in one of the TYPES. BadRows for a word that is none."""
    pa, kinds = _arrow(), dict[str, Any]()
    for name, word in given.items():
        kind = TYPES.get(str(word).lower())
        if kind is None:
            expected = f"one of {', '.join(sorted(TYPES))}"
            raise errors.BadRows(dataset=dataset, field=f"types.{name:.100}", given=f"{word!r:.80}", expected=expected)
        kinds[name] = pa.timestamp("us", "UTC") if kind == "timestamp" else getattr(pa, _FACTORIES.get(kind, kind))()
    return pa.schema(kinds)


def table(dataset: str, rows: Sequence[Row], columns: Any | None) -> Any:
    """The rows as a pyarrow.Table with these columns (an Arrow schema); without any, with those that the rows show.

    BadRows, which names the first thing that does not fit.
    """
    _refuse_empty(dataset, rows)
    names = [*rows[0]] if columns is None else columns.names
    _refuse_other_columns(dataset, rows, names)
    _refuse_twins(dataset, names)
    made: dict[str, Any] = {}
    for name in names:
        column = _Column(dataset, name, [row[name] for row in rows])
        made[name] = column.array(column.inferred() if columns is None else columns.field(name).type)
    return _arrow().table(made)


def refuse_identifier(dataset: str, rows: Sequence[Row], identifier: str) -> None:
    """BadRows unless each row has a value of its own in that column. The rows are those of a `table`."""
    if identifier not in rows[0]:
        expected = f"one of the columns {', '.join(rows[0])}"
        raise errors.BadRows(dataset=dataset, field="identifier", given=_shown(identifier), expected=expected)
    seen: dict[Any, int] = {}
    for place, row in enumerate(rows):
        value, field = row[identifier], _field(place, identifier)
        if value is None or isinstance(value, list | dict):
            expected = "a value, which identifies the row"
            raise errors.BadRows(dataset=dataset, field=field, given=_shown(value), expected=expected)
        if value in seen:
            expected = f"a value that no other row has, and the row of number {seen[value]} has it"
            raise errors.BadRows(dataset=dataset, field=field, given=_shown(value), expected=expected)
        seen[value] = place


def _refuse_empty(dataset: str, rows: Sequence[Row]) -> None:
    if not rows:
        raise errors.BadRows(dataset=dataset, field="rows", given="empty", expected="a row, or more")
    if not rows[0]:
        raise errors.BadRows(
            dataset=dataset, field="rows[0]", given="a row without columns", expected="a row with columns"
        )


def _refuse_other_columns(dataset: str, rows: Sequence[Row], names: Sequence[str]) -> None:
    wanted = frozenset(names)
    for place, row in enumerate(rows):
        for name in [*(name for name in row if name not in wanted), *(name for name in names if name not in row)]:
            given = "missing" if name in wanted else "there"
            expected = f"the columns {', '.join(names)} in every row; what is not known is null"
            raise errors.BadRows(dataset=dataset, field=_field(place, name), given=given, expected=expected)


def _refuse_twins(dataset: str, names: Sequence[str]) -> None:
    seen = set[str]()
    for name in names:
        if not name or name.lower() in seen:
            expected = "a name that no other column has, in whatever case"
            raise errors.BadRows(dataset=dataset, field=_field(0, name), given="there", expected=expected)
        seen.add(name.lower())


class _Column:
    def __init__(self, dataset: str, name: str, values: Sequence[Any]) -> None:
        self._dataset = dataset
        self._name = name
        self._values = values

    def inferred(self) -> Any:
        """The type that all its values have; of no values text."""
        kinds: list[Any] = [type(value) for value in self._values if value is not None]
        if set(kinds) <= {int, float} and float in kinds:
            return _arrow().float64()
        for place, value in enumerate(self._values):
            if value is not None and type(value) is not kinds[0]:
                raise self._refused(place, f"{_KINDS.get(kinds[0], 'a value')}, as in the rows before")
        if not kinds or kinds[0] is str:
            return _arrow().string()
        return _PLAIN[kinds[0]]() if kinds[0] in _PLAIN else self._nested()

    def array(self, kind: Any) -> Any:
        """The values as that type has them."""
        word, convert = _conversion(kind)
        converted: list[Any] = []
        for place, value in enumerate(self._values):
            try:
                converted.append(None if value is None else _scalar(convert(value), kind))
            except (ValueError, TypeError, OverflowError, InvalidOperation, _arrow().ArrowException):
                raise self._refused(place, f"{word} or null") from None
        return _arrow().array(converted, kind)

    def _nested(self) -> Any:
        try:
            found = _arrow().array(self._values).type
        except _arrow().ArrowException:
            found = _arrow().null()
        if _is_open(found):
            raise self._refused(0, "lists or objects that are alike in all rows, and say what they hold")
        return found

    def _refused(self, place: int, expected: str) -> errors.BadRows:
        field, given = _field(place, self._name), _shown(self._values[place])
        return errors.BadRows(dataset=self._dataset, field=field, given=given, expected=expected)


def _scalar(value: Any, kind: Any) -> Any:
    """ValueError for a moment of which Arrow would cut what the type has no place for."""
    made = _arrow().scalar(value, kind)
    if isinstance(value, datetime) and made.as_py() != value:
        raise ValueError
    return made


def _is_open(kind: Any) -> bool:
    """Whether values leave open what it is, or what something within it is: a table has no such columns."""
    within = [kind.field(place).type for place in range(kind.num_fields)]
    types = _arrow().types
    return types.is_null(kind) or (types.is_struct(kind) and not within) or any(map(_is_open, within))


def _arrow() -> Any:
    tables.delta()
    return import_module("pyarrow")


_FINER = re.compile(r"[.,]\d{6}\d*[1-9]")  # a second with more than six digits behind it
_FACTORIES = {"double": "float64", "bool": "bool_"}
_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_PLAIN: Mapping[type, Callable[[], Any]] = {bool: lambda: _arrow().bool_(), int: lambda: _arrow().int64()}


def _conversion(kind: Any) -> tuple[str, Callable[[Any], Any]]:
    """What a value of that type is called, and how it is made of one of JSON; ValueError or TypeError for none."""
    text = str(kind)
    found = next((found for word, found in _CONVERSIONS.items() if text.startswith(word)), None)
    return found or (f"a value of type {text}", _nesting(kind))


def _nesting(kind: Any) -> Callable[[Any], Any]:
    """How a value of a type that has others within it is made: nothing of it is left out, and each part is as strict."""
    types = _arrow().types
    if types.is_struct(kind):
        parts = {each.name: _or_none(each.type) for each in map(kind.field, range(kind.num_fields))}
        return lambda value: _struct(value, parts)
    if types.is_map(kind):
        key, item = _conversion(kind.key_type)[1], _or_none(kind.item_type)
        return lambda value: [(key(name), item(each)) for name, each in _object(value).items()]
    element = _or_none(kind.value_type)
    return lambda value: [element(each) for each in _list(value)]


def _or_none(kind: Any) -> Callable[[Any], Any]:
    convert = _conversion(kind)[1]
    return lambda value: None if value is None else convert(value)


def _struct(value: Any, parts: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not parts.keys() >= _object(value).keys():
        raise TypeError
    return {name: parts[name](each) for name, each in value.items()}


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return cast("dict[str, Any]", value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return cast("list[Any]", value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError
    return _same(value, float(value))


def _single(value: Any) -> float:
    """A number that has half of the digits; OverflowError for one that is too large."""
    return _same(value, unpack("<f", pack("<f", _number(value)))[0])


def _same(given: float, made: float) -> float:
    """What was made of a number; TypeError for a whole one that it is not."""
    if isinstance(given, int) and made != given:
        raise TypeError
    return made


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    found = Decimal(str(value))
    if isinstance(value, float) and len(found.as_tuple().digits) > CERTAIN:
        raise ValueError
    return found


def _moment(value: Any) -> datetime:
    found = _read(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _local(value: Any) -> datetime:
    found = _read(value)
    if found.tzinfo:
        raise TypeError
    return found


def _read(value: Any) -> datetime:
    """ValueError for less than a microsecond, which Python would cut."""
    if _FINER.search(_text(value)):
        raise ValueError
    return datetime.fromisoformat(value)


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _bytes(value: Any) -> bytes:
    return base64.b64decode(_text(value), validate=True)


_CONVERSIONS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "bool": ("true or false", _truth),
    "int": ("a whole number of its size", _whole),
    "double": ("a number", _number),
    "float": ("a number", _single),
    "string": ("text", _text),
    "decimal": (f"a number that it has the digits for, as text where it has more than {CERTAIN} of them", _decimal),
    "timestamp[us, tz": ("a moment in ISO 8601, of no less than a microsecond", _moment),
    "timestamp": ("a moment in ISO 8601 without a zone, as fine as its type is", _local),
    "date": ("a date in ISO 8601", _day),
    "binary": ("bytes in base64", _bytes),
}


def _field(place: int, name: str) -> str:
    return f"rows[{place}].{name:.100}"


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value!r:.80}"
