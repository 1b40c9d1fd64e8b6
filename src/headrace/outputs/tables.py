"""Kept frames of every kind as pyarrow tables and their cells as JSON, for looking at; nothing is unpickled."""

import json
from collections.abc import Iterator
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

from headrace.model.output import Output
from headrace.outputs import moments

KEPT = frozenset({"pandas", "polars", "arrow", "duckdb", "parquet"})  # the codecs whose files are tables
_MODULES = {"polars": "polars_frames", "parquet": "parquet"}  # of the others: Arrow IPC


def read(output: Output, path: Path) -> Any:
    """The file of an output as a pyarrow.Table, over mapped memory where it can be; ValueError when it is cut short."""
    module = _MODULES.get(output.codec, "arrow")
    return import_module(f"headrace.outputs.{module}").table(path, output.bytes)


def parts(output: Output, path: Path, first: int, count: int | None) -> tuple[Any, Iterator[Any]]:
    """The schema, and the rows from the number `first` on, `count` of them or all, as pyarrow.Tables one after the other.

    None is read before it is asked for. ValueError for a file that is cut short.
    """
    if output.codec == "parquet":
        return import_module("headrace.outputs.parquet").batches(path, output.bytes, first, count)
    rows = read(output, path).slice(first, count)
    return rows.schema, iter([rows])


def page(output: Output, path: Path, first: int, count: int, most: int | None = None) -> Any:
    """Those rows in one pyarrow.Table; where they have more than `most` bytes no more of them than show that."""
    pa: Any = import_module("pyarrow")
    schema, found = parts(output, path, first, count)
    return pa.concat_tables([schema.empty_table(), *_up_to(most, found)])


def _up_to(most: int | None, parts: Iterator[Any]) -> Iterator[Any]:
    size = 0
    for rows in parts:
        yield rows
        size += rows.nbytes
        if most is not None and size > most:
            return


def note(of: Any) -> dict[str, Any]:
    """What the pandas codec noted of a field or schema; nothing where another wrote it."""
    metadata: dict[bytes, bytes] = of.metadata or {}
    return json.loads(metadata.get(b"headrace", b"{}"))


def meaning(field: Any) -> str:
    """What a pandas column's values are beyond their Arrow type: `json` documents, bytes of `raw` numbers, …"""
    noted = note(field)
    kind = noted.get("as") if noted.get("is") == "objects" else noted.get("is")
    return kind if kind in ("json", "period", "raw", "pickle") else ""


def steps(table: Any) -> str:
    """The range that a pandas frame's rows are named by; nothing for the plain one, which every frame starts with."""
    noted = note(table.schema).get("index", {}).get("range")
    return "" if not noted or not table.num_rows or (noted[0], noted[2]) == (0, 1) else str(noted)


def cell(scalar: Any) -> Any:
    """An Arrow scalar as JSON has it: numbers and text as they are, nested ones likewise, everything else as text."""
    if scalar is None or not scalar.is_valid:
        return None
    pa: Any = import_module("pyarrow")
    types: Any = import_module("pyarrow.types")
    kind = scalar.type
    if types.is_dictionary(kind) or isinstance(scalar, pa.ExtensionScalar):
        return cell(scalar.value)
    if types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind):
        return moments.text(scalar)
    if types.is_struct(kind):
        return {field.name: cell(scalar[position]) for position, field in enumerate(kind)}
    if types.is_nested(kind):
        return [cell(each) for each in scalar.values] if not types.is_union(kind) else str(scalar)
    if types.is_floating(kind):
        return plain(float(scalar.as_py()))
    return plain(str(scalar) if types.is_duration(kind) else scalar.as_py())


def plain(value: Any) -> Any:
    """A value as JSON has it; what it has no word for as text."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
