"""Tables of SQLite. It keeps to no type: what does not fit a column's declared one is refused, and named."""

import sqlite3
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from headrace import errors
from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer import batches, columns, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.telling import Telling, no_bookmark

_DAY = "typeof(t) || substr(t, 5, 1) || substr(t, 8, 1) || substr(t, 11, 1)"  # but for its digits: NULL of NULL
_ZONE = """
CASE WHEN t LIKE '%Z' THEN 'Z' || length(t)
     WHEN instr(substr(t, 12), '+') THEN substr(t, 11 + instr(substr(t, 12), '+'))
     WHEN instr(substr(t, 12), '-') THEN substr(t, 11 + instr(substr(t, 12), '-'))
     ELSE '' END
"""
_FORMS: Mapping[Kind, str] = {  # what two times `t` have in common whose texts are in the order of their moments
    Kind.DATE: _DAY,
    Kind.TIMESTAMP: f"{_DAY} || substr(t, 14, 1)",
    Kind.MOMENT: f"{_DAY} || substr(t, 14, 1) || {_ZONE}",
}
_COLUMNS = "SELECT name, type FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid"


class Table:
    dialect = queries.SQLITE

    def __init__(self, connection: sqlite3.Connection, end: End) -> None:
        self._connection = connection
        self._end = end
        self.relation = self.dialect.name(end.schema, end.table)

    def columns(self) -> Sequence[Column]:
        found = self._connection.execute(_COLUMNS, (self._end.table, self._end.schema or "main")).fetchall()
        if not found:
            raise errors.LoadFailed(what=f"The table {self._end.name}", why="there is no such table")
        return [columns.of_sqlite(*row) for row in found]

    def exactly(self, names: Collection[str]) -> "Table":
        return self  # its columns say what they are

    def value(self, column: Column) -> str:
        return self.dialect.name(column.name)

    def comparand(self, column: Column) -> str:
        return "?"

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        if form := _FORMS.get(column.kind):
            self._refuse_forms(column, form, since)
        asked, given = queries.greatest(self, f"max({self.dialect.name(column.name)})", column, since)
        found = self._connection.execute(asked, given).fetchone()[0]
        if isinstance(found, bytes):
            raise no_bookmark(column)
        return found

    def _refuse_forms(self, column: Column, form: str, since: Value | None) -> None:
        """LoadFailed for times that are not all written alike: SQLite compares their texts."""
        values = f"SELECT {self.dialect.name(column.name)} AS t FROM {self.relation} UNION ALL SELECT ?"  # noqa: S608
        asked = f"SELECT count(DISTINCT {form}) FROM ({values})"  # noqa: S608 - names are quoted
        if self._connection.execute(asked, [since]).fetchone()[0] > 1:
            why = "its times are written in several ways, or with several offsets, and are not in order as SQLite has them"
            raise errors.LoadFailed(what=f"The column {column.name}", why=why)

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        cursor = self._connection.execute(statement, parameters)
        yield from batches.of_rows(partial(_fetch, cursor, columns), columns)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The table {end.name}"
    with told(what, where, sqlite3.Error), closing(_connect(Path(where.path))) as connection:
        connection.execute("BEGIN")
        yield Telling(Table(connection, end), what, where, sqlite3.Error)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=60)


def _fetch(cursor: sqlite3.Cursor, columns: Sequence[Column], count: int) -> Sequence[Sequence[Any]]:
    rows = cursor.fetchmany(count)
    if not rows:
        return rows
    each = [_values(values, column) for values, column in zip(zip(*rows, strict=True), columns, strict=True)]
    return list(zip(*each, strict=True))


def _values(values: Sequence[Any], column: Column) -> list[Any]:
    read = _text if column.is_loose else _READ.get(column.kind)
    if read is None:
        return list(values)
    try:
        return [None if value is None else read(value) for value in values]
    except (ValueError, TypeError, ArithmeticError) as error:
        why = f"it was declared as {column.native or 'text'}, and has something else in it ({error!s:.200})"
        raise errors.LoadFailed(what=f"The column {column.name}", why=why) from None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise TypeError("bytes")
    return str(value)


def _timestamp(value: Any) -> datetime:
    """One with a zone is of another type: it would become another time of day."""
    found = datetime.fromisoformat(value)
    if found.tzinfo:
        raise ValueError(f"{value!r} has a zone")
    return found


def _moment(value: Any) -> datetime:
    """One without a zone is in UTC."""
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _truth(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError(repr(value))
    return bool(value)


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _truth,
    Kind.NUMERIC: lambda value: Decimal(_text(value)),
    Kind.DOUBLE: float,
    Kind.TEXT: _text,
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: _timestamp,
    Kind.MOMENT: _moment,
}
