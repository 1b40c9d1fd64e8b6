"""Columns: those of a table, those of rows that are to come into it, and whether they fit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from headrace import errors

_PLAIN = (  # predicates of pyarrow.types for those that have a place as they are
    *("boolean", "signed_integer", "float32", "float64", "date"),
    *("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "fixed_size_binary"),
)
_UNITS = ("ms", "us")  # of moments

Columns = Sequence[Mapping[str, Any]]


def nullable(place: str, schema: Any) -> Any:
    """The Arrow schema, of which every column may be without a value: whether one is today says nothing of tomorrow.

    DatasetRefused, naming the column, for a type that Delta Lake has not, and for two columns that differ in case alone.
    """
    for why in _wrong("", schema):
        raise errors.DatasetRefused(place=place, why=why)
    pa: Any = import_module("pyarrow")
    return pa.schema([pa.field(each.name, each.type) for each in schema])


def _wrong(above: str, fields: Iterable[Any]) -> Iterator[str]:
    """What is wrong with the columns, or the fields of the column that is named so."""
    seen = set[str]()
    for each in fields:
        name = f"{above}{each.name}"
        if each.name.lower() in seen:
            yield f"its column {name} comes twice, in whatever case"
        elif not _has_place(each.type):
            yield f"its column {name} is of type {each.type}"
        yield from _wrong(f"{name}.", _within(each.type))
        seen.add(each.name.lower())


def _within(kind: Any) -> list[Any]:
    """The fields of a type that has some."""
    return [kind.field(place) for place in range(kind.num_fields)]


def _has_place(kind: Any) -> bool:
    """Whether Delta Lake has such a type, whatever is within it."""
    types: Any = import_module("pyarrow.types")
    if types.is_dictionary(kind):
        return _has_place(kind.value_type)
    if types.is_timestamp(kind):
        return kind.unit in _UNITS and kind.tz in (None, "UTC")
    if types.is_decimal128(kind):
        return kind.scale >= 0
    return _is_one(kind, _PLAIN) or (types.is_nested(kind) and kind.num_fields > 0 and not types.is_union(kind))


def _is_one(kind: Any, names: Iterable[str]) -> bool:
    types: Any = import_module("pyarrow.types")
    asked: Iterable[Callable[[Any], bool]] = (getattr(types, f"is_{name}") for name in names)
    return any(is_it(kind) for is_it in asked)


def delta(schema: Any) -> Any:
    """The Arrow schema as Delta Lake has it."""
    return import_module("deltalake").Schema.from_arrow(schema)


def described(schema: Any) -> tuple[dict[str, str], ...]:
    """The columns of a Delta schema, each by `name` and `type`, in Arrow's words."""
    arrow = import_module("pyarrow").schema(schema.to_arrow())
    return tuple({"name": each.name, "type": str(each.type)} for each in arrow)


def refuse_others(place: str, there: Columns, given: Columns) -> None:
    """DatasetRefused, naming each column, unless the given are those that are there, in whatever order."""
    expected, found = _types(there), _types(given)
    wrong = [
        *(f"its column {name} ({expected[name]}) is missing" for name in expected if name not in found),
        *(f"it has no column {name} ({found[name]})" for name in found if name not in expected),
        *(
            f"its column {name} is {expected[name]} and was given as {found[name]}"
            for name in expected
            if found.get(name, expected[name]) != expected[name]
        ),
    ]
    if wrong:
        raise errors.DatasetRefused(place=place, why="; ".join(wrong))


def _types(those: Columns) -> dict[str, str]:
    return {each["name"]: each["type"] for each in those}
