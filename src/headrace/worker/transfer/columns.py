"""Columns of tables that go from one database to another: a kind of value, and what each database calls it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import import_module
from typing import Any

from headrace import errors

pa: Any = import_module("pyarrow")


WIDEST = 38  # digits of a number that Arrow, DuckDB and Delta Lake can hold
LOOSE = (38, 18)  # digits in all, and behind the point, where a number says neither and something has to be said


class Kind(StrEnum):
    """Of values, as PostgreSQL calls them."""

    BOOLEAN = "boolean"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    REAL = "real"
    DOUBLE = "double precision"
    TEXT = "text"
    BYTES = "bytea"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    MOMENT = "timestamp with time zone"
    JSON = "jsonb"
    UUID = "uuid"


@dataclass(frozen=True, slots=True)
class Column:
    """`precision` and `scale` are a number's digits, in all and behind the point; None where it has as many as it likes.

    `native` is its database's own word for its type.
    """

    name: str
    kind: Kind
    precision: int | None = None
    scale: int | None = None
    native: str = ""

    @property
    def is_loose(self) -> bool:
        """Whether it is of numbers that Arrow has no type for; they go as text."""
        return self.kind is Kind.NUMERIC and (self.precision is None or self.precision > WIDEST)

    @property
    def arrow(self) -> Any:
        """What its values are in a batch."""
        if self.is_loose:
            return pa.string()
        if self.kind is Kind.NUMERIC:
            return pa.decimal128(self.precision or WIDEST, self.scale or 0)
        return _ARROW[self.kind]

    @property
    def settled(self) -> "Column":
        """The same for those that hold numbers of so and so many digits, and nothing else."""
        if not self.is_loose:
            return self
        is_whole = self.precision is None and self.scale == 0
        return replace(self, precision=LOOSE[0], scale=0 if is_whole else LOOSE[1])


_ARROW: Mapping[Kind, Any] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.SMALLINT: pa.int16(),
    Kind.INTEGER: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.REAL: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.MOMENT: pa.timestamp("us", tz="UTC"),
    Kind.JSON: pa.string(),
    Kind.UUID: pa.string(),
}
_NAMED: Mapping[str, Mapping[Kind, str]] = {  # where a database has another name than PostgreSQL
    "postgresql": {},
    "duckdb": {
        **{kind: kind.upper() for kind in Kind},
        Kind.REAL: "FLOAT",
        Kind.DOUBLE: "DOUBLE",
        Kind.BYTES: "BLOB",
        Kind.TEXT: "VARCHAR",
        Kind.JSON: "VARCHAR",
        Kind.NUMERIC: "DECIMAL",
    },
    "sqlite": {Kind.DOUBLE: "DOUBLE", Kind.BYTES: "BLOB", Kind.JSON: "TEXT", Kind.UUID: "TEXT"},
}


def named(column: Column, database: str) -> str:
    """Its type, as that database writes it."""
    column = column.settled if database == "duckdb" else column
    name = _NAMED[database].get(column.kind, column.kind)
    if column.kind is Kind.NUMERIC and column.precision is not None:
        return f"{name}({column.precision},{column.scale or 0})"
    return name


def orders(before: str | None, now: Kind) -> bool:
    """Whether a value of the kind `before` says among those of the kind `now` what it said: which come after it.

    None is of no kind that is known.
    """
    return before is None or before == now or (before, now) in _WIDENED


def refuse_twins(names: Iterable[str]) -> None:
    """LoadFailed for names that only the size of letters tells apart: to DuckDB they are one, and it calls the second `…_1`."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.get(name.lower())) is not None:
            why = f"another is called {other}, and in a Parquet file large and small letters make no other name"
            raise errors.LoadFailed(what=f"The column {name}", why=why)
        seen[name.lower()] = name


def schema(columns: Sequence[Column]) -> Any:
    return pa.schema([(column.name, column.arrow) for column in columns])


_WHOLE = (Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT)
_WIDENED = frozenset(
    {(before, now) for before in _WHOLE for now in (*_WHOLE, Kind.NUMERIC)} | {(Kind.DATE, Kind.TIMESTAMP)}
)
_POSTGRES: Mapping[str, Kind] = {
    "bool": Kind.BOOLEAN,
    "int2": Kind.SMALLINT,
    "int4": Kind.INTEGER,
    "int8": Kind.BIGINT,
    "oid": Kind.BIGINT,
    "numeric": Kind.NUMERIC,
    "float4": Kind.REAL,
    "float8": Kind.DOUBLE,
    "bytea": Kind.BYTES,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "timestamptz": Kind.MOMENT,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "uuid": Kind.UUID,
}
_DUCKDB: Mapping[str, Kind] = {
    "BOOLEAN": Kind.BOOLEAN,
    "TINYINT": Kind.SMALLINT,
    "UTINYINT": Kind.SMALLINT,
    "SMALLINT": Kind.SMALLINT,
    "USMALLINT": Kind.INTEGER,
    "INTEGER": Kind.INTEGER,
    "UINTEGER": Kind.BIGINT,
    "BIGINT": Kind.BIGINT,
    "FLOAT": Kind.REAL,
    "DOUBLE": Kind.DOUBLE,
    "BLOB": Kind.BYTES,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP_S": Kind.TIMESTAMP,
    "TIMESTAMP_MS": Kind.TIMESTAMP,
    "TIMESTAMP_NS": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.MOMENT,
    "JSON": Kind.JSON,
    "UUID": Kind.UUID,
}
_WIDE = {"HUGEINT": 38, "UBIGINT": 20, "UHUGEINT": None}  # whole numbers of so many digits at most
_MYSQL: Mapping[str, Kind] = {
    "tinyint": Kind.SMALLINT,
    "smallint": Kind.SMALLINT,
    "mediumint": Kind.INTEGER,
    "int": Kind.INTEGER,
    "bigint": Kind.BIGINT,
    "year": Kind.SMALLINT,
    "decimal": Kind.NUMERIC,
    "float": Kind.REAL,
    "double": Kind.DOUBLE,
    "date": Kind.DATE,
    "datetime": Kind.TIMESTAMP,
    "timestamp": Kind.MOMENT,
    "json": Kind.JSON,
    "binary": Kind.BYTES,
    "varbinary": Kind.BYTES,
    "tinyblob": Kind.BYTES,
    "blob": Kind.BYTES,
    "mediumblob": Kind.BYTES,
    "longblob": Kind.BYTES,
}
_UNSIGNED = {Kind.SMALLINT: Kind.INTEGER, Kind.INTEGER: Kind.BIGINT}
_SQLITE: Sequence[tuple[str, Kind]] = (  # the first word that the declared type has in it
    ("BOOL", Kind.BOOLEAN),
    ("INT", Kind.BIGINT),
    ("CHAR", Kind.TEXT),
    ("CLOB", Kind.TEXT),
    ("TEXT", Kind.TEXT),
    ("BLOB", Kind.BYTES),
    ("REAL", Kind.DOUBLE),
    ("FLOA", Kind.DOUBLE),
    ("DOUB", Kind.DOUBLE),
    ("TIMESTAMP WITH TIME ZONE", Kind.MOMENT),
    ("TIMESTAMPTZ", Kind.MOMENT),
    ("TIMESTAMP", Kind.TIMESTAMP),
    ("DATETIME", Kind.TIMESTAMP),
    ("DATE", Kind.DATE),
    ("TIME", Kind.TIME),
    ("NUMERIC", Kind.NUMERIC),
    ("DECIMAL", Kind.NUMERIC),
)
_DIGITS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)")


def of_postgres(name: str, native: str, precision: int | None, scale: int | None) -> Column:
    """`native` is the type's name in pg_type. What there is no kind for goes as the text that PostgreSQL writes it as."""
    kind = _POSTGRES.get(native, Kind.TEXT)
    if kind is Kind.NUMERIC and scale is not None and not 0 <= scale <= (precision or 0):
        precision = scale = None  # digits left of the point alone, or far right of it, which only PostgreSQL has
    return Column(name, kind, precision, scale, native)


def of_duckdb(name: str, native: str) -> Column:
    """Lists, structures and maps are JSON; what else there is no kind for is text."""
    if native.startswith("DECIMAL"):
        return Column(name, Kind.NUMERIC, *_digits(native), native)
    if native in _WIDE:
        return Column(name, Kind.NUMERIC, _WIDE[native], 0, native)
    nested = native.endswith("]") or native.startswith(("STRUCT", "MAP", "UNION"))
    return Column(name, Kind.JSON if nested else _DUCKDB.get(native, Kind.TEXT), native=native)


def of_mysql(name: str, native: str, whole: str, precision: int | None, scale: int | None) -> Column:
    """`whole` is the type as it was declared: `bigint unsigned`. Its times go beyond a day, and go as text."""
    kind = _MYSQL.get(native, Kind.TEXT)
    if "unsigned" in whole and native == "bigint":
        return Column(name, Kind.NUMERIC, 20, 0, native)
    if native == "bit":
        return Column(name, Kind.NUMERIC, 20, 0, native)  # up to 64 of them, as a number
    if "unsigned" in whole:
        kind = _UNSIGNED.get(kind, kind)
    digits = (precision, scale) if kind is Kind.NUMERIC else (None, None)
    return Column(name, kind, *digits, native)


def of_sqlite(name: str, declared: str) -> Column:
    """SQLite keeps to no type; what a column was declared as says what is expected of it. Without one it is text."""
    upper = declared.upper()
    kind = next((kind for word, kind in _SQLITE if word in upper), Kind.TEXT)
    digits = _digits(upper) if kind is Kind.NUMERIC else (None, None)
    return Column(name, kind, *digits, declared)


def _digits(native: str) -> tuple[int | None, int | None]:
    found = _DIGITS.search(native)
    return (int(found[1]), int(found[2] or 0)) if found else (None, None)
