"""Values that would become others on their way, which nobody would see: they are kept as they are, or refused."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace import identity

fsspec: Any = import_module("fsspec")
pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")

HOW: Document = {"load_type": "incremental", "incremental_column_name": "id"}
LITE: Document = {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}
DUCK: Document = {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"}


def lite(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """What the last of them gives."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def duck(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def written(folder: Path, name: str = "rows.parquet", **values: Any) -> Document:
    """A file with these columns, as a source."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(values)), folder / name)
    return {"connector": "file", "plugin": "parquet", "path": name}


@pytest.mark.parametrize("remote", [False, True])
def test_folders_and_patterns_in_a_path_change_no_rows(mover: Mover, remote: bool) -> None:
    """`v=1` would be a column to DuckDB, and `[ab]` another file."""
    name = "v=1/eu=2/k[ab]*.parquet"
    path = f"memory://{identity.new()}/{name}" if remote else name
    if remote:
        fsspec.filesystem("memory").makedirs(path.rpartition("/")[0])
    target: Document = {"plugin": "parquet", "path": path}
    mover.move(written(mover.folder, v=["a", "b"], id=[1, 2]), target, **HOW)
    mover.move(written(mover.folder, v=["c"], id=[3]), target, **HOW)
    with fsspec.open(path if remote else mover.folder / path) as file:
        found = pq.ParquetFile(file).read()
        assert found.column_names == ["v", "id"]
        assert sorted(found["v"].to_pylist()) == ["a", "b", "c"]


def test_a_file_is_read_as_it_is_named(mover: Mover) -> None:
    written(mover.folder, "v=1/ka.parquet", id=[1])
    source = written(mover.folder, "v=1/k[ab].parquet", id=[2])
    mover.move(source, {"plugin": "parquet", "path": "kept.parquet"})
    assert pq.read_table(mover.folder / "kept.parquet").to_pylist() == [{"id": 2}]
    (mover.folder / "v=1" / "c.csv").write_text("id\n3\n")
    mover.move({"connector": "file", "plugin": "csv", "path": "v=*/c.csv"}, {"plugin": "parquet", "path": "c.parquet"})
    assert pq.ParquetFile(mover.folder / "c.parquet").read().to_pylist() == [{"id": 3}]


@pytest.mark.parametrize(("plugin", "line"), [("csv", "{}"), ("json", '{{"v": {}}}')])
def test_the_last_value_of_a_file_counts_for_its_types(mover: Mover, plugin: str, line: str) -> None:
    head = ["v"] if plugin == "csv" else []
    for number, last in (("a", "2"), ("b", "1.75")):
        lines = [*head, *([line.format(1)] * 30_000), line.format(last)]
        (mover.folder / f"{number}.{plugin}").write_text("\n".join(lines))
    mover.move({"connector": "file", "plugin": plugin, "path": f"?.{plugin}"}, DUCK)
    assert duck(mover.folder / "kept.duckdb", "SELECT max(v), min(v), sum(v) FROM kept") == [(2, 1, 60003.75)]


CSV: Document = {"connector": "file", "plugin": "csv", "path": "p.csv"}
DIGITS = ["19.99", "-.5", "+7.", "00012.500", "0", "12345678901234567.12345678", "0.1234567890123456789"]


def test_numbers_with_a_point_in_a_csv_file_are_doubles_where_no_table_says_otherwise(mover: Mover) -> None:
    (mover.folder / "p.csv").write_text("v\n19.99\n0.1234567890123456789\n")
    mover.move(CSV, DUCK)
    found = duck(mover.folder / "kept.duckdb", "SELECT typeof(v), v FROM kept ORDER BY v DESC")
    assert found == [("DOUBLE", 19.99), ("DOUBLE", 0.12345678901234568)]


@pytest.mark.parametrize("width", ["(38, 18)", "(12, 2)"])
def test_in_a_column_of_decimals_numbers_of_a_csv_file_are_as_they_are_written(
    mover: Mover, refused: Callable[..., str], width: str
) -> None:
    duck(mover.folder / "kept.duckdb", f'CREATE TABLE kept (id INTEGER, "V\'" DECIMAL{width})')
    (mover.folder / "p.csv").write_text('id;v\'\n1;9876543210.12\n2; 0.1 \n3;\n4;""\n')
    mover.move(CSV, DUCK)
    found = duck(mover.folder / "kept.duckdb", 'SELECT "V\'" FROM kept ORDER BY id')
    assert found == [(Decimal("9876543210.12"),), (Decimal("0.1"),), (None,), (None,)]
    (mover.folder / "p.csv").write_text("id;v'\n1;9876543210.1200000000000000001\n")
    assert "another one in the target's column" in refused(lambda: mover.move(CSV, DUCK))


def test_postgresql_gets_every_digit_of_a_csv_file(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    warehouse.run("CREATE TABLE kept (v numeric, other numeric, id integer)")
    rows = [f"{each},1.{place},{place}" for place, each in enumerate(DIGITS)]
    (mover.folder / "p.csv").write_text("\n".join(["v,other,id", *rows]))
    mover.move(CSV, warehouse.table("kept"), column_include_list=["v", "id"])
    found = warehouse.ask("SELECT v, other FROM kept ORDER BY id")
    assert found == [(Decimal(each), None) for each in DIGITS]
    (mover.folder / "p.csv").write_text(f"v\n0.{'1' * 39}\n")
    assert "more than 38 digits" in refused(lambda: mover.move(CSV, warehouse.table("kept")))


def test_sqlite_refuses_of_a_csv_file_what_it_would_round(mover: Mover, refused: Callable[..., str]) -> None:
    lite(mover.folder / "kept.db", "CREATE TABLE kept (v DECIMAL(30, 20))")
    for value, fits in (("0.123456789012345", True), ("0.1234567890123456", False)):
        (mover.folder / "p.csv").write_text(f"v\n{value}\n")
        if fits:
            mover.move(CSV, LITE)
        else:
            assert "more than 15 digits" in refused(lambda: mover.move(CSV, LITE))
    assert lite(mover.folder / "kept.db", "SELECT v FROM kept") == [(0.123456789012345,)]


def test_numbers_with_an_exponent_are_doubles_everywhere(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE kept (v numeric)")
    (mover.folder / "p.csv").write_text("v\n1.5e-3\n0.1234567890123456789\n")
    mover.move(CSV, warehouse.table("kept"))
    assert warehouse.ask("SELECT v FROM kept ORDER BY v") == [(Decimal("0.0015"),), (Decimal("0.12345678901234568"),)]


def test_what_tells_what_is_new_is_read_alike_by_every_load(mover: Mover, warehouse: Warehouse) -> None:
    """Its values are in bookmarks, which other files are compared with."""
    warehouse.run("CREATE TABLE kept (at numeric, v numeric)")
    how: Document = {"load_type": "incremental", "incremental_column_name": "at"}
    for lines in (["1.25,0.1"], ["1.25,0.1", "1.3,0.2"]):
        (mover.folder / "p.csv").write_text("\n".join(["at,v", *lines]))
        moved = mover.move(CSV, warehouse.table("kept"), **how)
        assert moved.rows == 1
    assert warehouse.ask("SELECT at, v FROM kept ORDER BY at") == [
        (Decimal("1.25"), Decimal("0.1")),
        (Decimal("1.3"), Decimal("0.2")),
    ]


def test_decimals_that_sqlite_would_round_are_refused_unless_it_keeps_text(
    mover: Mover, refused: Callable[..., str]
) -> None:
    twins = [Decimal("12345678901234567.89"), Decimal("12345678901234567.91")]
    how: Document = {"load_type": "incremental_with_qualify", "primary_keys": ["n"], "incremental_column_name": "id"}
    source = written(mover.folder, n=twins, id=[1, 2])
    why = "The column n cannot be moved: it has a number of more than 15 digits, which only a column of TEXT keeps."
    assert refused(lambda: mover.move(source, LITE, **how)) == why
    lite(mover.folder / "kept.db", "CREATE TABLE kept (n TEXT, id INTEGER)")
    for _ in range(2):
        mover.move(source, LITE, **how)
    found = lite(mover.folder / "kept.db", "SELECT n FROM kept ORDER BY n")
    assert found == [(str(each),) for each in twins]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([float("nan")], "it has NaN in it, which SQLite takes for NULL"),
        (
            pa.array([2**64 - 1], pa.uint64()),
            "it has a number of more than 15 digits, which only a column of TEXT keeps",
        ),
        (pa.array([Decimal(10**30 + 1)]), "it has a number of more than 15 digits, which only a column of TEXT keeps"),
    ],
)
def test_numbers_that_sqlite_does_not_have_are_refused(
    mover: Mover, refused: Callable[..., str], values: Sequence[Any], why: str
) -> None:
    said = refused(lambda: mover.move(written(mover.folder, n=values), LITE))
    assert said == f"The column n cannot be moved: {why}."


@pytest.mark.parametrize(("there", "values"), [("INTEGER", ["007"]), ("NUMERIC", ["1e5"]), ("REAL", [2**53 + 1])])
def test_a_column_of_sqlite_that_makes_others_of_values_is_refused(
    mover: Mover, refused: Callable[..., str], there: str, values: Sequence[Any]
) -> None:
    lite(mover.folder / "kept.db", f"CREATE TABLE kept (v {there})")
    said = refused(lambda: mover.move(written(mover.folder, v=values), LITE))
    assert (
        said
        == f"The column v cannot be moved: in the target it is of the type {there}, where it could become another value."
    )


def test_what_sqlite_keeps_as_text_is_written_in_full(mover: Mover) -> None:
    lite(mover.folder / "kept.db", "CREATE TABLE kept (v TEXT)")
    mover.move(written(mover.folder, v=[0.1 + 0.2]), LITE)
    assert lite(mover.folder / "kept.db", "SELECT v FROM kept") == [("0.30000000000000004",)]


CHANGED: list[tuple[str, str, Any]] = [
    ("INTEGER", "integer", 1.7),
    ("INTEGER", "integer", "3.9"),
    ("DECIMAL(10,2)", "numeric(10,2)", Decimal("1.234567")),
    ("DECIMAL(10,2)", "numeric(10,2)", "1.239"),
    ("DATE", "date", datetime(2026, 1, 1, 10)),
    ("DATE", "date", "2026-01-01 10:00"),
    ("FLOAT", "real", 0.1),
    ("DOUBLE", "double precision", 2**53 + 1),
]
SAME: list[tuple[str, str, Any]] = [
    ("DECIMAL(10,2)", "numeric(10,2)", "3.5"),
    ("DATE", "date", datetime(2026, 1, 1)),
    ("DATE", "date", "2026-01-01"),
    ("DOUBLE", "double precision", Decimal("123.456")),
    ("VARCHAR", "text", 1.5),
    ("BIGINT", "bigint", pa.array([5], pa.int32())),
    ("TIMESTAMP", "timestamp", "2026-01-01 10:00:00"),
]


@pytest.mark.parametrize(("there", "value"), [(there, value) for there, _, value in CHANGED])
def test_what_duckdb_would_round_or_cut_is_refused(
    mover: Mover, refused: Callable[..., str], there: str, value: Any
) -> None:
    duck(mover.folder / "kept.duckdb", f"CREATE TABLE kept (v {there})", "INSERT INTO kept VALUES (NULL)")
    said = refused(lambda: mover.move(written(mover.folder, v=[value]), DUCK))
    why = f"it has a value that would become another one in the target's column, which is {there}"
    assert said == f"The column v cannot be moved: {why}."
    assert duck(mover.folder / "kept.duckdb", "SELECT * FROM kept") == [(None,)]


def test_what_postgresql_would_round_or_cut_is_refused(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    for _, there, value in CHANGED:
        warehouse.run("DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (v {there})", "INSERT INTO kept VALUES (NULL)")
        said = refused(lambda value=value: mover.move(written(mover.folder, v=[value]), warehouse.table("kept")))
        assert there == "integer" or f"another one in the target's column, which is {there}." in said, (there, said)
        assert warehouse.ask("SELECT * FROM kept") == [(None,)]


def test_what_stays_as_it_is_goes_into_a_column_of_another_type(mover: Mover, warehouse: Warehouse) -> None:
    for of_duckdb, of_postgresql, value in SAME:
        source = written(mover.folder, v=value if isinstance(value, pa.Array) else [value], id=[1])
        keyed = {"load_type": "incremental_with_qualify", "primary_keys": ["id"], "incremental_column_name": "id"}
        duck(
            mover.folder / "kept.duckdb", "DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (v {of_duckdb}, id VARCHAR)"
        )
        warehouse.run("DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (v {of_postgresql}, id smallint)")
        for place, job in ((DUCK, f"d {of_duckdb}{value}"), (warehouse.table("kept"), f"p {of_duckdb}{value}")):
            for _ in range(2):
                assert mover.move(source, place, job=job, **keyed).rows == 1
        assert duck(mover.folder / "kept.duckdb", "SELECT count(*), count(v) FROM kept") == [(1, 1)]
        assert warehouse.ask("SELECT count(*), count(v) FROM kept") == [(1, 1)]


def test_texts_go_into_whatever_reads_them(mover: Mover, warehouse: Warehouse) -> None:
    """Also when they are staged: by key, and because another column has to be looked at."""
    warehouse.run(
        "CREATE TYPE \"mo%od\" AS ENUM ('gay')",
        'CREATE TABLE kept (id int, who uuid, doc jsonb, mood "mo%od", n numeric(10,2), far numeric)',
    )
    who = "12345678-1234-5678-1234-567812345678"
    source = written(mover.folder, id=["1"], who=[who], doc=['{"a":1}'], mood=["gay"], n=["1.5"], far=[0.1 + 0.2])
    keyed: Document = {"load_type": "incremental_with_qualify", "primary_keys": ["id"], "incremental_column_name": "n"}
    for _ in range(2):
        assert mover.move(source, warehouse.table("kept"), **keyed).rows == 1
    found = warehouse.ask("SELECT id, who::text, doc, mood::text, n, far FROM kept")
    assert found == [(1, who, {"a": 1}, "gay", Decimal("1.50"), Decimal("0.30000000000000004"))]


PARQUET: Document = {"plugin": "parquet", "path": "kept.parquet"}


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        ([2**53 + 1], [1.5], False),
        ([2**53 + 1], [3.0], True),
        ([1.5], [2**53 + 1], False),
        ([1.5], [2], True),
        (pa.array([1], pa.int32()), [2**31], False),
        ([Decimal("1.25")], [Decimal("1.2599")], False),
        ([Decimal("1.25")], [Decimal("1.5000")], True),
        ([datetime(2026, 1, 1, 23, 59)], ["x"], False),
        ([datetime(2026, 1, 1).date()], [datetime(2026, 1, 1, 23, 59)], False),
        (["1.10"], [2], True),
    ],
)
def test_the_columns_of_a_parquet_file_keep_their_types(
    mover: Mover, refused: Callable[..., str], before: Any, after: Any, fits: bool
) -> None:
    """Rows that are there already stay as they are, and those that come are not rounded to what is there."""
    mover.move(written(mover.folder, V=before, id=[1]), PARQUET, **HOW)
    kept = pq.read_table(mover.folder / "kept.parquet")
    source = written(mover.folder, v=after, id=[2], more=["m"])
    if fits:
        assert mover.move(source, PARQUET, **HOW).rows == 1
        (old,), (new,) = (
            pq.read_table(mover.folder / "kept.parquet", filters=[("id", "=", each)])["V"].to_pylist()
            for each in (1, 2)
        )
        assert (old, new) == (kept["V"][0].as_py(), str(after[0]) if isinstance(before[0], str) else after[0])
    else:
        assert "The column v cannot be moved" in refused(lambda: mover.move(source, PARQUET, **HOW))
        assert pq.read_table(mover.folder / "kept.parquet").equals(kept)


def test_columns_that_only_the_size_of_letters_tells_apart_are_refused_in_parquet(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    warehouse.run('CREATE TABLE twins AS SELECT 1 AS "A", 2 AS a')
    said = refused(lambda: mover.move(warehouse.table("twins"), PARQUET))
    why = "another is called A, and in a Parquet file large and small letters make no other name"
    assert said == f"The column a cannot be moved: {why}."
    within = pa.StructArray.from_arrays([pa.array([1]), pa.array([[2]])], names=["a", "list"])
    for names, alike in ((["A", "a"], True), (["a", "a"], True), (["s", "a"], False)):
        pq.write_table(pa.Table.from_arrays([within, pa.array([2])], names=names), mover.folder / "in.parquet")
        source = {"connector": "file", "plugin": "parquet", "path": "in.parquet"}
        if alike:
            assert "another is called" in refused(lambda source=source: mover.move(source, DUCK))
        else:
            assert mover.move(source, DUCK).rows == 1


def test_less_than_a_microsecond_is_not_cut(mover: Mover, refused: Callable[..., str]) -> None:
    source = written(mover.folder, v=pa.array([1_000_001], pa.timestamp("ns")))
    assert refused(lambda: mover.move(source, DUCK)).startswith(
        "The column v cannot be moved: it has a value that is none"
    )
    mover.move(written(mover.folder, v=pa.array([1_000_000], pa.timestamp("ns"))), DUCK)
    assert duck(mover.folder / "kept.duckdb", "SELECT epoch_us(v) FROM kept") == [(1000,)]


def test_decimals_wider_than_any_database_here_has_are_refused(mover: Mover, refused: Callable[..., str]) -> None:
    source = written(mover.folder, v=pa.array([Decimal(1)], pa.decimal256(50, 2)))
    assert refused(lambda: mover.move(source, DUCK)) == (
        "The column v cannot be moved: its numbers have more than 38 digits."
    )


@pytest.mark.parametrize(
    ("declared", "value"),
    [("TIMESTAMP", "'2026-01-01T00:00+02:00'"), ("NUMERIC", "x'4142'"), ("NUMERIC(4,1)", "x'31'")],
)
def test_what_sqlite_has_of_another_type_is_refused(
    mover: Mover, refused: Callable[..., str], declared: str, value: str
) -> None:
    lite(mover.folder / "odd.db", f"CREATE TABLE odd (v {declared})", f"INSERT INTO odd VALUES ({value})")
    source = {"connector": "jdbc", "plugin": "sqlite", "path": "odd.db", "table_name": "odd"}
    said = refused(lambda: mover.move(source, DUCK))
    assert said.startswith(f"The column v cannot be moved: it was declared as {declared}, and has something else in it")


@pytest.mark.parametrize(
    ("declared", "first", "alike", "other"),
    [
        ("TIMESTAMPTZ", "2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00.5+02:00", "2024-01-01T09:30:00+00:00"),
        ("TIMESTAMPTZ", "2024-01-01T10:00:00Z", "2024-01-01T10:00:01Z", "2024-01-01T10:00:00.5Z"),
        ("TIMESTAMPTZ", "2024-01-01 10:00:00", "2024-01-01 10:00:00.5", "2024-01-01T10:00:00+00:00"),
        ("TIMESTAMPTZ", "2024-01-01 10:00:00-0200", "2024-01-01 10:00:00.5-0200", "2024-01-01 10:00:00-0300"),
        ("TIMESTAMPTZ", "2024-01-01", "2024-02-02", "2024-01-01T10:00:00Z"),
        ("DATETIME", "2024-01-01T09:00:00", "2024-01-01T10:00:00", "2024-01-01 11:00:00"),
        ("DATE", "2024-01-01", "2024-01-02", "20240103"),
    ],
)
def test_what_tells_what_is_new_is_written_alike_in_all_rows_of_sqlite(
    mover: Mover, refused: Callable[..., str], declared: str, first: str, alike: str, other: str
) -> None:
    """It compares texts: of moments with several offsets a later one may seem to be an earlier one."""
    source = {"connector": "jdbc", "plugin": "sqlite", "path": "a.db", "table_name": "a"}
    how = {"load_type": "incremental", "incremental_column_name": "at"}
    lite(mover.folder / "a.db", f"CREATE TABLE a (at {declared})", f"INSERT INTO a VALUES ('{first}'), (NULL)")
    assert mover.move(source, DUCK, **how).rows == 2
    lite(mover.folder / "a.db", f"INSERT INTO a VALUES ('{alike}')")
    assert mover.move(source, DUCK, **how).rows == 1
    for change in (f"INSERT INTO a VALUES ('{other}')", f"DELETE FROM a WHERE at <> '{other}'"):
        lite(mover.folder / "a.db", change)
        assert "column at cannot be moved: its times are written" in refused(lambda: mover.move(source, DUCK, **how))


def test_a_bookmark_may_be_zero(mover: Mover) -> None:
    lite(mover.folder / "a.db", "CREATE TABLE a (id INTEGER)", "INSERT INTO a VALUES (-5)")
    source = {"connector": "jdbc", "plugin": "sqlite", "path": "a.db", "table_name": "a"}
    assert mover.move(source, DUCK, **HOW).bookmark == -5
    lite(mover.folder / "a.db", "INSERT INTO a VALUES (0)")
    moved = mover.move(source, DUCK, **HOW)
    assert (moved.rows, moved.bookmark) == (1, 0)


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_bookmark_that_nothing_comes_after_is_refused(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str], value: str
) -> None:
    warehouse.run("CREATE TABLE a (id float8)", f"INSERT INTO a VALUES (1), ('{value}')")
    said = refused(lambda: mover.move(warehouse.table("a"), DUCK, **HOW))
    assert said == f"The column id cannot be moved: it has {value} in it, and nothing comes after that."


def test_a_name_that_postgresql_would_cut_is_refused(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    name = "ü" * 32
    said = refused(lambda: mover.move(written(mover.folder, "rows.parquet", **{name: [1]}), warehouse.table("kept")))
    assert said == f"The name {name} cannot be moved: it has more than 63 bytes."


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("postgresql://u:a/b#c@h/d", "in one, / ? # @ : % of a user's name or password are written as %2F"),
        ('{"host": "h", "password": "a\\u0000b"}', "its password has a character in it that no text may have"),
        ('{"host": "h", "hunter2secret": 1}', "it has a field that is not known; expected host"),
    ],
)
def test_a_secret_that_is_none_says_how_it_is_to_be(
    mover: Mover, refused: Callable[..., str], said: str, why: str
) -> None:
    mover.secrets["pg"] = said
    source = {"connector": "jdbc", "plugin": "postgresql", "table_name": "t", "auth_parameters": {"config_id": "pg"}}
    found = refused(lambda: mover.move(source, DUCK))
    assert why in found
    assert "hunter2secret" not in found
