"""What is found out about a kept output: a hash that equal data shares, a profile, a head."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headrace import outputs
from headrace.model.output import Output
from headrace.outputs import profiles


def kept(value: Any, home: Path) -> Output:
    _, (output,) = outputs.save(value, home / "attempt", home)
    return output


def hashed(value: Any, home: Path) -> str:
    found = outputs.profile(kept(value, home), home, 5).hash
    assert found is not None
    assert len(found) == 32
    return found


DAY = dt.datetime(2020, 1, 1, 12, 30)
TABLE = pa.table(
    {
        "i": pa.array([1, None, 3], pa.int64()),
        "f": pa.array([1.5, None, -0.0], pa.float64()),
        "s": pa.array(["x", None, "a text that is too long for a view"]),
        "b": pa.array([True, None, False]),
        "t": pa.array([DAY, None, DAY], pa.timestamp("us")),
        "d": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(9, 2)),
        "l": pa.array([[1, None], None, []], pa.large_list(pa.int64())),
        "r": pa.array([{"x": 1, "y": ["p"]}, None, {"x": None, "y": None}]),
        "y": pa.array([b"x", None, b""]),
    }
)


def test_a_table_hashes_the_same_wherever_it_was_made(tmp_path: Path) -> None:
    expected = hashed(TABLE, tmp_path)
    assert hashed(pl.DataFrame(TABLE), tmp_path) == expected
    assert hashed(duckdb.from_arrow(TABLE), tmp_path) == expected
    assert hashed(TABLE.to_pandas(types_mapper=pd.ArrowDtype), tmp_path) == expected
    assert hashed(TABLE.to_reader(), tmp_path) == expected


def test_numbers_times_and_texts_of_pandas_hash_as_those_of_polars(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-01", None, "2020-01-03"]).as_unit("us")
    frame = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.0, np.nan, 0.0],
            "b": [True, False, True],
            "s": pd.Series(["x", None, "z"], dtype=object),
            "n": pd.array([1, None, 3], "Int64"),
            "c": pd.Categorical(["a", None, "a"]),
            "d": days,
            "l": pd.Series([[1, 2], None, []], dtype=object),
        }
    )
    same = pl.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.0, None, -0.0],
            "b": [True, False, True],
            "s": ["x", None, "z"],
            "n": [1, None, 3],
            "c": pl.Series(["a", None, "a"], dtype=pl.Categorical),
            "d": [dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 3)],
            "l": [[1, 2], None, []],
        }
    )
    assert hashed(frame, tmp_path) == hashed(same, tmp_path)


SAME = {
    "chunks": pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 0), TABLE.slice(1)]),
    "an offset": pa.concat_tables([TABLE.slice(1), TABLE]).slice(2),
    "large text": TABLE.set_column(2, "s", TABLE["s"].cast(pa.large_string())),
    "text views": TABLE.set_column(2, "s", TABLE["s"].cast(pa.string_view())),
    "a dictionary": TABLE.set_column(2, "s", TABLE["s"].dictionary_encode()),
    "small lists": TABLE.set_column(6, "l", TABLE["l"].cast(pa.list_(pa.int64()))),
    "metadata": TABLE.replace_schema_metadata({"k": "v"}),
}


@pytest.mark.parametrize("name", SAME)
def test_how_it_lies_in_memory_does_not_matter(name: str, tmp_path: Path) -> None:
    assert hashed(SAME[name], tmp_path) == hashed(TABLE, tmp_path)


def test_what_lies_under_a_null_and_behind_the_last_bit_does_not_matter(tmp_path: Path) -> None:
    def array(bits: int, values: list[int]) -> pa.Array:
        buffers = [pa.py_buffer(bytes([bits])), pa.py_buffer(np.array(values))]
        return pa.Array.from_buffers(pa.int64(), 3, buffers)

    one, other = array(0b00000101, [1, 0, 3]), array(0b11111101, [1, 99, 3])
    assert hashed(one, tmp_path) == hashed(other, tmp_path) == hashed(pa.array([1, None, 3]), tmp_path)


def test_what_a_null_list_points_to_does_not_matter(tmp_path: Path) -> None:
    def array(offsets: list[int], items: list[int]) -> pa.Array:
        buffers = [pa.py_buffer(b"\x05"), pa.py_buffer(np.array(offsets))]
        return pa.Array.from_buffers(pa.large_list(pa.int64()), 3, buffers, children=[pa.array(items)])

    one, other = array([0, 1, 3, 4], [1, 7, 8, 2]), array([0, 1, 1, 2], [1, 2])
    assert one.to_pylist() == other.to_pylist() == [[1], None, [2]]
    assert hashed(one, tmp_path) == hashed(other, tmp_path)


def test_every_nan_is_one(tmp_path: Path) -> None:
    strange = np.array([0x7FF8000000000001, 0x8000000000000000], np.uint64).view(np.float64)
    assert hashed(pa.array(strange), tmp_path) == hashed(pa.array([np.nan, 0.0]), tmp_path)
    assert hashed(pa.array([None, 0.0]), tmp_path) != hashed(pa.array([np.nan, 0.0]), tmp_path)


OTHERS = {
    "a value": TABLE.set_column(0, "i", pa.array([1, None, 4])),
    "a null": TABLE.set_column(0, "i", pa.array([1, 0, 3])),
    "where the null is": TABLE.set_column(0, "i", pa.array([1, 3, None])),
    "a type": TABLE.set_column(0, "i", TABLE["i"].cast(pa.int32())),
    "a name": TABLE.rename_columns(["j", *TABLE.column_names[1:]]),
    "order": TABLE.take([2, 1, 0]),
    "where a text ends": TABLE.set_column(2, "s", pa.array(["xa", None, " text that is too long for a view"])),
    "an item's place": TABLE.set_column(6, "l", pa.array([[1], None, [None]], pa.large_list(pa.int64()))),
    "a unit": TABLE.set_column(4, "t", TABLE["t"].cast(pa.timestamp("ns"))),
    "a zone": TABLE.set_column(4, "t", TABLE["t"].cast(pa.timestamp("us", "UTC"))),
    "a field": TABLE.set_column(7, "r", pa.array([{"x": 2, "y": ["p"]}, None, {"x": None, "y": None}])),
    "fewer rows": TABLE.slice(0, 2),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_data_hashes_otherwise(name: str, tmp_path: Path) -> None:
    assert hashed(OTHERS[name], tmp_path) != hashed(TABLE, tmp_path)


def test_the_index_of_a_pandas_frame_counts_and_a_plain_range_does_not(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    assert hashed(frame, tmp_path) == hashed(pl.DataFrame({"a": [1, 2]}), tmp_path)
    assert hashed(frame.set_axis(["x", "y"]), tmp_path) != hashed(frame, tmp_path)
    assert hashed(frame.set_axis(range(1, 3)), tmp_path) != hashed(frame, tmp_path)


def test_months_are_not_the_numbers_they_are_kept_as(tmp_path: Path) -> None:
    months = pd.Series(pd.period_range("1970-01", periods=3, freq="M"), name="m")
    assert hashed(months.to_frame(), tmp_path) != hashed(pd.DataFrame({"m": [0, 1, 2]}), tmp_path)


def test_documents_hash_by_what_they_hold(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    one = {"a": 1, "b": {2: "x", "y": frame}, "c": {"p", "q", "r"}}
    other = {"c": {"r", "q", "p"}, "b": {"y": frame.copy(), 2: "x"}, "a": 1}
    assert hashed(one, tmp_path) == hashed(other, tmp_path)
    assert hashed(one, tmp_path) != hashed({**one, "b": {2: "x", "y": frame + 1}}, tmp_path)
    assert len({hashed([value], tmp_path) for value in (1, 1.0, True, "1", None, b"1", (1,))}) == 7


def test_arrays_hash_by_type_shape_and_items(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert hashed(array, tmp_path) == hashed(np.asfortranarray(array), tmp_path)
    others = [array.reshape(3, 2), array.astype("f4"), array + 1, array.ravel()]
    assert hashed(array, tmp_path) not in {hashed(other, tmp_path) for other in others}
    assert hashed(np.empty((0, 3)), tmp_path) != hashed(np.empty((0, 4)), tmp_path)


def test_a_profile_has_nulls_and_ends(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "i": pd.array([3, None, 1], "Int64"),
            "f": [np.nan, np.inf, 1.0],
            "s": ["b", "a" * 300, "c"],
            "t": pd.to_datetime(["2020-01-02", None, "2020-01-01"]).as_unit("ns"),
            "d": pd.to_timedelta([1, 2, 3], unit="s"),
            "c": pd.Categorical(["z", "y", None]),
            "l": [[1], [2], [3]],
        }
    )
    output = outputs.profile(kept(frame, tmp_path), tmp_path, 5)
    assert output.profile is not None
    assert json.loads(json.dumps(output.profile)) == output.profile
    assert output.profile["i"] == {"nulls": 1, "min": 1, "max": 3}
    assert output.profile["f"] == {"nulls": 1, "min": 1.0, "max": "inf"}
    assert output.profile["s"] == {"nulls": 0, "min": "a" * 200, "max": "c"}
    assert output.profile["t"]["min"].startswith("2020-01-01 00:00:00")
    assert output.profile["t"]["nulls"] == 1
    assert output.profile["d"]["nulls"] == 0
    assert output.profile["c"] == {"nulls": 1, "min": "y", "max": "z"}
    assert output.profile["l"] == {"nulls": 0, "min": None, "max": None}


def test_two_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    output = outputs.profile(kept(frame, tmp_path), tmp_path, 5)
    assert output.profile == {"a": {"nulls": 0, "min": 1, "max": 3}, "a (2)": {"nulls": 0, "min": 2, "max": 4}}


def test_without_time_columns_are_left_out_and_the_hash_is_made(tmp_path: Path) -> None:
    output = kept(pl.DataFrame({"a": [1], "b": [2]}), tmp_path)
    hurried = outputs.profile(output, tmp_path, 0)
    assert hurried.profile == {"a": None, "b": None}
    assert hurried.hash == outputs.profile(output, tmp_path, 5).hash


def test_columns_are_looked_at_in_order_until_the_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100))
    monkeypatch.setattr(profiles.clock, "monotonic", lambda: next(seconds))
    found = outputs.profile(kept(pl.DataFrame({"a": [1], "b": [2], "c": [3]}), tmp_path), tmp_path, 2).profile
    assert found == {"a": {"nulls": 0, "min": 1, "max": 1}, "b": None, "c": None}


def test_more_rows_than_are_looked_at_together(tmp_path: Path) -> None:
    values = np.arange(600_000)
    texts = pa.array(values % 7).cast(pa.string())
    whole = pa.table({"i": values, "s": texts})
    output = outputs.profile(kept(whole, tmp_path), tmp_path, 30)
    assert output.profile == {
        "i": {"nulls": 0, "min": 0, "max": 599_999},
        "s": {"nulls": 0, "min": "0", "max": "6"},
    }
    cut = pa.concat_tables([whole.slice(0, 123_457), whole.slice(123_457)])
    assert output.hash == hashed(cut, tmp_path)


HEADS: dict[str, tuple[Any, list[str], list[list[Any]]]] = {
    "pandas": (
        pd.DataFrame({"a": [1, 2, 3], "o": [1, "x", (1, 2)], "z": np.array([1j, 2j, 3j])}, index=["p", "q", "r"]),
        ["a", "o", "z", "__index_level_0__"],
        [[1, 1, "1j", "p"], [2, "x", "2j", "q"]],
    ),
    "polars": (pl.DataFrame({"a": [1.5, None], "l": [[1], [2]]}), ["a", "l"], [[1.5, [1]], [None, [2]]]),
    "struct": (pa.table({"r": [{"x": 1, "y": b"b"}]}), ["r"], [[{"x": 1, "y": "b'b'"}]]),
    "numpy": (np.arange(6).reshape(3, 2), ["0", "1"], [[0, 1], [2, 3]]),
    "numpy flat": (np.array([1.0, np.nan]), ["value"], [[1.0], ["nan"]]),
    "numpy scalar": (np.array(5), ["value"], [[5]]),
    "list": ([1, dt.date(2020, 1, 1), 3], ["value"], [[1], ["2020-01-01"]]),
    "dict": ({"a": 1, 2: Decimal("1.50")}, ["key", "value"], [["a", 1], ["2", "1.50"]]),
    "number": (7, ["value"], [[7]]),
    "nanoseconds": (
        pa.table({"t": pa.array([1], pa.timestamp("ns"))}),
        ["t"],
        [["1970-01-01 00:00:00.000000001"]],
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_shows_the_beginning(name: str, tmp_path: Path) -> None:
    value, columns, rows = HEADS[name]
    head = outputs.head(kept(value, tmp_path), tmp_path, 2)
    assert (head.columns, head.rows) == (columns, rows)
    json.dumps(head)


def test_a_head_of_a_relation(tmp_path: Path) -> None:
    head = outputs.head(kept(duckdb.sql("select 1 a, 'x' b"), tmp_path), tmp_path, 2)
    assert head == (["a", "b"], [[1, "x"]])


@pytest.mark.parametrize(
    ("names", "different"),
    [
        (["a", "b"], ["a", "b"]),
        (["d", "d", "d"], ["d", "d (2)", "d (3)"]),
        (["d", "d (2)", "d", "d"], ["d", "d (2)", "d (3)", "d (4)"]),
        (["d", "d", "d (2)"], ["d", "d (2)", "d (2) (2)"]),
    ],
)
def test_columns_of_one_name_are_told_apart(names: list[str], different: list[str]) -> None:
    assert outputs.different(names) == different
