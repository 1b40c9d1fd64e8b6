"""Tables of MySQL and MariaDB, read as the server sends them: however large they are, some megabytes are on their way."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any

from headrace import errors
from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer import batches, columns, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.connections import PORTS, TIMEOUT, Address
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.sources.telling import Telling, no_bookmark

_COLUMNS = """
SELECT column_name, data_type, column_type, numeric_precision, numeric_scale FROM information_schema.columns
WHERE table_schema = coalesce(%s, database()) AND table_name = %s ORDER BY ordinal_position
"""
_SNAPSHOT = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_LETTERS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"})
_SECURE = ("ssl_ca", "ssl_cert", "ssl_key")
_WHOLE = frozenset({Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT})  # what is compared as it is, others as text


class Table:
    dialect = queries.MYSQL

    def __init__(self, connection: Any, end: End) -> None:
        self._connection = connection
        self._end = end
        self.relation = self.dialect.name(end.schema, end.table)

    def columns(self) -> Sequence[Column]:
        found = self._rows(_COLUMNS, [self._end.schema, self._end.table])
        if not found:
            why = "there is no such table, or it may not be seen"
            raise errors.LoadFailed(what=f"The table {self._end.name}", why=why)
        return [columns.of_mysql(*row) for row in found]

    def exactly(self, names: Collection[str]) -> "Table":
        return self  # its columns say what they are

    def value(self, column: Column) -> str:
        """A CAST of a text that is longer than the server's packets would be NULL."""
        exact = self._exact(self.dialect.name(column.name), column)
        return f"CAST({exact} AS CHAR)" if column.is_loose or _is_worded(column) else exact

    def comparand(self, column: Column) -> str:
        return "%s"

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        if column.kind is Kind.BYTES:
            raise no_bookmark(column)
        most = f"max({self._exact(self.dialect.name(column.name), column)})"
        asked, given = queries.greatest(self, f"CAST({most} AS CHAR)" if _is_worded(column) else most, column, since)
        ((found,),) = self._rows(asked, given)
        return found if found is None or column.kind in _WHOLE else str(found)

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        with self._connection.cursor(_cursors().SSCursor) as cursor:
            cursor.execute(statement, list(parameters))
            yield from batches.of_rows(partial(_fetch, cursor, columns), columns)

    def _exact(self, name: str, column: Column) -> str:
        """Some numbers would be shown cut, or as bytes."""
        if column.kind is Kind.REAL:
            return f"({name} + 0e0)"
        return f"({name} + 0)" if column.native == "bit" else name

    def _rows(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, list(parameters))
            return cursor.fetchall()


@contextmanager
def open(end: End, scope: Scope) -> Generator[Telling]:
    where, what = scope.address(end), f"The table {end.name}"
    _refuse_unknown(where, end)
    library = _library()
    with told(what, where, library.MySQLError, OSError), closing(_connect(library, where)) as connection:
        with connection.cursor() as cursor:
            for statement in _SNAPSHOT:
                cursor.execute(statement)
        yield Telling(Table(connection, end), what, where, library.MySQLError)


def _is_worded(column: Column) -> bool:
    """Whether its values are of a type that is told in words here; times come as spans otherwise, which may be days."""
    return column.kind in (Kind.TEXT, Kind.JSON) and column.native not in _LETTERS


def _library() -> Any:
    try:
        return import_module("pymysql")
    except ImportError:
        raise errors.LoadFailed(what="A table of MySQL", why="pymysql is not here: install headrace[mysql]") from None


def _cursors() -> Any:
    return import_module("pymysql.cursors")


def _connect(library: Any, where: Address) -> Any:
    terms = {"host": where.host, "port": where.port or PORTS["mysql"], "user": where.user, "password": where.password}
    terms |= {"database": where.database or None, "charset": "utf8mb4", "connect_timeout": TIMEOUT}
    secure = {**where.options, "ssl_verify_identity": True} if where.options else {}
    return library.connect(**terms, **secure)


def _refuse_unknown(where: Address, end: End) -> None:
    """An option that is passed over in silence would leave a connection open to whoever listens. BadConnection."""
    for name, value in where.options.items():
        if name not in _SECURE or not isinstance(value, str):
            why = f"of options there are {', '.join(_SECURE)}, each a path"
            raise errors.BadConnection(secret=end.secret, what=end.name, why=why)


def _fetch(cursor: Any, columns: Sequence[Column], count: int) -> Sequence[Sequence[Any]]:
    """Moments come without their zone, which is UTC here."""
    rows = cursor.fetchmany(count)
    moments = {place for place, column in enumerate(columns) if column.kind is Kind.MOMENT}
    if not moments:
        return rows
    return [[_moment(value) if place in moments else value for place, value in enumerate(row)] for row in rows]


def _moment(value: Any) -> Any:
    """One that no calendar has (`0000-00-00`) comes as its text, and is refused as that."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
