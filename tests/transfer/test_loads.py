"""What a run of a job moves, by how far the job has got; told at the ends that keep a bookmark in three different ways."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace.model.loads import Bookmark, Mode

Read = Callable[[], list[tuple[Any, ...]]]
ROWS = "INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00'), (2, 'b', '2026-01-02 10:00'), (3, NULL, NULL)"


@pytest.fixture
def orders(warehouse: Warehouse) -> Document:
    """A table of three rows, one of which nobody knows when it came."""
    warehouse.run("CREATE TABLE orders (id int PRIMARY KEY, who text, at timestamptz)", ROWS)
    return warehouse.table("orders")


@pytest.fixture(params=["postgresql", "duckdb", "sqlite", "parquet"])
def target(request: pytest.FixtureRequest, warehouse: Warehouse, tmp_path: Path) -> tuple[Document, Read]:
    """A place for a table `kept`, and what is there: id and who, by id."""
    match request.param:
        case "postgresql":
            asked = "SELECT id, who FROM out.kept ORDER BY id"
            return warehouse.table("kept", "out"), lambda: warehouse.ask(asked)
        case "duckdb":
            return {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"}, lambda: _duckdb(tmp_path)
        case "sqlite":
            return {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}, lambda: _sqlite(tmp_path)
        case _:
            return {"plugin": "parquet", "path": "kept.parquet"}, lambda: _parquet(tmp_path / "kept.parquet")


def _duckdb(folder: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "kept.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT id, who FROM kept ORDER BY id").fetchall()


def _sqlite(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "kept.db")) as connection:
        return connection.execute("SELECT id, who FROM kept ORDER BY id").fetchall()


def _parquet(path: Path) -> list[tuple[Any, ...]]:
    return sorted((row["id"], row["who"]) for row in pq.read_table(path).to_pylist())


def test_a_full_load_replaces_what_was_there(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    assert mover.move(orders, place).rows == 3
    warehouse.run("DELETE FROM orders WHERE id = 1", "UPDATE orders SET who = '' WHERE id = 2")
    moved = mover.move(orders, place)
    assert (moved.rows, moved.mode, moved.bookmark) == (2, Mode.REPLACE, None)
    assert read() == [(2, ""), (3, None)]


def test_a_table_that_is_empty_empties_the_target(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    mover.move(orders, place)
    warehouse.run("TRUNCATE orders")
    assert mover.move(orders, place).rows == 0
    assert read() == []


def test_an_incremental_load_adds_what_is_beyond_the_bookmark(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    how = {"load_type": "incremental", "incremental_column_name": "at"}
    first = mover.move(orders, place, **how)
    assert (first.rows, first.mode, first.bookmark) == (3, Mode.REPLACE, "2026-01-02 10:00:00+00")
    warehouse.run(
        "INSERT INTO orders VALUES (4, 'd', '2026-01-02 10:00:00.000001'), (5, 'e', '2026-01-01'), (6, 'f', NULL)",
        "UPDATE orders SET who = 'changed' WHERE id = 1",
    )
    second = mover.move(orders, place, **how)
    assert (second.rows, second.mode, second.bookmark) == (1, Mode.APPEND, "2026-01-02 10:00:00.000001+00")
    assert read() == [(1, "a"), (2, "b"), (3, None), (4, "d")]
    assert mover.move(orders, place, **how).rows == 0
    assert read() == [(1, "a"), (2, "b"), (3, None), (4, "d")]


def test_of_rows_of_one_key_the_newest_stays(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    how = {"load_type": "incremental_with_qualify", "incremental_column_name": "at", "primary_keys": ["id"]}
    warehouse.run(
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey",
        "INSERT INTO orders VALUES (1, 'older', '2025-01-01'), (3, 'dated', '2025-01-01')",
    )
    assert mover.move(orders, place, **how).rows == 3
    assert read() == [(1, "a"), (2, "b"), (3, "dated")]
    warehouse.run(
        "INSERT INTO orders VALUES (4, 'd', '2026-01-02 10:00'), (1, 'x', '2026-02-01'), (1, 'y', '2026-02-02')",
    )
    moved = mover.move(orders, place, **how)
    assert (moved.rows, moved.mode) == (3, Mode.UPSERT)  # 2 is there at the bookmark itself, and does no harm
    assert read() == [(1, "y"), (2, "b"), (3, "dated"), (4, "d")]


def test_another_state_begins_anew(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    mover.move(orders, place, **how)
    warehouse.run("DELETE FROM orders WHERE id = 1")
    assert mover.move(orders, place, **how).bookmark in ("3", 3)  # it never falls behind
    mover.state = "s2"
    assert mover.move(orders, place, **how).mode is Mode.REPLACE
    assert read() == [(2, "b"), (3, None)]


def test_two_jobs_of_one_target_each_have_a_bookmark(mover: Mover, warehouse: Warehouse, orders: Document) -> None:
    warehouse.run("CREATE TABLE more AS SELECT id + 10 AS id, who, at FROM orders")
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    for _ in range(2):
        mover.move(orders, warehouse.table("one"), job="p_1", **how)
        mover.move(warehouse.table("more"), warehouse.table("two"), job="p_2", **how)
    found = warehouse.ask("SELECT job, value, rows FROM headrace_loads ORDER BY job")
    assert found == [("p_1", '"3"', 0), ("p_2", '"13"', 0)]


def test_whose_rows_another_job_has_replaced_begins_anew(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read]
) -> None:
    place, read = target
    warehouse.run("CREATE TABLE more AS SELECT id + 10 AS id, who, at FROM orders")
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    mover.move(orders, place, job="p_1", **how)
    mover.move(warehouse.table("more"), place, job="p_2")
    assert read() == [(11, "a"), (12, "b"), (13, None)]
    moved = mover.move(orders, place, job="p_1", **how)
    assert (moved.rows, moved.mode) == (3, Mode.REPLACE)
    assert read() == [(1, "a"), (2, "b"), (3, None)]


def test_of_other_tables_that_are_replaced_no_job_hears(mover: Mover, warehouse: Warehouse, orders: Document) -> None:
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    mover.move(orders, warehouse.table("kept"), job="p_1", **how)
    for job in ("p_2", "p_3"):
        mover.move(orders, warehouse.table("Kept"), job=job)
    assert mover.move(orders, warehouse.table("kept"), job="p_1", **how).mode is Mode.APPEND


def test_rows_and_bookmark_come_in_one_transaction(mover: Mover, warehouse: Warehouse, orders: Document) -> None:
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    mover.move(orders, warehouse.table("kept"), **how)
    by = warehouse.ask("SELECT DISTINCT xmin::text FROM kept")
    assert len(by) == 1
    assert by == warehouse.ask("SELECT xmin::text FROM headrace_loads")


def test_who_reads_a_parquet_file_meanwhile_reads_it_to_its_end(
    mover: Mover, warehouse: Warehouse, orders: Document, tmp_path: Path
) -> None:
    place: Document = {"plugin": "parquet", "path": "kept.parquet"}
    mover.move(orders, place)
    warehouse.run("DELETE FROM orders WHERE id > 1")
    with (tmp_path / "kept.parquet").open("rb") as before:
        mover.move(orders, place)
        assert pq.read_table(before).num_rows == 3
    assert _parquet(tmp_path / "kept.parquet") == [(1, "a")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.parquet", "kept.parquet.headrace-lock", "outputs"]


def test_a_load_that_fails_leaves_target_and_bookmark_as_they_were(
    mover: Mover, warehouse: Warehouse, orders: Document, target: tuple[Document, Read], refused: Callable[..., str]
) -> None:
    place, read = target
    how = {"load_type": "incremental_with_qualify", "incremental_column_name": "at", "primary_keys": ["id"]}
    mover.move(orders, place, **how)
    warehouse.run(
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ALTER COLUMN id DROP NOT NULL",
        "INSERT INTO orders SELECT i, 'new', '2026-03-01' FROM generate_series(10, 3000) i",
        "INSERT INTO orders VALUES (NULL, 'nobody', '2026-03-01')",
    )
    assert "column id cannot be moved: it is a primary key" in refused(lambda: mover.move(orders, place, **how))
    assert read() == [(1, "a"), (2, "b"), (3, None)]
    warehouse.run("DELETE FROM orders WHERE id IS NULL")
    assert mover.move(orders, place, **how).rows == 2992


def test_a_dataset_gets_its_rows_and_the_bookmark_with_the_outcome(mover: Mover, orders: Document) -> None:
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    place = {"plugin": "dataset", "table_name": "kept"}
    (output,) = mover.move(orders, place, **how).outputs
    noted = {"state": "s1", "value": "3", "kind": "integer", "attempt": "a1"}
    assert (output.kind, output.codec, output.rows) == ("dataset", "parquet", 3)
    assert output.extra == {"dataset": "kept", "mode": "replace", "keys": [], "bookmark": noted}
    assert _parquet(mover.folder / output.path) == [(1, "a"), (2, "b"), (3, None)]
    mover.kept = Bookmark("s1", "2", "a1")
    (output,) = mover.move(orders, place, **how).outputs
    assert (output.rows, output.extra["mode"]) == (1, "append")
    mover.kept = Bookmark("s1", "3", "a1")
    assert mover.move(orders, place, **how).outputs == ()  # nothing is new


ENDS: list[Document] = [
    {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"},
    {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"},
    {"plugin": "parquet", "path": "kept.parquet"},
]


@pytest.mark.parametrize("place", ENDS, ids=lambda place: place["plugin"])
def test_a_column_that_has_come_to_be_of_another_kind_tells_no_more_what_is_new(
    mover: Mover, place: Document, refused: Callable[..., str]
) -> None:
    """10 comes after 9, and as text before it."""
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    source, file = {"connector": "file", "plugin": "csv", "path": "in.csv"}, mover.folder / "in.csv"
    file.write_text("id,v\n" + "".join(f"{each},x\n" for each in range(1, 10)))
    assert mover.move(source, place, **how).rows == 9
    for odd in ("-,x\n", "10.5,x\n"):
        file.write_text("id,v\n10,x\n" + odd)
        assert "column id cannot be moved: it was bigint when the job got to 9, and is " in refused(
            lambda: mover.move(source, place, **how)
        )
    file.write_text("id,v\n9,x\n10,x\n")
    assert mover.move(source, place, **how).rows == 1


def test_a_column_without_a_value_is_of_no_other_kind(mover: Mover) -> None:
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    source, file = {"connector": "file", "plugin": "csv", "path": "in.csv"}, mover.folder / "in.csv"
    for lines, rows in (("9,x\n", 1), ("", 0), (",x\n", 0), ("9,x\n10,x\n", 1)):
        file.write_text("id,v\n" + lines)
        assert mover.move(source, ENDS[0], **how).rows == rows


def test_a_column_may_become_a_wider_one(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE days AS SELECT 1::smallint AS id, '2026-01-01'::date AS day")
    wider = {"id": ("int", "bigint", "numeric(20, 0)"), "day": ("timestamp",)}
    for column, types in wider.items():
        how = {"load_type": "incremental", "incremental_column_name": column}
        place = warehouse.table(f"kept_{column}")
        mover.move(warehouse.table("days"), place, job=column, **how)
        for each in types:
            warehouse.run(f"ALTER TABLE days ALTER COLUMN {column} TYPE {each}")
            assert mover.move(warehouse.table("days"), place, job=column, **how).rows == 0
