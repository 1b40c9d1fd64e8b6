"""The short way to the driver, for what is written every few milliseconds.

A statement of SQLAlchemy Core is compiled once for each dialect; from then on its text and its values go straight to
the driver. On PostgreSQL a script is one round trip: its statements are sent together, and answered together.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.sql import ClauseElement

from headrace.store.columns import ID
from headrace.store.exchange import Exchange

Columns = Mapping[str, Any]
Process = Callable[[Any], Any] | None


class Statement:
    """A statement whose values are given by name; those that are written into it stay."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._forms: dict[str, Form] = {}

    def on(self, dialect: sa.Dialect) -> "Form":
        """It, as that dialect writes it."""
        if dialect.name not in self._forms:
            self._forms[dialect.name] = Form(self._clause, dialect)
        return self._forms[dialect.name]


class Plural:
    """A statement about any number of ids: there is one for each power of two, so that there are few in all."""

    def __init__(self, write: Callable[[list[sa.BindParameter[int]]], ClauseElement]) -> None:
        self._write = write
        self._sizes: dict[int, Statement] = {}

    def of(self, ids: Collection[int]) -> tuple[Statement, Columns]:
        """The statement, and its values; the last id fills what is over. There must be one at least."""
        given = sorted(ids)
        size = 1 << (len(given) - 1).bit_length()
        if size not in self._sizes:
            self._sizes[size] = Statement(self._write([sa.bindparam(f"id_{n}", type_=ID) for n in range(size)]))
        padded = given + given[-1:] * (size - len(given))
        return self._sizes[size], {f"id_{n}": each for n, each in enumerate(padded)}


def insertion(table: sa.Table, *names: str, **found: sa.ScalarSelect[Any]) -> Statement:
    """Inserts a row of these columns, and of those that are `found` by a query."""
    given = {name: sa.bindparam(name, type_=table.c[name].type) for name in names}
    return Statement(sa.insert(table).values({**given, **found}))


class Form:
    """The text of a statement in one dialect, and what the driver takes and gives for its values."""

    def __init__(self, clause: ClauseElement, dialect: sa.Dialect) -> None:
        compiled: Any = clause.compile(dialect=_numbering(dialect) if dialect.name == "postgresql" else dialect)
        self.text = str(compiled)
        names: Sequence[str] = compiled.positiontup
        self._given = [(name, _process(compiled.binds[name].type, dialect, "bind_processor")) for name in names]
        self._fixed = {name: compiled.binds[name].value for name in names if compiled.binds[name].value is not None}
        self._dialect = dialect
        self._columns: list[Any] = list(getattr(clause, "selected_columns", ()))
        self.names = [column.name for column in self._columns]
        self._returned: list[Process] = []

    def values(self, columns: Columns) -> list[Any]:
        """Them, in the way and the order in which the driver is given them."""
        if self._fixed:
            columns = {**self._fixed, **columns}
        return [process(columns[name]) if process else columns[name] for name, process in self._given]

    def rows(self, cursor: Any) -> list[tuple[Any, ...]]:
        """What the driver has returned; how its values are read depends on what it says they are."""
        if not self._returned:
            codes = [described[1] for described in cursor.description]
            given = zip(self._columns, codes, strict=True)
            self._returned = [_process(column.type, self._dialect, "result_processor", code) for column, code in given]
        reading = self._returned
        return [
            tuple([process(value) if process else value for process, value in zip(reading, row, strict=True)])
            for row in cursor.fetchall()
        ]


class Answer:
    """What became of a statement; not to be asked before the script is over."""

    def __init__(self, cursor: Any, form: Form) -> None:
        self._cursor = cursor
        self._form = form

    @property
    def came(self) -> bool:
        """Whether there are rows to be had: there are none where the script failed before it came to this."""
        return self._cursor.description is not None

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self._form.rows(self._cursor)

    @property
    def named(self) -> list[dict[str, Any]]:
        """The rows, each by the names of its columns."""
        return [dict(zip(self._form.names, row, strict=True)) for row in self.rows]

    @property
    def count(self) -> int:
        """How many rows it changed."""
        return self._cursor.rowcount


class Script:
    """Statements within the transaction of that connection, in the order in which they are said."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._dialect = connection.dialect
        self._sight = connection.get_execution_options().get("sight")
        self._exchange = Exchange(self._driver) if connection.dialect.name == "postgresql" else None

    def say(self, statement: Statement, columns: Columns) -> Answer:
        if self._exchange:
            return self._exchanged(self._exchange, statement, [columns])
        form, cursor = statement.on(self._dialect), self._driver.cursor()
        cursor.execute(self._text(form), form.values(columns))
        return Answer(cursor, form)

    def say_of_each(self, statement: Statement, many: Iterable[Columns]) -> Answer:
        if self._exchange:
            return self._exchanged(self._exchange, statement, many)
        form, cursor = statement.on(self._dialect), self._driver.cursor()
        cursor.executemany(self._text(form), map(form.values, many))
        return Answer(cursor, form)

    def ask(self, statement: Statement, columns: Columns) -> Answer:
        """The answer to a statement that is a script by itself."""
        with self:
            return self.say(statement, columns)

    def _exchanged(self, exchange: Exchange, statement: Statement, many: Iterable[Columns]) -> Answer:
        form = statement.on(self._dialect)
        return Answer(exchange.say(self._text(form), map(form.values, many), lasting=not self._sight), form)

    def _text(self, form: Form) -> str:
        return self._sight.text(form.text) if self._sight else form.text

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Everything is answered by now; what the tables refuse is SQLAlchemy's IntegrityError, as it is elsewhere."""
        broken: Any = self._dialect.loaded_dbapi.IntegrityError
        try:
            if self._exchange:
                self._exchange.end()
        except BaseException as refused:
            self._let_go(refused)
            if isinstance(refused, broken):
                raise exc.IntegrityError("script", None, refused) from refused
            raise
        if isinstance(error, Exception):
            self._let_go(error)
        if error is not None and isinstance(error, broken):
            raise exc.IntegrityError("script", None, error) from error

    def _let_go(self, error: BaseException) -> None:
        """After an error the connection may be lost, and nobody knows what the server has prepared: it ends."""
        if self._exchange:
            self._connection.invalidate(error)


@cache
def _numbering(dialect: sa.Dialect) -> sa.Dialect:
    """The dialect, as it writes values that are given by their numbers."""
    found: Any = copy.copy(dialect)
    found.paramstyle, found.positional = "numeric_dollar", True
    found.identifier_preparer = found.preparer(found)
    return found


def _process(kind: Any, dialect: sa.Dialect, name: str, *more: Any) -> Process:
    return getattr(kind.dialect_impl(dialect), name)(dialect, *more)
