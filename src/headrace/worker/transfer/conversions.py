"""Conversions: values go into a column that was there before them and has another type, if they stay what they are."""

import re

from headrace.worker.transfer.columns import Column, Kind, named
from headrace.worker.transfer.queries import Dialect

_NUMBERS = re.compile(r"(?:small|big|huge|tiny|u\w*)?int(?:eger)?$|numeric|decimal|real|float|double", re.IGNORECASE)
_BINARY = re.compile(r"real|float|double", re.IGNORECASE)
_DAYS = re.compile(r"date|timestamp", re.IGNORECASE)
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
    became = f"CAST({converted(dialect, column, there)} AS {kind})"
    return f"{became} IS DISTINCT FROM CAST({dialect.name(column.name)} AS {kind})"


def _compared(dialect: Dialect, column: Column, there: str) -> str | None:
    """The type as which what was and what becomes of it are compared. A text may write one number in many ways."""
    if column.kind in _WRITTEN:
        return _number(dialect) if _NUMBERS.match(there) else _MOMENT if _DAYS.match(there) else None
    if dialect.database == "duckdb" and column.kind is Kind.NUMERIC and _BINARY.match(there):
        return _number(dialect)  # back in decimals it would differ in digits that nobody gave
    return named(column, dialect.database)


def _number(dialect: Dialect) -> str:
    return "DOUBLE" if dialect.database == "duckdb" else "numeric"
