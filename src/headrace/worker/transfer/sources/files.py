"""Files with a table in them: CSV, Parquet and JSON, on this machine or wherever fsspec reaches (`s3://…`).

DuckDB reads them, piece by piece; a path may be a pattern that names several (`day=*/part-*.parquet`), unless it is that
of a file. Columns are those within the files: folders give none. The types of CSV and JSON are told by every value that
there is: one that a sample does not have would be rounded to what the others are.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace import errors
from headrace.datasets.scanning import exactly
from headrace.model.transfer import End
from headrace.worker.transfer import columns, duck, files, queries
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.duckdb import Relation
from headrace.worker.transfer.sources.telling import Telling

_EVERY_FILE = 2**31 - 1
_READERS: Mapping[str, str] = {
    "csv": "read_csv({}, hive_partitioning = false, sample_size = -1, files_to_sniff = -1)",
    "parquet": "read_parquet({}, hive_partitioning = false)",
    "json": f"read_json({{}}, hive_partitioning = false, sample_size = -1, maximum_sample_files = {_EVERY_FILE})",
}


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The file {end.path or end.name}"
    with told(what, where, duckdb.Error, OSError), duck.connect(":memory:", scope) as connection:
        if remote := files.remote(where):
            connection.register_filesystem(remote)
        named = _named(where.path)
        if end.plugin == "parquet":
            _refuse_wide(connection, named)
        relation = _READERS[end.plugin].format(named)
        yield Telling(Relation(connection, relation), what, where, duckdb.Error, OSError)


def _refuse_wide(connection: duckdb.DuckDBPyConnection, named: str) -> None:
    """LoadFailed for numbers of more digits than DuckDB has; it would read them as binary ones, with sixteen."""
    asked = f"SELECT name FROM parquet_schema({named}) WHERE precision > {columns.WIDEST} LIMIT 1"  # noqa: S608 - quoted
    for (name,) in connection.execute(asked).fetchall():
        raise errors.LoadFailed(what=f"The column {name}", why=f"its numbers have more than {columns.WIDEST} digits")


def _named(path: str) -> str:
    return exactly(path) if Path(path).is_file() else queries.literal(path)
