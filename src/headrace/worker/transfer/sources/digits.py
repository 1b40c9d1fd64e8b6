"""Digits: what a file writes with more of them than DuckDB's type has, which would be cut or rounded in silence."""

from collections.abc import Mapping

import duckdb

from headrace import errors
from headrace.worker.transfer.columns import WIDEST, Column, Kind

_TIMES = (Kind.TIME, Kind.TIMESTAMP, Kind.MOMENT)
_NO_DAY = "NOT regexp_matches({0}, '^ *[0-9]')"  # infinity, epoch: DuckDB reads them in JSON as 1900-01-01
LIMITED = (*_TIMES, Kind.DOUBLE)
_WHOLE = "[+-]?[0-9]{16,}"  # what has fewer digits fits
_FINER = "regexp_matches({0}, '[.,][0-9]{{6}}[0-9]*[1-9]')"
_ROUNDED = (
    f"CASE WHEN regexp_full_match(trim({{0}}), '{_WHOLE.replace('{', '{{').replace('}', '}}')}') THEN coalesce("
    f"TRY_CAST(TRY_CAST({{0}} AS DOUBLE) AS DECIMAL({WIDEST}, 0)) <> TRY_CAST({{0}} AS DECIMAL({WIDEST}, 0)), true) END"
)
_LOST: Mapping[Kind, str] = {
    Kind.DOUBLE: _ROUNDED,
    Kind.DATE: _NO_DAY,
    Kind.TIME: _FINER,
    Kind.TIMESTAMP: f"({_FINER} OR {_NO_DAY})",
    Kind.MOMENT: f"({_FINER} OR {_NO_DAY})",
}


def lost(kind: Kind, text: str) -> str:
    """The condition that the text has digits which a value of that kind (a date, or one of LIMITED) has not.

    Of a DOUBLE those of whole numbers count; behind a point it is as near as it can be.
    """
    return _LOST[kind].format(text)


def refuse(connection: duckdb.DuckDBPyConnection, measured: Mapping[Column, str], relation: str) -> None:
    """LoadFailed where the condition of one of the columns holds for a row."""
    if not measured:
        return
    conditions = ", ".join(f"bool_or({each})" for each in measured.values())
    (found,) = connection.execute(f"SELECT {conditions} FROM {relation}").fetchall()  # noqa: S608 - names are quoted
    for column, is_lost in zip(measured, found, strict=True):
        if is_lost:
            raise errors.LoadFailed(what=f"The column {column.name}", why=_why(column))


def _why(column: Column) -> str:
    match column.kind:
        case Kind.DATE:
            return "it has a word such as infinity in it for a day"
        case Kind.DOUBLE:
            return "it has a whole number of more digits than a DOUBLE keeps, beside numbers that need one"
        case _:
            return "it has a time of less than a microsecond, or a word such as infinity for one"
