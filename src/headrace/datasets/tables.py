"""Tables: Delta Lake's, opened and made.

A table begins as an empty version 0 whose one column is a timestamp without a zone: that feature of Delta Lake has to be
there before a column needs it, and so any later version may have one. What attempts write begins at version 1.

Who has committed what is in the log: each commit carries an application transaction that is named by its attempt, and whose
number is the very version that it makes. A commit is tried once on the state it was decided on, so it cannot make another.
"""

import contextlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from headrace import errors
from headrace.datasets import names

FIRST = "a_table_begins_with_a_column_that_is_soon_gone"
TOLD = {
    "delta.checkpointInterval": "10",
    "delta.setTransactionRetentionDuration": "interval 90 days",
    "delta.logRetentionDuration": "interval 36500 days",  # what is cleaned of a log, and when, is decided here
    "delta.enableExpiredLogCleanup": "false",
}


class File(NamedTuple):
    """How much of a table is in one of its files."""

    rows: int
    bytes: int


def delta() -> Any:
    """The deltalake module. DatasetsMissing where it is not installed."""
    try:
        return import_module("deltalake")
    except ModuleNotFoundError as missing:
        raise errors.DatasetsMissing(library=missing.name) from missing


def get_ready() -> None:
    """Does beforehand what the first commit will need, while nobody waits; nothing where the libraries are missing."""
    with contextlib.suppress(ModuleNotFoundError):
        for name in ("deltalake", "pyarrow.parquet"):
            import_module(name)


def find(place: str, version: int | None = None) -> Any:
    """The table at its newest version or at that one; None when there is none."""
    deltalake = delta()
    try:
        return deltalake.DeltaTable(place, version=version)
    except deltalake.exceptions.TableNotFoundError:
        return None


def ensure(place: str) -> Any:
    """The table, which is made if there is none; somebody else may be making it as well."""
    found = find(place)
    if found is None:
        _make(place)
        found = find(place)
    return found


def _make(place: str) -> None:
    deltalake, pa = delta(), import_module("pyarrow")
    schema = deltalake.Schema.from_arrow(pa.schema([(FIRST, pa.timestamp("us"))]))
    try:
        deltalake.DeltaTable.create(place, schema, configuration=TOLD)
    except deltalake.exceptions.DeltaError:
        if find(place) is None:
            raise


def is_empty(table: Any) -> bool:
    """Whether nothing was ever committed to it."""
    return [field.name for field in table.schema().fields] == [FIRST]


def files(table: Any) -> dict[str, File]:
    """What its version is made of, by the path of each file within the table."""
    actions = table.get_add_actions(flatten=True)  # read as it comes: pyarrow would import pandas for it
    columns = (actions.column(name).to_pylist() for name in ("path", "num_records", "size_bytes"))
    return {unquote(path): File(rows or 0, size) for path, rows, size in zip(*columns, strict=True)}


def total(files: Mapping[str, File]) -> File:
    """How much is in all of them."""
    return File(sum(each.rows for each in files.values()), sum(each.bytes for each in files.values()))


def log(place: str) -> Path:
    """The folder in which the log of a table in a folder lies."""
    return Path(place) / "_delta_log"


def refuse_path(place: str) -> None:
    """DatasetUnwritable for a folder that the libraries take for another, or for several.

    The one decodes what follows a percent sign, the other takes the rest for patterns.
    """
    odd = [] if names.is_url(place) else [character for character in "%*?[" if character in place]
    if odd:
        raise errors.DatasetUnwritable(place=place, why=f"a folder with {odd[0]} in its path cannot hold tables")
