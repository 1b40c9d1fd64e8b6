"""Scanning: Parquet files as DuckDB is told to read them, those very files and the columns that are in them."""

from collections.abc import Iterable
from pathlib import Path

# Of files that are written. Who reads a row reads about as much as a group has.
FORMAT = "FORMAT parquet, ROW_GROUP_SIZE_BYTES '32MB'"
_PATTERNS = "*?["  # what would stand for other characters


def scan(files: Iterable[Path | str], more: str = "") -> str:
    """A source of a query: the rows of the files; `more` is what else is to be said of how they are read.

    A folder above them that is called `name=value` gives them no column.
    """
    listed = ", ".join(exactly(file) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false{more})"


def literal(path: Path | str) -> str:
    """The path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def exactly(path: Path | str) -> str:
    """The path as a text that matches it and no other."""
    return literal("".join(f"[{each}]" if each in _PATTERNS else each for each in str(path)))
