"""Whatever a block returns comes back as it was, and equal data hashes equal however it is cut up."""

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from headrace import outputs

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-5)), dt.timezone(dt.timedelta(hours=1), "own")])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.datetimes(timezones=ZONES),
    st.complex_numbers(),
    st.uuids(),
    st.sampled_from([pd.NaT, pd.NA, np.float32(1.5), np.int8(3), pd.Timestamp("2020", tz="UTC"), pd.Timedelta(7)]),
)
KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.just("$"), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4), st.tuples(inner), st.tuples(inner, inner)
    ),
    max_leaves=12,
)


def trip(value: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        return outputs.argument(*outputs.save(value, home / "attempt", home), home)


def hashed(value: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _, (output,) = outputs.save(value, home / "attempt", home)
        return outputs.profile(output, home, 5).hash


def exact(value: Any) -> Any:
    """The value as text that tells types apart, and one NaN not from another."""
    if isinstance(value, dict):
        return [type(value), [(exact(key), exact(each)) for key, each in value.items()]]
    if isinstance(value, list | tuple):
        return [type(value), list(map(exact, value))]
    return (type(value), repr(value), getattr(value, "tzinfo", None))


@given(VALUES)
@few
def test_a_value_comes_back(value: Any) -> None:
    assert exact(trip({"value": value})) == exact({"value": value})


COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), st.text())),
    st.lists(st.one_of(st.text(), st.just(np.nan))),
    st.lists(st.one_of(st.none(), st.integers(), st.booleans())),
    st.lists(st.one_of(st.none(), st.floats())),
    st.lists(st.one_of(st.none(), st.decimals(places=2), st.decimals())),
    st.lists(st.one_of(st.none(), st.dates(), st.just(pd.NaT))),
    st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(), st.floats())))),
    st.lists(st.one_of(st.none(), st.dictionaries(st.text(), st.integers()))),
    st.lists(SCALARS),
    st.lists(VALUES),
)


@given(COLUMNS, st.one_of(st.none(), KEYS))
@few
def test_a_column_of_objects_comes_back(cells: list[Any], label: Any) -> None:
    values = np.fromiter(cells, dtype=object, count=len(cells))
    frame = pd.DataFrame({0: pd.Series(values, dtype=object), 1: np.arange(len(cells))})
    frame.columns = pd.Index([label, "n"], dtype=object, tupleize_cols=False)
    back = trip(frame)
    assert exact(list(back.iloc[:, 0])) == exact(cells)
    assert exact(list(back.columns)) == exact([label, "n"])
    assert list(back.dtypes) == list(frame.dtypes)


TYPED = st.sampled_from(
    [
        "int8",
        "uint64",
        "float32",
        "float64",
        "bool",
        "M8[ns]",
        "m8[s]",
        "Int16",
        "boolean",
        "string",
        "category",
        "complex128",
    ]
)


@given(st.lists(TYPED, max_size=6), st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=8), st.data())
@few
def test_a_frame_of_any_types_comes_back(kinds: list[str], cells: list[int | None], data: Any) -> None:
    columns = [column(kind, cells) for kind in kinds]
    frame = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(len(cells)))
    frame.columns = [data.draw(st.sampled_from("ab")) for _ in kinds]
    pd.testing.assert_frame_equal(trip(frame), frame, check_exact=True, check_column_type=bool(kinds))


def column(kind: str, cells: list[int | None]) -> Any:
    if kind in ("string", "category"):
        return pd.array([None if cell is None else str(cell) for cell in cells], dtype=kind)
    if kind == "boolean":
        return pd.array([None if cell is None else cell > 50 for cell in cells], dtype=kind)
    if kind == "Int16":
        return pd.array(cells, dtype=kind)
    if kind in ("float32", "float64", "complex128"):
        return np.array([np.nan if cell is None else cell / 3 for cell in cells], dtype=kind)
    if kind.startswith(("M8", "m8")):
        return np.array(["NaT" if cell is None else cell for cell in cells], dtype=object).astype(kind)
    return np.array([cell or 0 for cell in cells], dtype=kind)


@given(dataframes(max_cols=4, max_size=5, excluded_dtypes=[pl.Object]))
@few
def test_a_polars_frame_comes_back(frame: pl.DataFrame) -> None:
    back = trip(frame)
    assert_frame_equal(back, frame, check_exact=True)
    assert back.schema == frame.schema


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.one_of(st.none(), st.integers(-(2**31), 2**31)),
            "f": st.one_of(st.none(), st.floats(width=32)),
            "s": st.one_of(st.none(), st.text()),
            "b": st.one_of(st.none(), st.booleans()),
            "l": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.text()), max_size=3)),
            "r": st.one_of(st.none(), st.fixed_dictionaries({"x": st.one_of(st.none(), st.integers(0, 9))})),
            "d": st.one_of(st.none(), st.decimals(-999, 999, places=2, allow_nan=False)),
        }
    ),
    max_size=8,
)
SCHEMA = pa.schema(
    {
        "i": pa.int64(),
        "f": pa.float64(),
        "s": pa.string(),
        "b": pa.bool_(),
        "l": pa.list_(pa.string()),
        "r": pa.struct({"x": pa.int32()}),
        "d": pa.decimal128(9, 2),
    }
)


@given(ROWS, st.integers(0, 8), st.integers(0, 3))
@few
def test_equal_tables_hash_equal(rows: list[dict[str, Any]], cut: int, before: int) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    padded = pa.concat_tables([table.slice(0, before), table]).combine_chunks().slice(min(before, len(rows)))
    pieces = pa.concat_tables([padded.slice(0, cut), padded.slice(cut)])
    coded = pieces.set_column(2, "s", pieces["s"].dictionary_encode())
    assert hashed(table) == hashed(pieces) == hashed(coded) == hashed(pl.DataFrame(table))
    assert hashed(table) == hashed(table.to_pandas(types_mapper=pd.ArrowDtype))


@given(ROWS, ROWS)
@few
def test_different_tables_hash_differently(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    tables = [pa.Table.from_pylist(rows, SCHEMA) for rows in (one, other)]
    alike = repr([_same(row) for row in one]) == repr([_same(row) for row in other])
    assert (hashed(tables[0]) == hashed(tables[1])) == alike


def _same(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value + 0.0 if isinstance(value, float) else _number(value) for key, value in row.items()}


def _number(value: Any) -> Any:
    return value + 0 if isinstance(value, Decimal) else value
