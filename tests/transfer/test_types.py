"""What becomes of values on their way: none changes, and what has no place where it is wanted is refused by its column."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import duckdb
import pyarrow.parquet as pq
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

WORN = "12345678-1234-5678-1234-567812345678"
TABLE = f"""
CREATE TABLE worn (
    id int, yes boolean, small smallint, big bigint, price numeric(12, 2), loose numeric, whole numeric(20, 0),
    tiny real, broad double precision, words text, short varchar(10), raw bytea, day date, at time, stamp timestamp,
    moment timestamptz, doc jsonb, who uuid, list int[], span interval, mood mood, zip zip
);
INSERT INTO worn VALUES
    (1, true, -32768, 9223372036854775807, 0.10, 123456789.000000001, 12345678901234567890, 1.5, 0.1, E'a"b,c\\n;\\t', '',
     '\\x00ff', '0001-01-01', '23:59:59.999999', '2026-01-01 00:00:00.000001', '2026-07-01 12:00:00+02', '{{"a": [1, null]}}',
     '{WORN}', '{{1,NULL}}', '1 day 2 hours', 'gay', '8001'),
    (2, {", ".join(["NULL"] * 21)})
"""
VALUES: dict[str, Any] = {
    "id": 1,
    "yes": True,
    "small": -32768,
    "big": 2**63 - 1,
    "price": Decimal("0.10"),
    "loose": Decimal("123456789.000000001"),
    "whole": Decimal(12345678901234567890),
    "tiny": 1.5,
    "broad": 0.1,
    "words": 'a"b,c\n;\t',
    "short": "",
    "raw": b"\x00\xff",
    "day": date(1, 1, 1),
    "at": time(23, 59, 59, 999999),
    "stamp": datetime(2026, 1, 1, 0, 0, 0, 1),
    "moment": datetime(2026, 7, 1, 10, tzinfo=UTC),
    "doc": '{"a": [1, null]}',
    "who": UUID(WORN),
    "list": "{1,NULL}",
    "span": "P1DT2H",
    "mood": "gay",
    "zip": "8001",
}


@pytest.fixture
def worn(warehouse: Warehouse) -> Document:
    """A table with a column of every type."""
    warehouse.run("CREATE TYPE mood AS ENUM ('sad', 'gay')", "CREATE DOMAIN zip AS text", TABLE)
    return warehouse.table("worn")


def test_between_two_databases_of_postgresql_every_value_stays(
    mover: Mover, warehouse: Warehouse, worn: Document
) -> None:
    mover.move(worn, warehouse.table("kept"))
    same = "id, yes, small, big, price, loose, whole, tiny, broad, words, short, raw, day, at, stamp, moment, doc, who"
    assert warehouse.ask(f"SELECT {same} FROM worn EXCEPT SELECT {same} FROM kept") == []
    assert warehouse.ask("SELECT count(*) FROM kept") == [(2,)]
    assert warehouse.ask("SELECT list, span, mood, zip FROM kept WHERE id = 1") == [
        ("{1,NULL}", "P1DT2H", "gay", "8001")
    ]
    of = "SELECT data_type FROM information_schema.columns WHERE table_name = '{}' ORDER BY ordinal_position LIMIT 18"
    assert warehouse.ask(of.format("kept"))[1:10] == warehouse.ask(of.format("worn"))[1:10]


def test_duckdb_has_every_value(mover: Mover, worn: Document) -> None:
    mover.move(worn, {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"})
    with duckdb.connect(str(mover.folder / "kept.duckdb")) as connection:
        names = [row[0] for row in connection.execute("DESCRIBE kept").fetchall()]
        one, none = connection.execute("SELECT * FROM kept ORDER BY id").fetchall()
    found = dict(zip(names, one, strict=True))
    assert found == VALUES
    assert set(none[1:]) == {None}


def test_parquet_has_every_value(mover: Mover, worn: Document) -> None:
    mover.move(worn, {"plugin": "parquet", "path": "kept.parquet"})
    one, none = pq.read_table(mover.folder / "kept.parquet").to_pylist()
    assert one == {**VALUES, "who": WORN}
    assert {value for name, value in none.items() if name != "id"} == {None}


def test_sqlite_has_every_value_as_it_can(mover: Mover, worn: Document) -> None:
    names = [name for name in VALUES if name not in ("loose", "whole")]  # it has no numbers of so many digits
    mover.move(worn, {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}, column_include_list=names)
    with closing(sqlite3.connect(mover.folder / "kept.db")) as connection:
        connection.row_factory = sqlite3.Row
        found = dict(connection.execute("SELECT * FROM kept WHERE id = 1").fetchone())
    as_text = {"day": "0001-01-01", "at": "23:59:59.999999", "stamp": "2026-01-01 00:00:00.000001"}
    as_text |= {"moment": "2026-07-01 10:00:00+00:00", "who": WORN}
    assert found == {**{name: VALUES[name] for name in names}, "yes": 1, "price": 0.1, **as_text}


def test_from_sqlite_back_to_postgresql(mover: Mover, warehouse: Warehouse, worn: Document) -> None:
    """What SQLite was told of the types is what it tells."""
    names = ["id", "yes", "big", "price", "broad", "words", "raw", "day", "at", "stamp", "moment", "doc", "who"]
    place = {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}
    mover.move(worn, place, column_include_list=names)
    mover.move({"connector": "jdbc", **place}, warehouse.table("back"))
    chosen = ", ".join(name for name in names if name not in ("doc", "who"))
    assert warehouse.ask(f"SELECT {chosen} FROM worn EXCEPT SELECT {chosen} FROM back") == []
    assert warehouse.ask("SELECT doc, who FROM back WHERE id = 1") == [('{"a": [1, null]}', WORN)]


def test_from_duckdb_to_postgresql(mover: Mover, warehouse: Warehouse) -> None:
    with duckdb.connect(str(mover.folder / "odd.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE odd AS SELECT 255::utinyint AS a, 18446744073709551615::ubigint AS b, 7::hugeint AS c,"
            " [1, NULL] AS d, {'x': 'y'} AS e, 'low'::ENUM ('low', 'high') AS f, TIMESTAMP_NS '2026-01-01' AS g,"
            " INTERVAL 1 DAY AS h, '{}'::JSON AS i, uuid() AS j, 'z'::BLOB AS k"
        )
    mover.move(
        {"connector": "jdbc", "plugin": "duckdb", "path": "odd.duckdb", "table_name": "odd"}, warehouse.table("o")
    )
    found = warehouse.ask("SELECT a, b, c, d, e, f, g, h, i, k FROM o")
    documents = ([1, None], {"x": "y"}, "low", datetime(2026, 1, 1), "1 day", {}, b"z")
    assert found == [(255, Decimal(18446744073709551615), Decimal(7), *documents)]


def test_the_largest_whole_numbers_of_duckdb_go_where_they_fit(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    parquet: Document = {"plugin": "parquet", "path": "kept.parquet"}
    for value, fits in ((2**128 - 1, False), (10**38 - 1, True)):
        path = f"{fits}.duckdb"
        source: Document = {"connector": "jdbc", "plugin": "duckdb", "path": path, "table_name": "large"}
        with duckdb.connect(str(mover.folder / path)) as connection:
            connection.execute(f"CREATE TABLE large AS SELECT {value}::UHUGEINT AS n")
        mover.move(source, warehouse.table("kept"))
        assert warehouse.ask("SELECT n FROM kept") == [(Decimal(value),)]
        if fits:
            mover.move(source, parquet)
        else:
            assert "it has a value that is none of the type UHUGEINT" in refused(partial(mover.move, source, parquet))
    assert pq.read_table(mover.folder / "kept.parquet")["n"].to_pylist() == [Decimal(10**38 - 1)]


def test_bytes_of_sqlite_tell_not_what_is_new(mover: Mover, refused: Callable[..., str]) -> None:
    with closing(sqlite3.connect(mover.folder / "odd.db")) as connection, connection:
        connection.execute("CREATE TABLE odd (k BLOB)")
        connection.execute("INSERT INTO odd VALUES (x'01')")
    source: Document = {"connector": "jdbc", "plugin": "sqlite", "path": "odd.db", "table_name": "odd"}
    how: Document = {"load_type": "incremental", "incremental_column_name": "k"}
    said = refused(lambda: mover.move(source, {"plugin": "parquet", "path": "kept.parquet"}, **how))
    assert said == "The column k cannot be moved: it has bytes in it, and a bookmark keeps none."


@pytest.mark.parametrize(
    "value", ["DATE '10000-01-01'", "TIMESTAMP '10000-01-01'", "TIMESTAMPTZ '10000-01-01 00:00:00+00'"]
)
def test_a_year_that_sqlite_has_no_text_for_is_refused(mover: Mover, refused: Callable[..., str], value: str) -> None:
    with duckdb.connect(str(mover.folder / "far.duckdb")) as connection:
        connection.execute(f"CREATE TABLE far AS SELECT {value} AS at")
    source: Document = {"connector": "jdbc", "plugin": "duckdb", "path": "far.duckdb", "table_name": "far"}
    said = refused(lambda: mover.move(source, {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}))
    assert said.startswith("The column at cannot be moved: it has a day before the year 1 or after 9999 in it"), said


@pytest.mark.parametrize(
    ("declared", "value", "why"),
    [
        ("INTEGER", "'many'", "The column odd cannot be moved: it has a value that is none of the type INTEGER"),
        ("DATE", "'soon'", "The column odd cannot be moved: it was declared as DATE, and has something else in it"),
        ("BOOLEAN", "2", "The column odd cannot be moved: it was declared as BOOLEAN"),
        (
            "NUMERIC(4,1)",
            "12.345",
            "The column odd cannot be moved: it has a value that is none of the type NUMERIC(4,1)",
        ),
        ("", "x'00'", "The column odd cannot be moved: it was declared as text"),
    ],
)
def test_what_sqlite_keeps_against_its_word_is_refused(
    mover: Mover, refused: Callable[..., str], declared: str, value: str, why: str
) -> None:
    with closing(sqlite3.connect(mover.folder / "odd.db")) as connection, connection:
        connection.execute(f"CREATE TABLE odd (odd {declared})")
        connection.execute(f"INSERT INTO odd VALUES ({value})")
    source = {"connector": "jdbc", "plugin": "sqlite", "path": "odd.db", "table_name": "odd"}
    said = refused(lambda: mover.move(source, {"plugin": "parquet", "path": "kept.parquet"}))
    assert said.startswith(why), said
    assert not (mover.folder / "kept.parquet").exists()


def test_a_number_that_no_file_can_hold_is_refused(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    warehouse.run("CREATE TABLE large (n numeric)", "INSERT INTO large VALUES (1e30), (NULL)")
    said = refused(lambda: mover.move(warehouse.table("large"), {"plugin": "parquet", "path": "kept.parquet"}))
    assert said.startswith("The column n cannot be moved: it has a value that is none of the type numeric")
    assert mover.move(warehouse.table("large"), warehouse.table("kept")).rows == 2  # which another database can
    warehouse.run("UPDATE large SET n = 'NaN'")
    said = refused(lambda: mover.move(warehouse.table("large"), {"plugin": "parquet", "path": "kept.parquet"}))
    assert said.startswith("The column n cannot be moved: it has a value that is none of the type numeric")
    warehouse.run("UPDATE large SET n = 2 / 3.0::numeric(40, 30)")
    mover.move(warehouse.table("large"), {"plugin": "parquet", "path": "kept.parquet"})
    found = pq.read_table(mover.folder / "kept.parquet")["n"].to_pylist()
    assert found == [Decimal("0.666666666666666667")] * 2


def test_columns_that_come_later_are_added(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)")
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    places = [warehouse.table("b"), {"plugin": "duckdb", "path": "b.duckdb", "table_name": "b"}]
    places += [{"plugin": "sqlite", "path": "b.db", "table_name": "b"}, {"plugin": "parquet", "path": "b.parquet"}]
    for place in places:
        mover.move(warehouse.table("a"), place, **how)
    warehouse.run("ALTER TABLE a ADD COLUMN word text DEFAULT 'new'", "INSERT INTO a VALUES (2)")
    for place in places:
        assert mover.move(warehouse.table("a"), place, **how).rows == 1
    assert warehouse.ask("SELECT * FROM b ORDER BY id") == [(1, None), (2, "new")]
    rows = pq.read_table(mover.folder / "b.parquet").to_pylist()
    assert sorted(rows, key=lambda row: row["id"]) == [{"id": 1, "word": None}, {"id": 2, "word": "new"}]
