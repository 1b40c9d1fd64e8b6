"""Conversions: values go into a column that was there before them and has another type, if they stay what they are."""

import re

from headrace import errors
from headrace.worker.transfer.columns import Column, Kind, named
from headrace.worker.transfer.queries import Dialect

_NUMBERS = re.compile(
    r"(?:small|big|huge|tiny|u\w*)?int(?:eger)?$|numeric|decimal|money|real|float|double", re.IGNORECASE
)
_BINARY = re.compile(r"real|float|double", re.IGNORECASE)
_DAYS = re.compile(r"date|timestamp", re.IGNORECASE)
_OTHERS = re.compile(r"(interval|name|time)\b", re.IGNORECASE)  # compared as what they are with all of their digits
_WRITTEN = frozenset({Kind.TEXT, Kind.JSON})
_MOMENT = "timestamp with time zone"


def converted(dialect: Dialect, column: Column, there: str | None) -> str:
    """The expression of the column's values as ones of the type `there`; None for those of its own."""
    name = dialect.name(column.name)
    return name if there is None else f"CAST({name} AS {there})"


def changing(dialect: Dialect, column: Column, there: str) -> str | None:
    """The condition that holds of values which become others there; None where that cannot be told, and need not be."""
    kind = _compared(dialect, column, there)
    if kind is None:
        return None
    became, name = converted(dialect, column, there), dialect.name(column.name)
    changing = f"CAST({became} AS {kind}) IS DISTINCT FROM CAST({name} AS {kind})"
    if there == "money" and column.kind in _WRITTEN:  # which may be written as amounts are
        return f"CASE WHEN CAST({became} AS text) = {name} THEN false ELSE {changing} END"
    return changing


def refusal(column: Column, there: str) -> errors.LoadFailed:
    why = f"it has a value that would become another one in the target's column, which is {there}"
    return errors.LoadFailed(what=f"The column {column.name}", why=why)


def _compared(dialect: Dialect, column: Column, there: str) -> str | None:
    """The type as which what was and what becomes of it are compared. A text may write one number in many ways."""
    if column.kind in _WRITTEN:
        return _as_written(dialect, there)
    if there == "money":
        return _number(dialect)
    if dialect.database == "duckdb" and column.kind is Kind.NUMERIC and _BINARY.match(there):
        return _number(dialect)  # back in decimals it would differ in digits that nobody gave
    return named(column, dialect.database)


def _as_written(dialect: Dialect, there: str) -> str | None:
    if _NUMBERS.match(there):
        return _number(dialect)
    if _DAYS.match(there):
        return _MOMENT
    other = _OTHERS.match(there)
    return None if other is None else "text" if other[1] == "name" else other[1]


def _number(dialect: Dialect) -> str:
    return "DOUBLE" if dialect.database == "duckdb" else "numeric"
