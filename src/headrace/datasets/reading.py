"""Reading: a version of a table, as files, or some of its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.datasets import tables

BATCH = 4 * 2**20  # bytes, about, that are read at once
_MOST = 2**10  # rows that are: what a file says of its bytes may be less than they are once they are read
_READ = {"timestampNtz"}  # features of Delta Lake that change nothing in how files are read


@dataclass(frozen=True, slots=True)
class Files:
    """The Parquet files of a version of a table in a folder; all its rows are in them, and none else.

    `columns` are those of the version, in its order: that of a file may be another.
    """

    paths: Sequence[Path]
    columns: Sequence[str]


def files(location: str, version: int) -> Files:
    """What that version is made of. DatasetUnreadable when it is not there any more, or needs what is not read here."""
    table = open(location, version)
    columns = [field.name for field in table.schema().fields]
    return Files([Path(location) / name for name in tables.files(table)], columns)


def open(location: str, version: int) -> Any:
    """The table (a deltalake.DeltaTable), in a folder or at a URL, at that version. DatasetUnreadable as `files` has it."""
    deltalake = tables.delta()
    try:
        table = tables.find(location, version)
    except (deltalake.exceptions.DeltaError, OSError) as error:
        raise errors.DatasetUnreadable(place=location, version=version, why=tables.why(error)) from error
    if table is None:
        raise errors.DatasetUnreadable(place=location, version=version, why="there is no table")
    _refuse_features(location, version, table)
    return table


def schema(location: str, version: int) -> Any:
    """The Arrow schema of that version. DatasetUnreadable as `files` has it."""
    return import_module("pyarrow").schema(open(location, version).schema().to_arrow())


def page(location: str, version: int, first: int, rows: int, most: int | None = None) -> Any:
    """At most so many rows of that version as a pyarrow.Table, those from the number `first` on, in the order of its files.

    Only the groups of rows that they lie in are read, and where they have more than `most` bytes, no more than show that.
    DatasetUnreadable as `files` has it.
    """
    pa: Any = import_module("pyarrow")
    dataset = open(location, version).to_pyarrow_dataset()
    try:
        found = list(_some(_rows(dataset, first), rows, most))
    except (OSError, pa.ArrowException) as error:
        raise errors.DatasetUnreadable(place=location, version=version, why=tables.why(error)) from error
    return pa.concat_tables([dataset.schema.empty_table(), *found])


def _some(parts: Iterator[Any], rows: int, most: int | None) -> Iterator[Any]:
    """At most so many rows of all parts, and none more once they have more than `most` bytes."""
    size = 0
    while rows > 0 and (most is None or size <= most) and (part := next(parts, None)):
        taken = part.slice(0, rows)
        rows, size = rows - taken.num_rows, size + taken.nbytes
        yield taken


def _rows(dataset: Any, first: int) -> Iterator[Any]:
    """The rows from the number `first` on, as tables that are read as they are asked for."""
    parquet: Any = import_module("pyarrow.parquet")
    for fragment in dataset.get_fragments():
        with parquet.ParquetFile(fragment.open()) as file:
            for number in range(file.num_row_groups):
                skipped = min(first, file.metadata.row_group(number).num_rows)
                first -= skipped
                yield from _of_group(file, number, skipped, dataset.schema)


def parts(file: Any, schema: Any, rows: int) -> Iterator[Any]:
    """The rows of a pyarrow.parquet.ParquetFile, so many at once, as tables that have the columns of the Arrow schema."""
    return (_fitted(batch, schema) for batch in file.iter_batches(rows))


def _of_group(file: Any, number: int, first: int, schema: Any) -> Iterator[Any]:
    group = file.metadata.row_group(number)
    if first == group.num_rows:
        return
    at_once = max(1, min(BATCH * group.num_rows // max(1, group.total_byte_size), _MOST))
    for batch in file.iter_batches(at_once, row_groups=[number]):
        if first < batch.num_rows:
            yield _fitted(batch.slice(first), schema)
        first = max(first - batch.num_rows, 0)


def _fitted(batch: Any, schema: Any) -> Any:
    """The rows with the columns that the version has; a column that came later is without values in an older file."""
    pa: Any = import_module("pyarrow")
    there = {
        each.name: batch.column(each.name).cast(each.type)
        if each.name in batch.schema.names
        else pa.nulls(batch.num_rows, each.type)
        for each in schema
    }
    return pa.table(there, schema=schema)


def _refuse_features(location: str, version: int, table: Any) -> None:
    needed = set(table.protocol().reader_features or ()) - _READ
    if needed:
        raise errors.DatasetUnreadable(place=location, version=version, why=f"it needs {', '.join(sorted(needed))}")
    if table.metadata().partition_columns:
        raise errors.DatasetUnreadable(place=location, version=version, why="it is partitioned")
