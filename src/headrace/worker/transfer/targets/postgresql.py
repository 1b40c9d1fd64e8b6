"""Tables of PostgreSQL as targets. Whoever reads there sees the rows from before until all of the new ones are there."""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import psycopg

from headrace import errors
from headrace.model.transfer import End
from headrace.worker.transfer import postgres, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind, named
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.targets.tables import Tables

pa: Any = import_module("pyarrow")
csv: Any = import_module("pyarrow.csv")

PATIENCE = 60_000  # milliseconds for whoever reads the table to let go of it, so that it can be changed
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('headrace_loads'))"
_TYPES = """
WITH RECURSIVE types AS (
    SELECT attname, atttypid AS type, atttypmod AS digits FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attname, typbasetype, typtypmod FROM types JOIN pg_type ON pg_type.oid = type WHERE typtype = 'd'
)
SELECT attname, format_type(type, digits) FROM types JOIN pg_type ON pg_type.oid = type WHERE typtype <> 'd'
"""  # of a domain that of its values
_ROUNDING = re.compile(
    r"numeric\(|real|double|money|date|time|interval.|name$"
)  # types that round or cut what they cannot hold; others refuse it
_SHORT = {"time": "time without time zone", "timestamp": "timestamp without time zone"}
_WRITTEN = csv.WriteOptions(include_header=False, quoting_style="all_valid")  # so that NULL and "" are two things


class Postgres:
    dialect = queries.POSTGRES
    locking = " FOR UPDATE"

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        connection.execute(_ONE_AT_A_TIME)  # two that make one table at once stumble over each other

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement.encode(), parameters)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement.encode(), parameters).fetchall()

    def types(self, schema: str | None, table: str) -> Mapping[str, str]:
        found = self.rows(_TYPES, [self.dialect.name(schema, table).replace("%%", "%")])
        return {name: type.replace("%", "%%") for name, type in found}

    def kept(self, column: Column, there: str) -> Column:
        return column

    def takes(self, column: Column, there: str) -> bool:
        name = named(column, "postgresql")
        return there == _SHORT.get(name, name) or not _ROUNDING.match(there)

    def insert(self, table: str, columns: Sequence[Column], batches: Iterable[Batch]) -> int:
        names = self.dialect.names([column.name for column in columns])
        statement = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)".replace("%%", "%").encode()
        rows = 0
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for batch in batches:
                copy.write(_written(batch, columns))
                rows += batch.num_rows
        return rows

    def make_schema(self, name: str) -> None:
        if not self.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name]):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.dialect.name(name)}")

    def add(self, table: str, column: Column) -> None:
        """Who holds the table may be the job itself: its source may be a view of it, which it reads until it is over."""
        self.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
        try:
            self.execute(queries.add(self.dialect, table, column))
        except psycopg.errors.LockNotAvailable:
            raise _held(column) from None
        self.execute("SET LOCAL lock_timeout TO DEFAULT")

    def prepared(self) -> None:
        self._connection.commit()

    def commit(self) -> None:
        self._connection.commit()


def _held(column: Column) -> errors.LoadFailed:
    why = f"the target has no such column, and was in use for {PATIENCE / 1000:g} s, so that it could not be given one"
    return errors.LoadFailed(what=f"The column {column.name}", why=why)


def _written(batch: Batch, columns: Sequence[Column]) -> bytes:
    arrays = [
        _hex(array) if column.kind is Kind.BYTES else array
        for array, column in zip(batch.columns, columns, strict=True)
    ]
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns]), sink, _WRITTEN)
    return sink.getvalue().to_pybytes()


def _hex(array: Any) -> Any:
    return pa.array([None if value is None else f"\\x{value.hex()}" for value in array.to_pylist()], pa.string())


@contextmanager
def open(end: End, scope: Scope) -> Generator[Tables]:
    where = scope.address(end)
    with told(f"The table {end.name}", where, psycopg.Error), postgres.connect(where) as connection:
        yield Tables(Postgres(connection), end, scope)
