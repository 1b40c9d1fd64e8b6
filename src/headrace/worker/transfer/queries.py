"""The statements that a transfer puts to databases, as far as they are alike. Every name in them is quoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.model.loads import Value
from headrace.worker.transfer.columns import Column, named


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database writes names and parameters."""

    database: str
    quote: str = '"'
    parameter: str = "?"
    longest: int | None = None  # bytes of a name; others are cut in silence

    def name(self, *parts: str | None) -> str:
        """The name of a thing, with those of what it lies in before it."""
        return ".".join(self._quoted(part) for part in parts if part)

    def names(self, parts: Sequence[str]) -> str:
        return ", ".join(self._quoted(part) for part in parts)

    def _quoted(self, part: str) -> str:
        quoted = self.quote + part.replace(self.quote, self.quote * 2) + self.quote
        return quoted.replace("%", "%%") if self.parameter == "%s" else quoted


POSTGRES = Dialect("postgresql", parameter="%s", longest=63)
MYSQL = Dialect("mysql", quote="`", parameter="%s")
SQLITE = Dialect("sqlite")
DUCKDB = Dialect("duckdb")


class Table(Protocol):
    """What is asked of a source; see `sources.Source`."""

    dialect: Dialect
    relation: str

    def comparand(self, column: Column) -> str: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that are read: `values` are expressions, each with the name it goes by.

    `since` and `until` are conditions of one parameter each. Of rows that have the same `keys` only the one is read that
    comes first by `newest`.
    """

    relation: str
    values: Sequence[tuple[str, str]]
    since: str | None = None
    until: str | None = None
    keys: Sequence[str] = ()
    newest: str = ""


def select(dialect: Dialect, selection: Selection) -> str:
    """The statement that reads them."""
    if not selection.keys:
        return _plain(dialect, selection, ())
    names = [name for _, name in selection.values]
    rank = dialect.name(_unlike("rank", names))
    order = f"ORDER BY {selection.newest} IS NULL, {selection.newest} DESC"
    ranked = f"row_number() OVER (PARTITION BY {dialect.names(selection.keys)} {order}) AS {rank}"
    within = _plain(dialect, selection, (ranked,))
    return f"SELECT {dialect.names(names)} FROM ({within}) AS newest WHERE {rank} = 1"  # noqa: S608 - names are quoted


def _plain(dialect: Dialect, selection: Selection, further: Sequence[str]) -> str:
    values = ", ".join([*(f"{value} AS {dialect.name(name)}" for value, name in selection.values), *further])
    conditions = " AND ".join(filter(None, (selection.since, selection.until)))
    where = f" WHERE {conditions}" if conditions else ""
    return f"SELECT {values} FROM {selection.relation}{where}"  # noqa: S608 - names are quoted


def greatest(source: "Table", most: str, column: Column, since: Value | None) -> tuple[str, list[Value]]:
    """The statement that asks for the expression `most` of the rows that are not below `since`, and its parameters."""
    asked = f"SELECT {most} FROM {source.relation}"  # noqa: S608 - names are quoted
    if since is None:
        return asked, []
    return f"{asked} WHERE {source.dialect.name(column.name)} >= {source.comparand(column)}", [since]


def create(dialect: Dialect, table: str, columns: Sequence[Column]) -> str:
    """The statement that makes the table, unless it is there."""
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(declared(dialect, each) for each in columns)})"


def add(dialect: Dialect, table: str, column: Column) -> str:
    return f"ALTER TABLE {table} ADD COLUMN {declared(dialect, column)}"


def declared(dialect: Dialect, column: Column) -> str:
    return f"{dialect.name(column.name)} {named(column, dialect.database)}"


def stage(dialect: Dialect, table: str, types: Mapping[str, str]) -> str:
    """The statement that makes a table which is gone with the session, of columns of these types, by their names."""
    columns = ", ".join(f"{dialect.name(name)} {type}" for name, type in types.items())
    return f"CREATE TEMPORARY TABLE {table} ({columns})"


def insert_from(dialect: Dialect, table: str, other: str, values: Mapping[str, str]) -> str:
    """The statement that adds the rows of `other`: expressions, by the names of the columns that they are for."""
    names, given = dialect.names([*values]), ", ".join(values.values())
    return f"INSERT INTO {table} ({names}) SELECT {given} FROM {other}"  # noqa: S608 - names are quoted


def delete_matching(dialect: Dialect, table: str, other: str, keys: Mapping[str, str]) -> str:
    """The statement that takes away the rows of which `other` has the keys: expressions, by the names of the columns."""
    same = " AND ".join(f"{value} = {table}.{dialect.name(key)}" for key, value in keys.items())
    return f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM {other} WHERE {same})"  # noqa: S608 - names are quoted


def count(relation: str, condition: str) -> str:
    return f"SELECT count(*) FROM {relation} WHERE {condition}"  # noqa: S608 - names are quoted


def literal(text: str) -> str:
    """The text, as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name that none of the others is, whatever the letters' size."""
    taken = {other.lower() for other in others}
    while name in taken:
        name += "_"
    return name
