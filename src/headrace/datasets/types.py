"""Types: what the columns of a query are kept as, where Delta Lake has no such type."""

from typing import Any

from headrace import errors

_KEPT = frozenset(
    {
        "boolean",
        "tinyint",
        "smallint",
        "integer",
        "bigint",
        "float",
        "double",
        "decimal",
        "varchar",
        "blob",
        "date",
        "timestamp",
        "timestamp with time zone",
    }
)
_INSTEAD = {
    "utinyint": "SMALLINT",
    "usmallint": "INTEGER",
    "uinteger": "BIGINT",
    "ubigint": "DECIMAL(20,0)",
    "hugeint": "DECIMAL(38,0)",  # what has more digits is refused by the database, with its words
    "uhugeint": "DECIMAL(38,0)",
    "timestamp_s": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP",
    "null": "INTEGER",  # a column of nothing but NULL: what DuckDB makes of it in a table
    **dict.fromkeys(("time", "time with time zone", "interval", "uuid", "enum", "bit", "bignum"), "VARCHAR"),
}


def kept(column: str, type: Any) -> str:
    """The type, in DuckDB's words, that a column of that DuckDB type is to be cast to; its own where nothing needs to be.

    CannotKeep, naming the column, for a type that has no place in a table (a union, for instance).
    """
    if type.id in _KEPT:
        return "VARCHAR" if str(type) == "JSON" else str(type)
    if type.id in _INSTEAD:
        return _INSTEAD[type.id]
    return _nested(column, type)


def _nested(column: str, type: Any) -> str:
    parts = {name: kept(column, part) for name, part in type.children if name != "size"} if _has_parts(type) else {}
    match type.id, [*parts.values()]:
        case "struct", _:
            return f"STRUCT({', '.join(f'{quoted(name)} {part}' for name, part in parts.items())})"
        case "list" | "array", [part]:
            return f"{part}[]"
        case "map", [key, value]:
            return f"MAP({key}, {value})"
        case _:
            raise errors.CannotKeep(name=column, type=type, why="a dataset has no such type; cast it in the query")


def _has_parts(type: Any) -> bool:
    return type.id in ("struct", "list", "array", "map")


def quoted(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
