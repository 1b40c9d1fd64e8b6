"""Tables of PostgreSQL, read through a cursor of the server's: however large they are, some megabytes are on their way."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg

from headrace import errors
from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer import batches, columns, postgres, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.telling import Telling

_AS_TEXT = frozenset({Kind.JSON, Kind.UUID, Kind.TEXT})
_COLUMNS = """
SELECT a.attname, coalesce(b.typname, t.typname), information_schema._pg_numeric_precision(coalesce(b.oid, t.oid), m.typmod),
       information_schema._pg_numeric_scale(coalesce(b.oid, t.oid), m.typmod)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


class Table:
    dialect = queries.POSTGRES

    def __init__(self, connection: "psycopg.Connection[Any]", end: End) -> None:
        self._connection = connection
        self._name = end.name
        self.relation = self.dialect.name(end.schema, end.table)

    def columns(self) -> Sequence[Column]:
        found = self._connection.execute(_COLUMNS, [self.relation.replace("%%", "%")]).fetchall()
        if not found:
            raise errors.LoadFailed(what=f"The table {self._name}", why="there is no such table, or it may not be seen")
        return [columns.of_postgres(*row) for row in found]

    def exactly(self, names: Collection[str]) -> "Table":
        return self  # its columns say what they are

    def value(self, column: Column) -> str:
        name = self.dialect.name(column.name)
        return f"{name}::text" if column.kind in _AS_TEXT or column.is_loose else name

    def comparand(self, column: Column) -> str:
        return "%s"  # it takes the type of what it is compared with

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        asked, given = queries.greatest(self, f"max({self.dialect.name(column.name)})::text", column, since)
        (row,) = self._connection.execute(asked.encode(), given).fetchall()
        return cast("str | None", row[0])

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        with self._connection.cursor("headrace") as cursor:
            cursor.execute(statement.encode(), parameters)
            yield from batches.of_rows(cursor.fetchmany, columns)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The table {end.name}"
    with told(what, where, psycopg.Error), postgres.connect(where) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield Telling(Table(connection, end), what, where, psycopg.Error)
