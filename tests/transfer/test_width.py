"""How many rows come at once: so many as take some megabytes, whatever the rows before them were like."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from headrace.worker.transfer import batches
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind

WIDE = 40_000  # bytes of a text
ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i, {} FROM n"
COLUMNS = [Column("i", Kind.INTEGER), Column("words", Kind.TEXT)]


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def of(database: sqlite3.Connection, count: int, words: str) -> Iterator[Batch]:
    return batches.of_rows(database.execute(ROWS.format(count, words)).fetchmany, COLUMNS)


def test_rows_that_become_wide_after_many_narrow_ones_come_a_few_at_a_time(database: sqlite3.Connection) -> None:
    late = f"CASE WHEN i > 15000 THEN printf('%.*c', {WIDE}, 'x') END"
    found = [(each.num_rows, each.nbytes) for each in of(database, 18_000, late)]
    assert sum(rows for rows, _ in found) == 18_000
    assert max(size for _, size in found) < batches.AIM + 1.1 * batches.ASKED * WIDE < 2**26
    assert max(size for _, size in found[1:]) < 1.5 * batches.AIM, "once it is known how wide they are"


def test_narrow_rows_come_many_at_a_time(database: sqlite3.Connection) -> None:
    found = list(of(database, 120_000, "'x'"))
    assert [each.num_rows > 40_000 for each in found[:-1]] == [True, True]
    assert [i for each in found for i in each.column("i").to_pylist()] == list(range(1, 120_001))


def test_of_no_rows_there_is_no_batch(database: sqlite3.Connection) -> None:
    assert list(batches.of_rows(database.execute("SELECT 1, 'x' WHERE false").fetchmany, COLUMNS)) == []
