"""What files say of their rows, and DuckDB would leave out or change in silence: it is kept as it is written, or refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib import import_module
from typing import Any

import duckdb
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")

Refused = Callable[..., str]


def read(mover: Mover, plugin: str, *contents: str) -> list[tuple[Any, ...]]:
    """The rows that come of files with these contents."""
    for number, content in enumerate(contents):
        (mover.folder / f"part-{number}.{plugin}").write_text(content)
    source: Document = {"connector": "file", "plugin": plugin, "path": f"part-{'*' if contents[1:] else 0}.{plugin}"}
    mover.move(source, {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"})
    with duckdb.connect(str(mover.folder / "kept.duckdb")) as connection:
        return connection.execute("FROM kept ORDER BY ALL").fetchall()


def test_every_line_of_a_csv_file_is_a_row(mover: Mover) -> None:
    assert read(mover, "csv", "a,b\n#1,2\n#3,4\n5,6\n") == [("#1", 2), ("#3", 4), ("5", 6)]


THREES = "".join(f"{each},{each},{each}\n" for each in range(20))


@pytest.mark.parametrize("head", ["1,x\n2,y\n", "a,b\n1,2\n", "# made by hand\na,b,c\n", "Report\n\na,b,c\n"])
def test_a_csv_file_of_which_lines_would_be_passed_over_is_refused(mover: Mover, refused: Refused, head: str) -> None:
    said = refused(lambda: read(mover, "csv", head + THREES))
    assert said.startswith("The file part-0.csv cannot be moved: some of its lines have another number of fields"), said


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [("a,b\n1,x\n", "a,b,c\n2,y,z\n", "c"), ("a\n3\n", "a,b\n1,x\n", "b"), ("a,b\n1,x\n", "4,q\n", "column0")],
)
def test_columns_that_the_first_csv_file_lacks_are_refused(
    mover: Mover, refused: Refused, first: str, second: str, column: str
) -> None:
    said = refused(lambda: read(mover, "csv", first, second))
    assert said.startswith(f"The column {column} cannot be moved: a file has it in its first line, and another"), said


def test_csv_files_may_have_their_columns_in_another_order(mover: Mover) -> None:
    assert read(mover, "csv", "a,b\nk,x\n", "b,a\ny,l\n") == [("k", "x"), ("l", "y")]


@pytest.mark.parametrize("written", ["01/02/2024", "01-02-2024", "24-01-02", "01/02/2024 10:00:00", "infinity"])
def test_a_date_that_does_not_begin_with_its_year_stays_as_it_is_written(mover: Mover, written: str) -> None:
    assert read(mover, "csv", f"n,d\n1,{written}\n2,2024-01-03\n") == [(1, written), (2, "2024-01-03")]
    (mover.folder / "kept.duckdb").unlink()
    assert read(mover, "csv", f"{written}\n") == [(written,)]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2024-01-02", date(2024, 1, 2)),
        ("2024/01/02", date(2024, 1, 2)),
        ("2024-01-02 10:00:00.123456000", datetime(2024, 1, 2, 10, 0, 0, 123456)),
        ("2024-01-02T10:00", datetime(2024, 1, 2, 10)),
        ("2024-01-02T10:00:00+02:00", datetime(2024, 1, 2, 8, tzinfo=UTC)),
        ("10:30:00.5", time(10, 30, 0, 500000)),
    ],
)
def test_a_date_that_begins_with_its_year_is_one(mover: Mover, written: str, found: Any) -> None:
    assert read(mover, "csv", f"d,n\n{written},1\n,2\n") == [(found, 1), (None, 2)]


@pytest.mark.parametrize(
    "written", ["2024-01-02 10:00:00.1234567", "2024-01-02T10:00:00.123456001Z", "10:30:00.1234567"]
)
@pytest.mark.parametrize(("plugin", "line"), [("csv", "v\n{}\n"), ("json", '{{"v": "{}"}}')])
def test_less_than_a_microsecond_of_a_file_is_not_cut(
    mover: Mover, refused: Refused, plugin: str, line: str, written: str
) -> None:
    if plugin == "json" and " " in written:
        assert read(mover, plugin, line.format(written)) == [(written,)]
    else:
        said = refused(lambda: read(mover, plugin, line.format(written)))
        assert said.startswith("The column v cannot be moved: it has a time of less than a microsecond"), said


@pytest.mark.parametrize("whole", ["9007199254740993", "-12345678901234567890", "1" * 40])
@pytest.mark.parametrize(("plugin", "line"), [("csv", "{}\n"), ("json", '{{"v/~": {}}}\n')])
def test_whole_numbers_that_a_double_would_round_are_refused(
    mover: Mover, refused: Refused, plugin: str, line: str, whole: str
) -> None:
    head = "v/~\n" if plugin == "csv" else ""
    said = refused(lambda: read(mover, plugin, head + line.format(whole) + line.format("1.5")))
    assert said.startswith("The column v/~ cannot be moved: it has a whole number of more digits than a DOUBLE keeps")
    found = read(mover, plugin, head + line.format("9007199254740994") + line.format("1.5"))
    assert found == [(1.5,), (9007199254740994.0,)]


def test_a_column_that_is_not_moved_may_have_whatever_it_has(mover: Mover) -> None:
    (mover.folder / "p.csv").write_text("v,w\n9007199254740993,1\n1.5,2\n")
    source: Document = {"connector": "file", "plugin": "csv", "path": "p.csv", "column_include_list": ["w"]}
    assert mover.move(source, {"plugin": "parquet", "path": "kept.parquet"}).rows == 2


def test_whole_numbers_go_digit_by_digit_into_a_column_of_decimals(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE kept (v numeric)")
    (mover.folder / "p.csv").write_text("v\n9007199254740993\n1.5\n")
    mover.move({"connector": "file", "plugin": "csv", "path": "p.csv"}, warehouse.table("kept"))
    assert warehouse.ask("SELECT v FROM kept ORDER BY v") == [(Decimal("1.5"),), (Decimal(9007199254740993),)]


@pytest.mark.parametrize("value", ["2024-01-01", "2024-01-01T10:00:00", "2024-01-01T10:00:00Z"])
def test_a_word_of_json_for_a_day_is_refused(mover: Mover, refused: Refused, value: str) -> None:
    said = refused(lambda: read(mover, "json", f'{{"v": "{value}"}}\n{{"v": "infinity"}}\n'))
    assert "a word such as infinity" in said
    assert read(mover, "json", f'{{"v": "{value}"}}\n') != []


OTHERS: list[tuple[Any, Any]] = [
    (pa.array([1], pa.int32()), pa.array([1.75])),
    (pa.array([1.5]), pa.array([2**53 + 1])),
    (pa.array([date(2024, 1, 1)]), pa.array([datetime(2024, 1, 1, 23, 59)])),
    (pa.array([Decimal("1.25")]), pa.array([Decimal("1.2599")])),
    (pa.array([{"x": 1}]), pa.array([{"x": 1.5}])),
    (pa.nulls(1), pa.array([1])),
]


@pytest.mark.parametrize(("first", "second"), OTHERS)
def test_parquet_files_whose_columns_differ_are_refused(
    mover: Mover, refused: Refused, first: Any, second: Any
) -> None:
    for number, values in enumerate((first, second)):
        pq.write_table(pa.table({"id": [1], "v": values}), mover.folder / f"{number}.parquet")
    source: Document = {"connector": "file", "plugin": "parquet", "path": "?.parquet"}
    said = refused(lambda: mover.move(source, {"plugin": "parquet", "path": "kept/a.parquet"}))
    assert said.startswith("The column v cannot be moved: files of the pattern differ in it: in "), said


def test_a_further_column_of_a_parquet_file_is_refused(mover: Mover, refused: Refused) -> None:
    for number, more in enumerate(({}, {"w": ["x"]})):
        pq.write_table(pa.table({"v": [1], **more}), mover.folder / f"{number}.parquet")
    source: Document = {"connector": "file", "plugin": "parquet", "path": "?.parquet"}
    said = refused(lambda: mover.move(source, {"plugin": "parquet", "path": "kept/a.parquet"}))
    assert said.startswith("The column w cannot be moved: files of the pattern differ in it"), said


def test_parquet_files_may_write_one_type_in_several_ways(mover: Mover) -> None:
    kept = [
        {"at": pa.array([1], pa.timestamp("us")), "v": [1], "w": ["x"]},
        {"v": pa.nulls(1), "at": pa.array([1], pa.timestamp("ms")), "w": pa.array(["x"]).dictionary_encode()},
    ]
    for number, values in enumerate(kept):
        pq.write_table(pa.table(values), mover.folder / f"{number}.parquet")
    mover.move(
        {"connector": "file", "plugin": "parquet", "path": "?.parquet"}, {"plugin": "parquet", "path": "kept/a.parquet"}
    )
    found = pq.read_table(mover.folder / "kept" / "a.parquet").to_pylist()
    assert sorted(found, key=lambda row: row["at"]) == [
        {"at": datetime(1970, 1, 1, 0, 0, 0, 1), "v": 1, "w": "x"},
        {"at": datetime(1970, 1, 1, 0, 0, 0, 1000), "v": None, "w": "x"},
    ]
