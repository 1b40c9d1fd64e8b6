"""Files with a table in them: CSV, Parquet and JSON, on this machine or wherever fsspec reaches (`s3://…`).

DuckDB reads them, piece by piece; a path may be a pattern that names several (`day=*/part-*.parquet`), unless it is that
of a file. Columns are those within the files: folders give none. The types of CSV and JSON are told by every value that
there is: one that a sample does not have would be rounded to what the others are.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace import errors
from headrace.datasets.scanning import exactly
from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer import columns as kinds
from headrace.worker.transfer import duck, files, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources import delimited, digits
from headrace.worker.transfer.sources.duckdb import Relation
from headrace.worker.transfer.sources.telling import Telling

_EVERY_FILE = 2**31 - 1
_PARQUET = "read_parquet({}, hive_partitioning = false)"
_JSON = f"read_json({{}}, hive_partitioning = false, sample_size = -1, maximum_sample_files = {_EVERY_FILE})"
_MEASURED = (*digits.LIMITED, Kind.DATE)
_NOTHING = '"NULL"'  # the type of a column that has no value
_UNLIKE = """
SELECT min(file_name) FROM (
    SELECT file_name, list((name, duckdb_type, num_children) ORDER BY column_id) AS columns
    FROM parquet_schema({}) GROUP BY file_name
) GROUP BY columns ORDER BY 1
"""  # a file of each sort that there is, by how its columns are written


class Json(Relation):
    """Objects, whose numbers and times may have more digits than DuckDB's types."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, named: str) -> None:
        super().__init__(connection, _JSON.format(named))
        self._objects = f"read_json_objects({named})"

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        """LoadFailed for what has more digits than its type."""
        measured = {each: digits.lost(each.kind, _written(each)) for each in columns if each.kind in _MEASURED}
        digits.refuse(self._connection, measured, self._objects)
        yield from super().batches(statement, parameters, columns)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The file {end.path or end.name}"
    with told(what, where, duckdb.Error, OSError), duck.connect(":memory:", scope) as connection:
        if remote := files.remote(where):
            connection.register_filesystem(remote)
        relation = _relation(connection, end.plugin, _named(where.path), what)
        yield Telling(relation, what, where, duckdb.Error, OSError)


def _relation(connection: duckdb.DuckDBPyConnection, plugin: str, named: str, what: str) -> Relation:
    match plugin:
        case "csv":
            return delimited.opened(connection, named, what)
        case "json":
            return Json(connection, named)
        case _:
            _refuse_wide(connection, named)
            _refuse_unlike(connection, named)
            _refuse_twins(connection, named)
            return Relation(connection, _PARQUET.format(named))


def _refuse_wide(connection: duckdb.DuckDBPyConnection, named: str) -> None:
    """LoadFailed for numbers of more digits than DuckDB has; it would read them as binary ones, with sixteen."""
    asked = f"SELECT name FROM parquet_schema({named}) WHERE precision > {kinds.WIDEST} LIMIT 1"  # noqa: S608 - quoted
    for (name,) in connection.execute(asked).fetchall():
        raise errors.LoadFailed(what=f"The column {name}", why=f"its numbers have more than {kinds.WIDEST} digits")


def _refuse_unlike(connection: duckdb.DuckDBPyConnection, named: str) -> None:
    """LoadFailed for files of a pattern that have other columns than the first, as which all would be read."""
    sorts = [path for (path,) in connection.execute(_UNLIKE.format(named)).fetchall()]
    types = _types(connection, named)
    for path in sorts if len(sorts) > 1 else ():
        found = _types(connection, exactly(path))
        for name in {**types, **found}:
            there, here = types.get(name, "none"), found.get(name, "none")
            if here not in (there, _NOTHING):
                why = f"files of the pattern differ in it: in {path} it is {here}, and in the first one {there}"
                raise errors.LoadFailed(what=f"The column {name}", why=why)


def _refuse_twins(connection: duckdb.DuckDBPyConnection, named: str) -> None:
    """LoadFailed for columns that DuckDB would call otherwise than they are."""
    asked = f"SELECT name, num_children FROM parquet_schema({named}) ORDER BY file_name, column_id"  # noqa: S608 - quoted
    elements = iter(connection.execute(asked).fetchall())
    _, count = next(elements)
    kinds.refuse_twins(_names(elements, count))


def _names(elements: Iterator[tuple[str, int | None]], count: int) -> Sequence[str]:
    """Of the next columns, so many; what lies within them is passed over."""
    names: list[str] = []
    for _ in range(count):
        name, within = next(elements)
        names.append(name)
        _names(elements, within or 0)
    return names


def _types(connection: duckdb.DuckDBPyConnection, named: str) -> Mapping[str, str]:
    return {each.name.lower(): each.native for each in Relation(connection, _PARQUET.format(named)).columns()}


def _written(column: Column) -> str:
    """The expression of its value as it is written."""
    path = column.name.replace("~", "~0").replace("/", "~1")
    return f"json ->> {queries.literal(f'/{path}')}"


def _named(path: str) -> str:
    return exactly(path) if Path(path).is_file() else queries.literal(path)
