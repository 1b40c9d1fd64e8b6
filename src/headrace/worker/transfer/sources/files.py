"""Files with a table in them: CSV, Parquet and JSON, on this machine or wherever fsspec reaches (`s3://…`).

DuckDB reads them, piece by piece; a path may be a pattern that names several (`day=*/part-*.parquet`), unless it is that
of a file. Columns are those within the files: folders give none. The types of CSV and JSON are told by every value that
there is: one that a sample does not have would be rounded to what the others are.
"""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace import errors
from headrace.datasets.scanning import exactly
from headrace.model.transfer import End
from headrace.worker.transfer import columns, duck, files, queries
from headrace.worker.transfer.columns import Kind
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.duckdb import Relation
from headrace.worker.transfer.sources.telling import Telling

_EVERY_FILE = 2**31 - 1
_CSV = "read_csv({}, hive_partitioning = false, sample_size = -1, files_to_sniff = -1{})"
_READERS: Mapping[str, str] = {
    "parquet": "read_parquet({}, hive_partitioning = false)",
    "json": f"read_json({{}}, hive_partitioning = false, sample_size = -1, maximum_sample_files = {_EVERY_FILE})",
}
_UNSURE = (Kind.DOUBLE, Kind.TEXT)  # what columns of numbers are taken for, by how those are written
_PLAIN = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)"  # a number without an exponent
_MEASURED = f"""
    bool_and(regexp_full_match(trim({{0}}), '{_PLAIN}')),
    max(length(ltrim(regexp_extract(trim({{0}}), '^[+-]?([0-9]*)', 1), '0'))),
    max(length(rtrim(regexp_extract(trim({{0}}), '[.]([0-9]*)$', 1), '0')))
"""  # whether a column is of such numbers alone, and their digits before and behind the point


class Csv(Relation):
    """A file that says of no column what it is: DuckDB takes a number with a point in it for one of seventeen digits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, named: str) -> None:
        super().__init__(connection, _CSV.format(named, ""))
        self._named = named

    def exactly(self, names: Collection[str]) -> Relation:
        """LoadFailed for numbers of more digits than decimals have."""
        unsure = [each.name for each in self.columns() if each.name.lower() in names and each.kind in _UNSURE]
        if not unsure or not (digits := self._digits(unsure)):
            return self
        casts = ", ".join(self._decimal(name, *each) for name, each in digits.items())
        exact = f"(SELECT * REPLACE ({casts}) FROM {self._with_text(digits)})"  # noqa: S608 - names are quoted
        return Relation(self._connection, exact)

    def _digits(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """So many digits the numbers have before and behind the point, of those columns that are of such alone."""
        measured = ", ".join(_MEASURED.format(self.dialect.name(name)) for name in names)
        asked = f"SELECT {measured} FROM {self._with_text(names)}"  # noqa: S608 - names are quoted
        found = iter(self._connection.execute(asked).fetchall()[0])
        told = zip(names, found, found, found, strict=False)  # three of each
        return {name: (before, behind) for name, is_plain, before, behind in told if is_plain}

    def _with_text(self, names: Iterable[str]) -> str:
        """The file, with these columns as they are written."""
        types = ", ".join(f"{queries.literal(name)}: 'VARCHAR'" for name in names)
        return _CSV.format(self._named, f", types = {{{types}}}")

    def _decimal(self, name: str, before: int, behind: int) -> str:
        if before + behind > columns.WIDEST:
            raise _too_wide(name)
        quoted = self.dialect.name(name)
        return f"CAST({quoted} AS DECIMAL({max(1, before + behind)}, {behind})) AS {quoted}"


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The file {end.path or end.name}"
    with told(what, where, duckdb.Error, OSError), duck.connect(":memory:", scope) as connection:
        if remote := files.remote(where):
            connection.register_filesystem(remote)
        relation = _relation(connection, end.plugin, _named(where.path))
        yield Telling(relation, what, where, duckdb.Error, OSError)


def _relation(connection: duckdb.DuckDBPyConnection, plugin: str, named: str) -> Relation:
    if plugin == "csv":
        return Csv(connection, named)
    if plugin == "parquet":
        _refuse_wide(connection, named)
    return Relation(connection, _READERS[plugin].format(named))


def _refuse_wide(connection: duckdb.DuckDBPyConnection, named: str) -> None:
    """LoadFailed for numbers of more digits than DuckDB has; it would read them as binary ones, with sixteen."""
    asked = f"SELECT name FROM parquet_schema({named}) WHERE precision > {columns.WIDEST} LIMIT 1"  # noqa: S608 - quoted
    for (name,) in connection.execute(asked).fetchall():
        raise _too_wide(name)


def _too_wide(name: str) -> errors.LoadFailed:
    return errors.LoadFailed(what=f"The column {name}", why=f"its numbers have more than {columns.WIDEST} digits")


def _named(path: str) -> str:
    return exactly(path) if Path(path).is_file() else queries.literal(path)
