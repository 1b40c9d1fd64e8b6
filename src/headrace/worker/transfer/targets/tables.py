"""Tables of a database as targets: the rows, and the bookmark in the table `headrace_loads` beside them, in one transaction.

The job's row there is locked from the beginning to the commit. So of two attempts of a job, should the earlier one still
be at it, the later waits for it, and finds its bookmark.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from headrace import errors
from headrace.model.loads import Bookmark, Mode
from headrace.model.transfer import LOADS, STAGING, End
from headrace.worker.transfer import conversions, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind, named
from headrace.worker.transfer.queries import Dialect
from headrace.worker.transfer.scope import Scope
from headrace.worker.transfer.targets import Loaded, Loading

_LOADS = [
    Column("job", Kind.TEXT),
    Column("target", Kind.TEXT),
    Column("state", Kind.TEXT),
    Column("attempt", Kind.TEXT),
    Column("value", Kind.TEXT),
    Column("kind", Kind.TEXT),
    Column("rows", Kind.BIGINT),
]
_DECIMAL = re.compile(r"(numeric|decimal)\s*(\(.*\))?", re.IGNORECASE)


class Database(Protocol):
    """A session within a transaction. `locking` is what a statement ends with that keeps a row for itself."""

    dialect: Dialect
    locking: str

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None: ...

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Sequence[Any]]: ...

    def types(self, schema: str | None, table: str) -> Mapping[str, str]:
        """Of the columns of a table, by their names; nothing of one that is not there."""
        ...

    def kept(self, column: Column, there: str) -> Column:
        """The column as its values are put into one of the type `there`. LoadFailed where they cannot."""
        ...

    def takes(self, column: Column, there: str) -> bool:
        """Whether a column of the type `there` takes its values as they are, or refuses them."""
        ...

    def insert(self, table: str, columns: Sequence[Column], batches: Iterable[Batch]) -> int:
        """Puts the rows into the table; how many there were."""
        ...

    def make_schema(self, name: str) -> None:
        """The schema is there. Who may only use it is not asked for more, nor who may only use a table."""
        ...

    def add(self, table: str, column: Column) -> None:
        """The table has the column. LoadFailed where others do not let go of the table."""
        ...

    def prepared(self) -> None:
        """The table of bookmarks and the job's row in it are to be there for others, too."""
        ...

    def commit(self) -> None: ...


class Tables:
    """A table of a database as the target of a job."""

    def __init__(self, database: Database, end: End, scope: Scope) -> None:
        self._database = database
        self._end = end
        self._scope = scope
        self._dialect = database.dialect
        self._table = self._dialect.name(end.schema, end.table)
        self._loads = self._dialect.name(end.schema, LOADS)
        self._prepare()

    def bookmark(self) -> Bookmark | None:
        asked = f"SELECT state, attempt, value, kind FROM {self._loads} WHERE job = {self._mark}"  # noqa: S608
        ((state, attempt, value, kind),) = self._database.rows(asked + self._database.locking, [self._scope.job])
        return Bookmark(state, json.loads(value), attempt, kind) if state is not None else None

    def decimals(self) -> Collection[str]:
        return {name.lower() for name, type in self._types(self._end.table or "").items() if _DECIMAL.fullmatch(type)}

    def write(self, loading: Loading) -> Loaded:
        there = self._make_room(self._end.table or "", loading.columns)
        types = {each.name: there.get(each.name) or there[each.name.lower()] for each in loading.columns}
        columns = [self._database.kept(each, types[each.name]) for each in loading.columns]
        other = {each.name for each in columns if not self._database.takes(each, types[each.name])}
        own = replace(loading, columns=columns)
        rows = self._stage(own, types, other) if other or own.load.mode is Mode.UPSERT else self._insert(own)
        if loading.load.mode is Mode.REPLACE:
            self._forget_others()
        self._move_bookmark(loading, rows)
        self._database.commit()
        return Loaded(rows)

    @property
    def _mark(self) -> str:
        return self._dialect.parameter

    def _prepare(self) -> None:
        database, mark = self._database, self._mark
        if self._end.schema:
            database.make_schema(self._end.schema)
        self._make_room(LOADS, _LOADS)
        missing = f"WHERE NOT EXISTS (SELECT 1 FROM {self._loads} WHERE job = {mark})"  # noqa: S608 - names are quoted
        new = f"INSERT INTO {self._loads} (job) SELECT CAST({mark} AS {self._text}) {missing}"
        database.execute(new, [self._scope.job, self._scope.job])
        database.prepared()

    @property
    def _text(self) -> str:
        return "VARCHAR" if self._dialect.database == "duckdb" else "text"

    def _make_room(self, table: str, columns: Sequence[Column]) -> Mapping[str, str]:
        """The table is there, with all these columns; those that it has besides stay. The types of all."""
        self._refuse_long([table, *(each.name for each in columns)])
        there, whole = self._types(table), self._dialect.name(self._end.schema, table)
        if not there:
            self._database.execute(queries.create(self._dialect, whole, columns))
            there = self._types(table)  # somebody else may have made it just before
        missing = [each for each in columns if each.name.lower() not in there]
        for column in missing:
            self._database.add(whole, column)
        return self._types(table) if missing else there

    def _types(self, table: str) -> Mapping[str, str]:
        """By the names of the columns, and by those in small letters; nothing of a table that is not there."""
        found = self._database.types(self._end.schema, table)
        return {**{name.lower(): type for name, type in found.items()}, **found}

    def _refuse_long(self, names: Sequence[str]) -> None:
        longest = self._dialect.longest
        for name in names:
            if longest is not None and len(name.encode()) > longest:
                raise errors.LoadFailed(what=f"The name {name}", why=f"it has more than {longest} bytes")

    def _insert(self, loading: Loading) -> int:
        self._clear(loading)
        return self._database.insert(self._table, loading.columns, loading.batches)

    def _clear(self, loading: Loading) -> None:
        if loading.load.mode is Mode.REPLACE:
            self._database.execute(f"DELETE FROM {self._table}")  # noqa: S608 - its name is quoted

    def _stage(self, loading: Loading, types: Mapping[str, str], other: Collection[str]) -> int:
        """The new rows go into a table of their own first, where it is looked whether they stay what they are in the columns
        that are of `other` types than theirs, and with which rows they have keys in common."""
        database, dialect, staging = self._database, self._dialect, self._dialect.name(STAGING)
        changing = {each: types[each.name] for each in loading.columns if each.name in other}
        own = {each.name: named(each, dialect.database) for each in changing}
        database.execute(
            queries.stage(dialect, staging, {each.name: types[each.name] for each in loading.columns} | own)
        )
        rows = database.insert(staging, loading.columns, loading.batches)
        self._refuse_change(changing)
        values = {each.name: conversions.converted(dialect, each, changing.get(each)) for each in loading.columns}
        self._clear(loading)
        if loading.load.mode is Mode.UPSERT:
            keys = {key: values[key] for key in loading.keys}
            database.execute(queries.delete_matching(dialect, self._table, staging, keys))
        database.execute(queries.insert_from(dialect, self._table, staging, values))
        return rows

    def _refuse_change(self, columns: Mapping[Column, str]) -> None:
        """LoadFailed where what is staged would not be the same as one of those types."""
        for column, there in columns.items():
            changing = conversions.changing(self._dialect, column, there)
            if changing and self._database.rows(queries.count(self._dialect.name(STAGING), changing))[0][0]:
                raise conversions.refusal(column, there)

    def _forget_others(self) -> None:
        """What other jobs had loaded into the table has been taken away: they are to load it again."""
        theirs = f"target = {self._mark} AND job <> {self._mark} AND value <> 'null'"
        forgotten = f"UPDATE {self._loads} SET state = NULL, value = NULL WHERE {theirs}"  # noqa: S608
        self._database.execute(forgotten, [self._target, self._scope.job])

    @property
    def _target(self) -> str:
        """The table's name, which letters of another size are another one of in PostgreSQL alone."""
        table = self._end.table or ""
        return table if self._dialect is queries.POSTGRES else table.lower()

    def _move_bookmark(self, loading: Loading, rows: int) -> None:
        moved = {"target": self._target, "state": self._scope.state, "attempt": self._scope.attempt}
        moved |= {"value": json.dumps(loading.reached), "kind": loading.kind, "rows": rows}
        values = ", ".join(f"{name} = {self._mark}" for name in moved)
        moving = f"UPDATE {self._loads} SET {values} WHERE job = {self._mark}"  # noqa: S608
        self._database.execute(moving, [*moved.values(), self._scope.job])
