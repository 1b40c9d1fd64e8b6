"""DuckDB relations: their rows as an Arrow file, given back as a relation over the mapped file.

The consumer's relation belongs to its process's default connection and can be queried on. Where duckdb is not
installed it is a pyarrow.Table. Types that Arrow has no word for are cast back to on reading (HUGEINT, UUID, ENUM,
JSON); those that Arrow would change cross as text.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output
from headrace.outputs import arrow

_AS_TEXT = frozenset({"UHUGEINT", "TIME WITH TIME ZONE", "BIT", "BIGNUM", "VARINT"})


def save(value: Any, path: Path) -> dict[str, Any]:
    """Runs the relation's query, writing batch by batch: its rows are never all in memory. duckdb.Error if it fails."""
    types = [str(each) for each in value.types]
    for name, kind in zip(value.columns, types, strict=True):
        if kind not in _AS_TEXT and any(each in kind for each in _AS_TEXT):
            raise TypeError(f"column {name!r} has the type {kind}, which Arrow would change")
    fresh = value.project("*")  # a relation that was looked at has given some of its rows away
    crossing = _project(fresh, types, ["VARCHAR" if kind in _AS_TEXT else kind for kind in types])
    reader = getattr(crossing, "to_arrow_reader", None) or crossing.fetch_arrow_reader
    saved = arrow.save(reader(100_000), path)
    schema = tuple({"name": name, "type": kind} for name, kind in zip(value.columns, types, strict=True))
    return {**saved, "schema": schema, "extra": {"types": types}}


def load(path: Path, output: Output) -> Any:
    table = arrow.table(path, output.bytes)
    try:
        duckdb: Any = import_module("duckdb")
    except ModuleNotFoundError:
        return table
    relation = duckdb.from_arrow(table)
    return _project(relation, [str(each) for each in relation.types], output.extra["types"])


def _project(relation: Any, types: list[str], to: list[str]) -> Any:
    """The relation with its columns of these types cast to others; itself when all are the same."""
    if to == types:
        return relation
    return relation.project(", ".join(map(_cast, range(1, len(to) + 1), types, to, relation.columns)))


def _cast(position: int, kind: str, to: str, name: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"#{position} AS {quoted}" if kind == to else f"CAST(#{position} AS {to}) AS {quoted}"
