"""What a step of SQL left behind, read by others: as a frame, as pages of rows, as a stream."""

import os
from importlib import import_module
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headrace import errors, outputs
from headrace.model.output import Output
from headrace.outputs import crossing

POOL = pa.proxy_memory_pool(pa.default_memory_pool())  # counts; it outlives whatever is in it


@pytest.fixture
def output(tmp_path) -> Output:
    path = tmp_path / "found.parquet"
    query = "select range as id, 'n' || range as name, (range / 2)::decimal(9, 2) as half from range(5000)"
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet, row_group_size 2048)")
    return Output("found", "dataset", "parquet", "found.parquet", path.stat().st_size, 5000)


def test_a_block_is_given_a_frame(tmp_path, output):
    frame: Any = outputs.argument(True, (output,), tmp_path)
    assert type(frame) is import_module("pandas").DataFrame
    assert frame["id"].sum() == sum(range(5000))
    assert list(frame.columns) == ["id", "name", "half"]
    frame["id"] = 0  # it is the block's own
    assert outputs.load(output, tmp_path)["id"].sum() > 0


@pytest.mark.parametrize(
    ("first", "count", "ids"), [(0, 2, [0, 1]), (2047, 3, [2047, 2048, 2049]), (4999, 9, [4999]), (9999, 2, [])]
)
def test_pages_of_rows(tmp_path, output, first, count, ids):
    page = outputs.head(output, tmp_path, count, first)
    assert page.columns == ["id", "name", "half"]
    assert page.rows == [[each, f"n{each}", f"{each / 2:.2f}"] for each in ids]


def test_only_those_groups_are_read_that_hold_the_page(tmp_path, output):
    with (tmp_path / output.path).open("r+b") as file:  # the first group is spoilt
        file.seek(4)
        file.write(b"\xff" * 64)
    assert outputs.head(output, tmp_path, 1, 2050).rows == [[2050, "n2050", "1025.00"]]
    with pytest.raises(errors.CannotRead):
        outputs.head(output, tmp_path, 1)


def test_of_a_group_no_more_rows_are_read_than_are_asked_for(tmp_path):
    path = tmp_path / "wide.parquet"  # small as a file, 80 MB in memory
    duckdb.execute(f"copy (select range n, repeat('x', 4096) t from range(20000)) to '{path}' (format parquet)")
    wide = Output("wide", "dataset", "parquet", path.name, path.stat().st_size, 20000)
    before = pa.default_memory_pool()
    pa.set_memory_pool(POOL)
    try:
        assert [row[0] for row in outputs.head(wide, tmp_path, 3, 15_000).rows] == [15_000, 15_001, 15_002]
        with pytest.raises(errors.OutputTooLarge):
            outputs.head(wide, tmp_path, 20_000, most=10 * 2**20)
    finally:
        pa.set_memory_pool(before)
    assert POOL.max_memory() < 40 * 2**20


def test_dates_that_python_has_not_are_text(tmp_path):
    path = tmp_path / "far.parquet"
    far = {
        "date '2026-01-31'": "2026-01-31",
        "date '290000-01-01'": "290000-01-01",
        "'infinity'::date": "infinity",
        "'-infinity'::date": "-infinity",
        "timestamp '290000-02-03 04:05:06'": "290000-02-03 04:05:06.000000",
        "timestamptz 'infinity'": "infinity",
        "timestamptz '2026-01-31 06:00:00+00'": "2026-01-31 06:00:00.000000Z",
        "[date '290000-01-01']": ["290000-01-01"],
    }
    columns = ", ".join(f"{each} c{number}" for number, each in enumerate(far))
    duckdb.execute(f"copy (select {columns}) to '{path}' (format parquet)")
    kept = Output("far", "dataset", "parquet", path.name, path.stat().st_size, 1)
    assert outputs.head(kept, tmp_path, 1).rows == [[*far.values()]]


@pytest.mark.parametrize(("first", "count", "rows"), [(0, None, 5000), (2040, 20, 20), (4990, None, 10), (0, 0, 0)])
def test_they_cross_as_a_stream(tmp_path, output, first, count, rows):
    content = b"".join(crossing.stream(output, tmp_path, first, count))
    found = pa.ipc.open_stream(content).read_all()
    assert found.num_rows == rows
    assert found.column("id").to_pylist() == list(range(first, first + rows))


def test_one_that_is_cut_short_is_not_read(tmp_path, output):
    os.truncate(tmp_path / output.path, output.bytes - 1)
    for deed in (outputs.load, lambda each, home: outputs.head(each, home, 1)):
        with pytest.raises(errors.CannotRead, match="bytes"):
            deed(output, tmp_path)
