"""Tables of SQLite as targets."""

import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Context, Decimal
from math import isnan
from typing import Any

from headrace import errors
from headrace.model.transfer import End
from headrace.worker.transfer import queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import WIDEST, Column, Kind
from headrace.worker.transfer.files import folder_of
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.targets.tables import Tables

WAIT = 600  # seconds that another job may be at the file
_AS_TEXT = frozenset({Kind.TEXT, Kind.NUMERIC, Kind.DATE, Kind.TIME})  # which sqlite3 has no form for
_NUMBERS = frozenset({Kind.NUMERIC, Kind.REAL, Kind.DOUBLE})
_DIGITS = 15  # of a number that is no whole one
_AMPLE = Context(prec=20_000)  # more digits than any database has
_MOMENTS = frozenset({Kind.TIMESTAMP, Kind.MOMENT})


class SQLite:
    dialect = queries.SQLITE
    locking = ""  # the file is this transaction's

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, parameters)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, parameters).fetchall()

    def types(self, schema: str | None, table: str) -> Mapping[str, str]:
        asked = "SELECT name, type FROM pragma_table_xinfo(?, ?)"
        return {row[0]: row[1] for row in self.rows(asked, (table, schema or "main"))}

    def kept(self, column: Column, there: str) -> Column:
        """A column of text or of no type keeps all that it is given as text; others make numbers of what looks like one."""
        affinity = _affinity(there)
        if affinity in ("TEXT", "BLOB"):
            return replace(column, kind=Kind.TEXT) if column.kind in _NUMBERS else column
        large = column.kind is Kind.BIGINT or (column.kind is Kind.NUMERIC and (column.precision or WIDEST) > _DIGITS)
        if column.kind is Kind.TEXT or (large and affinity == "REAL"):
            why = f"in the target it is of the type {there}, where it could become another value"
            raise errors.LoadFailed(what=f"The column {column.name}", why=why)
        return column

    def takes(self, column: Column, there: str) -> bool:
        return True

    def insert(self, table: str, columns: Sequence[Column], batches: Iterable[Batch]) -> int:
        names = self.dialect.names([column.name for column in columns])
        marks = ", ".join("?" for _ in columns)
        rows = 0
        for batch in batches:
            values = [_plain(array, column) for array, column in zip(batch.columns, columns, strict=True)]
            self._connection.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - names are quoted
                zip(*values, strict=True),
            )
            rows += batch.num_rows
        return rows

    def make_schema(self, name: str) -> None:
        pass  # a file has one, and no other

    def add(self, table: str, column: Column) -> None:
        self.execute(queries.add(self.dialect, table, column))

    def prepared(self) -> None:
        pass

    def commit(self) -> None:
        self._connection.execute("COMMIT")


def _affinity(declared: str) -> str:
    """What SQLite makes of values in a column that was declared so, by its own rules and in their order."""
    upper = declared.upper()
    found = (affinity for words, affinity in _AFFINITIES if any(word in upper for word in words))
    return next(found, "NUMERIC" if upper else "BLOB")


_AFFINITIES = (
    (("INT",), "INTEGER"),
    (("CHAR", "CLOB", "TEXT"), "TEXT"),
    (("BLOB",), "BLOB"),
    (("REAL", "FLOA", "DOUB"), "REAL"),
)


def _plain(array: Any, column: Column) -> list[Any]:
    values = _python(array, column)
    _refuse_unfit(values, column)
    if column.kind in _AS_TEXT:
        return [None if value is None else str(value) for value in values]
    if column.kind in _MOMENTS:
        return [None if value is None else value.isoformat(" ") for value in values]
    return values


def _python(array: Any, column: Column) -> list[Any]:
    """LoadFailed for a day that Python has no form for."""
    try:
        return array.to_pylist()
    except (ValueError, OverflowError):
        why = "it has a day before the year 1 or after 9999 in it"
        raise errors.LoadFailed(what=f"The column {column.name}", why=why) from None


def _refuse_unfit(values: Sequence[Any], column: Column) -> None:
    """LoadFailed for numbers that SQLite would round, or take for NULL."""
    if column.kind is Kind.NUMERIC and not all(value is None or _is_exact(Decimal(value)) for value in values):
        why = f"it has a number of more than {_DIGITS} digits, which only a column of TEXT keeps"
        raise errors.LoadFailed(what=f"The column {column.name}", why=why)
    if column.kind in (Kind.REAL, Kind.DOUBLE) and any(value is not None and isnan(value) for value in values):
        raise errors.LoadFailed(what=f"The column {column.name}", why="it has NaN in it, which SQLite takes for NULL")


def _is_exact(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    return len(value.normalize(_AMPLE).as_tuple().digits) <= _DIGITS or (value == int(value) and abs(value) < 2**63)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Tables]:
    where = scope.address(end)
    folder_of(where.path)
    connecting = sqlite3.connect(where.path, isolation_level=None, timeout=WAIT)
    with told(f"The table {end.name}", where, sqlite3.Error), closing(connecting) as connection:
        yield Tables(SQLite(connection), end, scope)
