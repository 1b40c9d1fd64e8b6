"""A pandas frame comes back as it was: types, index, labels and cells. Run on both majors of pandas in use."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headrace import errors, outputs

DAYS = pd.date_range("2020-01-01", periods=3, freq="D", tz="Europe/Paris")


def objects(*values: Any) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def trip(value: Any, home: Path) -> Any:
    return outputs.argument(*outputs.save(value, home / "attempt", home), home)


def same_cells(left: Any, right: Any) -> bool:
    """Equality that knows 1 from 1.0 and True, and NaN from None."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.tolist() == right.tolist()
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(same_cells, left.values(), right.values()))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same_cells, left, right))
    return repr(left) == repr(right)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True, check_freq=True, check_column_type=True)
    assert left.attrs == right.attrs
    assert left.flags.allows_duplicate_labels == right.flags.allows_duplicate_labels
    for position, dtype in enumerate(left.dtypes):
        if dtype.kind == "O" and isinstance(dtype, np.dtype):
            assert same_cells(list(left.iloc[:, position]), list(right.iloc[:, position])), left.columns[position]


COLUMNS: dict[str, Any] = {
    "int64": [1, 2, 3],
    "int8": np.array([1, -2, 3], "i1"),
    "uint64": np.array([2**64 - 1, 0, 1], "u8"),
    "float": [1.5, np.nan, -0.0],
    "float16": np.array([1, 2, 3], "f2"),
    "bool": [True, False, True],
    "complex": np.array([1 + 2j, 0, np.nan]),
    "longdouble": np.array([1, 2, 3], np.longdouble) / 3,
    "big endian": np.array([1, 2, 3], ">i4"),
    "datetime": pd.to_datetime(["2020-01-01", None, "2021-02-03"]),
    "datetime s": np.array(["2020", "NaT", "2021"], "M8[s]"),
    "zoned": DAYS,
    "utc": DAYS.tz_convert("UTC"),
    "offset": pd.to_datetime(["2020-01-01T00:00:00+02:00"] * 3),
    "dateutil": DAYS.tz_convert("dateutil/Europe/Rome"),
    "timedelta": pd.to_timedelta([1, None, 3]),
    "period": pd.period_range("2020-01", periods=3, freq="M"),
    "interval": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), None, (1.0, 2.0)]),
    "cut": pd.cut([1, 2, 3], 2),
    "category": pd.Categorical(["b", None, "a"], categories=["b", "a", "unused"], ordered=True),
    "category none": pd.Categorical([None, None, None]),
    "category days": pd.Categorical(pd.to_datetime(["2020", "2021", "2020"])),
    "category mixed": pd.Categorical([1, "a", 1.5]),
    "category named": pd.Categorical.from_codes([0, 1, 0], categories=pd.Index(["x", "y"], name="kind")),
    "category range": pd.Categorical.from_codes([0, 1, 0], categories=pd.RangeIndex(2)),
    "Int64": pd.array([1, None, 3], "Int64"),
    "UInt8": pd.array([1, None, 3], "UInt8"),
    "Float32": pd.array([1.5, None, 2], "Float32"),
    "boolean": pd.array([True, None, False], "boolean"),
    "string python": pd.array(["a", None, "c"], "string[python]"),
    "string arrow": pd.array(["a", None, "c"], "string[pyarrow]"),
    "sparse": pd.arrays.SparseArray([0, 0, 1]),
    "arrow list": pd.array([[1], None, [2, 3]], pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow struct": pd.array([{"a": 1}, None, {"a": 2}], pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
    "arrow string": pd.array(["a", None, "b"], pd.ArrowDtype(pa.string())),
    "arrow dictionary": pd.array(["a", None, "b"], pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "arrow decimal": pd.array([Decimal("1.5"), None, Decimal("2.5")], pd.ArrowDtype(pa.decimal128(5, 2))),
    "texts": objects("x", None, "a longer text"),
    "texts and nan": objects("x", np.nan, "z"),
    "texts and NA": objects("x", pd.NA, "z"),
    "texts, two ways missing": objects("x", None, np.nan),
    "numpy texts": objects(np.str_("x"), "y", "z"),
    "surrogates": objects("\ud800", "\ud800\udc00", "z"),
    "bytes": objects(b"a", None, b"b"),
    "nones": objects(None, None, None),
    "nans": objects(np.nan, np.nan, np.nan),
    "missing": objects(None, np.nan, pd.NaT),
    "ints": objects(1, None, 2),
    "big ints": objects(2**70, 1, -(2**70)),
    "floats": objects(1.5, None, 2.0),
    "floats and nan": objects(1.5, np.nan, 2.0),
    "floats, None and nan": objects(1.5, np.nan, None),
    "bools": objects(True, None, False),
    "equals": objects(1, True, 1.0),
    "dates": objects(dt.date(2020, 1, 1), None, dt.date(1, 1, 1)),
    "decimals": objects(Decimal("1.50"), Decimal("2.25"), None),
    "decimals, digits": objects(Decimal("1.5"), Decimal("2.25"), Decimal("-0.0")),
    "decimals, nan": objects(Decimal("1.5"), Decimal("NaN"), Decimal("Infinity")),
    "lists": objects([1, 2], [], None),
    "lists of texts": objects(["a", None], ["b"], []),
    "lists mixed": objects([1, 2.5], [True], [None]),
    "vectors": objects(np.array([1.0, 2.0]), None, np.array([])),
    "vectors mixed": objects(np.array([1.0, 2.0]), np.array([1, 2]), np.array([[1]])),
    "dicts": objects({"a": 1}, {"b": 2}, None),
    "mixed": objects(1, "a", {"k": [1, (2, 3)]}),
    "mixed more": objects(
        Decimal("1.5"), dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))
    ),
    "stamps": objects(pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2020-01-01 00:00:00.000000001"), pd.NaT),
    "numbers of numpy": objects(np.float32(1.1), np.int8(1), np.datetime64("2020")),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({name: COLUMNS[name], "number": [1, 2, 3]})
    assert_same(trip(frame, tmp_path), frame)
    assert_same(trip(frame[:0], tmp_path), frame[:0])
    pd.testing.assert_series_equal(trip(frame[name], tmp_path), frame[name])


def test_a_number_that_refuses_to_be_compared_comes_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"d": objects(Decimal("sNaN"), Decimal("1.5"), None)})
    assert list(map(repr, trip(frame, tmp_path)["d"])) == ["Decimal('sNaN')", "Decimal('1.5')", "None"]


INDEXES = {
    "range": pd.RangeIndex(10, 40, 10, name="r"),
    "texts": pd.Index(["p", "q", "r"], name="key"),
    "days": DAYS,
    "days without frequency": pd.DatetimeIndex(["2020-01-01", "2021-01-01", "2020-05-01"], name="d"),
    "business month ends": pd.date_range("2020-01-01", periods=3, freq="BME"),
    "spans": pd.timedelta_range("1h", periods=3),
    "periods": pd.period_range("2020", periods=3, freq="Q"),
    "intervals": pd.interval_range(0, 3, closed="left"),
    "categories": pd.CategoricalIndex(["a", "b", "a"], name="c"),
    "levels": pd.MultiIndex.from_tuples([("a", 1.5), ("b", np.nan), (None, 2)], names=["k", 7]),
    "levels of days": pd.MultiIndex.from_product([DAYS, ["x"]], names=[None, ("a", 1)]),
    "nullable": pd.Index([1, None, 3], dtype="Int64"),
    "repeated": pd.Index([1, 1, 2]),
    "mixed": pd.Index([1, "a", (2, 3)], dtype=object, tupleize_cols=False),
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_comes_back_as_rows_and_as_columns(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"v": [1.5, 2.5, 3.5], "w": [1, 2, 3]}, index=INDEXES[name])
    assert_same(trip(frame, tmp_path), frame)
    across = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=INDEXES[name])
    assert_same(trip(across, tmp_path), across)


FRAMES = {
    "nothing": pd.DataFrame(),
    "rows only": pd.DataFrame(index=range(5)),
    "named rows only": pd.DataFrame(index=["a", "b"]),
    "labels only": pd.DataFrame(columns=pd.Index([], name="q")),
    "one label twice": pd.DataFrame([[1, 2.5], [3, 4.5]], columns=["a", "a"]),
    "labels of all kinds": pd.DataFrame([[1, 2.5, "x", 4, 5]], columns=[1, "1", None, (1, 2), dt.date(2020, 1, 1)]),
    "numbers of one type": pd.DataFrame(np.arange(20.0).reshape(5, 4), columns=list("abcd")),
    "some missing": pd.DataFrame({"a": [1.0, np.nan], "b": [1.0, 2.0], "c": [3.0, 4.0]}),
    "missing in the middle": pd.DataFrame({"a": np.arange(99.0), "b": [np.nan, 1, 2] * 33, "c": np.arange(99.0)}),
    "times of one type": pd.DataFrame({"a": DAYS.tz_localize(None), "b": DAYS.tz_localize(None)}),
    "many of several types": pd.DataFrame({f"c{i}": [i] if i % 2 else [str(i)] for i in range(300)}),
    "a slice": pd.DataFrame(np.arange(40.0).reshape(10, 4))[2:8:2],
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back(name: str, tmp_path: Path) -> None:
    assert_same(trip(FRAMES[name], tmp_path), FRAMES[name])


def test_what_is_noted_on_a_frame_comes_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    frame.attrs = {"source": ("x", 1), "day": dt.date(2020, 1, 1)}
    assert_same(trip(frame, tmp_path), frame)
    series = pd.Series([1], name=("a", 1))
    series.attrs = {"unit": "m"}
    assert trip(series, tmp_path).attrs == {"unit": "m"}
    assert trip(series, tmp_path).name == ("a", 1)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.arange(30_000.0).reshape(3, 10_000)),
        pd.DataFrame({f"c{i}": [i, 1] if i % 2 else [0.5, i] for i in range(300)}),
    ],
)
def test_many_columns_are_few_blocks(frame: pd.DataFrame, tmp_path: Path) -> None:
    back = trip(frame, tmp_path)
    assert_same(back, frame)
    back["one more"] = 1  # pandas warns here of a fragmented frame, and warnings are errors


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"x": [1, 2], "y": [3, 4]}),
        pd.DataFrame({"x": [1], "y": [0.5]}),
    ],
)
def test_a_frame_can_be_changed_in_place_and_the_file_does_not_change(frame: pd.DataFrame, tmp_path: Path) -> None:
    _, (output,) = outputs.save(frame, tmp_path / "attempt", tmp_path)
    written = (tmp_path / output.path).read_bytes()
    changed = outputs.load(output, tmp_path)
    changed.loc[0, "x"] = 99
    changed["x"] += 1
    assert changed.loc[0, "x"] == 100
    assert (tmp_path / output.path).read_bytes() == written
    assert_same(outputs.load(output, tmp_path), frame)


def test_numbers_are_views_of_the_file_and_writable(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(1000.0), "y": np.arange(1000), "m": pd.array(range(1000), "Int64")})
    _, (output,) = outputs.save(frame, tmp_path / "attempt", tmp_path)
    back = outputs.load(output, tmp_path)
    for name in ("x", "y"):
        values = back[name]._values  # the array itself: `.values` is read-only in pandas 3
        assert values.flags.writeable
        assert not values.flags.owndata
        values += 1
    back.loc[0, "m"] = 7
    assert (tmp_path / output.path).stat().st_size == output.bytes


def test_a_column_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"fine": [1], "lock": objects(each for each in ())})
    with pytest.raises(errors.CannotKeep, match=r"output_0.*pandas.DataFrame.*'lock'.*generator"):
        outputs.save(frame, tmp_path / "attempt", tmp_path)
    assert list((tmp_path / "attempt").iterdir()) == []


def test_a_subclass_is_kept_whole(tmp_path: Path) -> None:
    frame = Annotated({"a": [1, 2]})
    _, (output,) = outputs.save(frame, tmp_path / "attempt", tmp_path)
    assert output.codec == "cloudpickle"
    assert type(outputs.load(output, tmp_path)) is Annotated


class Annotated(pd.DataFrame):
    @property
    def _constructor(self) -> Any:
        return Annotated


def test_the_row_says_what_is_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}, index=["x", "y"])
    single, (output,) = outputs.save(frame, tmp_path / "runs" / "attempt", tmp_path)
    assert single
    assert (output.name, output.kind, output.rows) == ("output_0", "pandas.DataFrame", 2)
    assert output.schema == ({"name": "a", "type": "int64"}, {"name": "b", "type": "float64"})
    assert output.path == "runs/attempt/output_0.arrow"
    assert output.bytes == (tmp_path / output.path).stat().st_size
