"""Tables of DuckDB's own files."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager

import duckdb

from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer import batches, columns, duck, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.telling import Telling


class Relation:
    """Whatever DuckDB can select from."""

    dialect = queries.DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        self._connection = connection
        self.relation = relation

    def columns(self) -> Sequence[Column]:
        found = self._connection.execute(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()  # noqa: S608 - quoted
        return [columns.of_duckdb(row[0], row[1]) for row in found]

    def exactly(self, names: Collection[str]) -> "Relation":
        return self  # its columns say what they are

    def value(self, column: Column) -> str:
        name = self.dialect.name(column.name)
        if column.kind is Kind.JSON and column.native != "JSON":
            return f"to_json({name})::VARCHAR"
        if column.native == "TIMESTAMP_NS":
            return name  # a cast here would cut what is less than a microsecond
        kind = "VARCHAR" if column.is_loose or column.kind is Kind.UUID else columns.named(column, "duckdb")
        return f"{name}::{kind}"

    def comparand(self, column: Column) -> str:
        return f"CAST(? AS {column.native})"

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        asked, given = queries.greatest(self, f"max({self.dialect.name(column.name)})::VARCHAR", column, since)
        ((found,),) = self._connection.execute(asked, given).fetchall()
        return found

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        found = duck.batches(self._connection, statement, parameters)
        yield from batches.conformed(found, columns)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The table {end.name}"
    with told(what, where, duckdb.Error), duck.connect(where.path, scope, read_only=True) as connection:
        connection.execute("BEGIN")
        relation = queries.DUCKDB.name(end.schema, end.table)
        yield Telling(Relation(connection, relation), what, where, duckdb.Error)
