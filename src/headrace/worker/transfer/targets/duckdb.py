"""Tables of DuckDB's own files as targets. A file is one process's at a time: jobs take turns."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from headrace.datasets.scanning import scan
from headrace.model.transfer import End
from headrace.worker.transfer import duck, files, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, named
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.targets import parquet
from headrace.worker.transfer.targets.tables import Tables

_TYPES = """
SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()
AND lower(schema_name) = lower(coalesce(?, current_schema())) AND lower(table_name) = lower(?) ORDER BY column_index
"""


class DuckDB:
    dialect = queries.DUCKDB
    locking = ""  # the file is this process's

    def __init__(self, connection: duckdb.DuckDBPyConnection, staged: Path) -> None:
        self._connection = connection
        self._staged = staged  # where rows may lie on their way
        connection.execute("BEGIN")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, list(parameters))

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, list(parameters)).fetchall()

    def types(self, schema: str | None, table: str) -> Mapping[str, str]:
        return {row[0]: row[1] for row in self.rows(_TYPES, (schema, table))}

    def kept(self, column: Column, there: str) -> Column:
        return column.settled

    def takes(self, column: Column, there: str) -> bool:
        """It converts whatever it can, and rounds or cuts for that."""
        return there in ("VARCHAR", named(column, "duckdb"))

    def insert(self, table: str, columns: Sequence[Column], batches: Iterable[Batch]) -> int:
        """By way of a file: only what comes in one statement is written while it comes, and not kept in memory."""
        rows = parquet.write(self._staged, columns, batches)
        values = {each.name: self.dialect.name(each.name) for each in columns}
        staged = scan([self._staged])
        self._connection.execute(queries.insert_from(self.dialect, table, staged, values))
        self._staged.unlink()
        return rows

    def make_schema(self, name: str) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.dialect.name(name)}")

    def add(self, table: str, column: Column) -> None:
        self.execute(queries.add(self.dialect, table, column))

    def prepared(self) -> None:
        pass

    def commit(self) -> None:
        self._connection.execute("COMMIT")


@contextmanager
def open(end: End, scope: Scope) -> Generator[Tables]:
    where = scope.address(end)
    with (
        files.alone(where.path),
        told(f"The table {end.name}", where, duckdb.Error),
        duck.connect(where.path, scope) as connection,
    ):
        yield Tables(DuckDB(connection, scope.place / "staged.parquet"), end, scope)
