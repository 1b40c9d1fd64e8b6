"""Values of polars, pyarrow, DuckDB and numpy come back as they were, over mapped files."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from headrace import errors, outputs


def trip(value: Any, home: Path) -> Any:
    return outputs.argument(*outputs.save(value, home / "attempt", home), home)


POLARS = {
    "types": pl.DataFrame(
        {
            "int": [1, None],
            "text": ["x", "longer than a view holds"],
            "bytes": [b"x", None],
            "bool": [True, None],
            "category": pl.Series(["u", "v"], dtype=pl.Categorical),
            "enum": pl.Series(["u", None], dtype=pl.Enum(["u", "v"])),
            "list": [[1], None],
            "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
            "struct": [{"a": 1}, {"a": 2}],
            "null": [None, None],
            "time": pl.Series([1, 2], dtype=pl.Time),
            "decimal": pl.Series([Decimal("1.5"), None]),
            "zoned": pl.Series([dt.datetime(2020, 1, 1)] * 2).dt.replace_time_zone("Europe/Paris"),
            "duration": [dt.timedelta(1), None],
            "nested": [[{"c": "x"}], [None]],
        }
    ),
    "wide integers": pl.DataFrame({"i": pl.Series([1, 2**100], dtype=pl.Int128), "s": ["a", "b"]}),
    "nothing": pl.DataFrame(),
    "typed and empty": pl.DataFrame(schema={"a": pl.Categorical, "b": pl.Int8}),
    "chunks": pl.concat([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})], rechunk=False),
}


@pytest.mark.parametrize("name", POLARS)
def test_a_polars_frame_comes_back(name: str, tmp_path: Path) -> None:
    assert_frame_equal(trip(POLARS[name], tmp_path), POLARS[name], check_exact=True)


def test_a_polars_series_and_a_lazy_frame_come_back(tmp_path: Path) -> None:
    assert_series_equal(trip(pl.Series("x", [1, None]), tmp_path), pl.Series("x", [1, None]))
    back = trip(pl.LazyFrame({"a": [1, 2]}).filter(pl.col("a") > 1), tmp_path)
    assert isinstance(back, pl.LazyFrame)
    assert back.collect().to_dicts() == [{"a": 2}]


def test_polars_objects_are_refused_by_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"thing": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(errors.CannotKeep, match="'thing'"):
        outputs.save(frame, tmp_path / "attempt", tmp_path)


ARROW = {
    "table": pa.table({"a": [1, 2], "s": ["x", None]}).replace_schema_metadata({"k": "v"}),
    "no rows": pa.table({"a": pa.array([], pa.string())}),
    "no columns": pa.table({"a": [1, 2]}).select([]),
    "dictionary": pa.table({"d": pa.array(["a", "b", "a"]).dictionary_encode()}),
    "batch": pa.record_batch([pa.array([1, 2])], ["a"]),
    "empty batch": pa.record_batch([pa.array([], pa.int8())], ["a"]),
    "array": pa.array([1, None, 3]),
    "empty array": pa.array([], pa.int32()),
    "slice": pa.array(range(100))[10:20],
    "chunked array": pa.chunked_array([[1], [2, 3]]),
    "union": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
}


@pytest.mark.parametrize("name", ARROW)
def test_an_arrow_value_comes_back(name: str, tmp_path: Path) -> None:
    back = trip(ARROW[name], tmp_path)
    assert type(back) is type(ARROW[name])
    assert back.equals(ARROW[name])
    assert getattr(back, "num_rows", None) == getattr(ARROW[name], "num_rows", None)
    if isinstance(back, pa.Table | pa.RecordBatch):
        assert back.schema.equals(ARROW[name].schema, check_metadata=True)


def test_chunks_with_dictionaries_of_their_own_come_back_with_one(tmp_path: Path) -> None:
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", None]).dictionary_encode()]
    table = pa.table({"d": pa.chunked_array(chunks)})
    assert trip(table, tmp_path).to_pylist() == table.to_pylist()
    assert trip(table.to_reader(), tmp_path).read_all().to_pylist() == table.to_pylist()


def test_a_reader_is_read_batch_by_batch_and_comes_back(tmp_path: Path) -> None:
    batches = [pa.record_batch([[n]], ["a"]) for n in range(3)]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches))
    single, (output,) = outputs.save(reader, tmp_path / "attempt", tmp_path)
    assert (single, output.rows, output.kind) == (True, 3, "pyarrow.RecordBatchReader")
    assert outputs.load(output, tmp_path).read_all().to_pydict() == {"a": [0, 1, 2]}


def test_a_relation_comes_back_as_a_relation_of_the_same_types(tmp_path: Path) -> None:
    relation = duckdb.sql("""
        select range i, range::hugeint * 1e18::hugeint h, 'b'::enum('a', 'b') e, [1, 2] l, '10:00:00+02'::timetz z,
               340282366920938463463374607431768211455::uhugeint u, '101'::bit b, {'a': 1} s, map {'a': range} m,
               'd29ff5e0-0000-4000-8000-000000000000'::uuid d, interval 1 day v, null n, '[1]'::json j, 1.5::decimal(9,2) "x""y"
        from range(3)""")
    back = trip(relation, tmp_path)
    assert isinstance(back, duckdb.DuckDBPyRelation)
    assert (back.columns, back.types) == (relation.columns, relation.types)
    assert back.fetchall() == relation.fetchall()
    assert trip(duckdb.sql("select 1 a"), tmp_path).project("a + 1").fetchall() == [(2,)]


def test_a_relation_that_was_looked_at_is_kept_whole(tmp_path: Path) -> None:
    relation = duckdb.sql("select range i from range(3)")
    assert len(relation.fetchall()) == 3
    assert trip(relation, tmp_path).fetchall() == [(0,), (1,), (2,)]


def test_a_relation_whose_query_fails_is_not_kept(tmp_path: Path) -> None:
    relation = duckdb.sql("select error('no such luck') from range(2)")
    with pytest.raises(errors.CannotKeep, match="no such luck"):
        outputs.save(relation, tmp_path / "attempt", tmp_path)


ARRAYS = {
    "three dimensions": np.arange(24).reshape(2, 3, 4),
    "columns first": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "no dimension": np.array(5.0),
    "no element": np.empty((0, 3)),
    "fields": np.array([(1, "a")], dtype=[("x", "i4"), ("é", "U2")]),
    "days": np.array(["2020", "NaT"], "M8[D]"),
    "bools": np.array([True, False]),
    "texts": np.array(["a", "bb"]),
    "strided": np.arange(10)[::2],
    "objects": np.array([1, "a", None], dtype=object),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_and_can_be_written_to(name: str, tmp_path: Path) -> None:
    array = ARRAYS[name]
    _, (output,) = outputs.save(array, tmp_path / "attempt", tmp_path)
    back = outputs.load(output, tmp_path)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    written = (tmp_path / output.path).read_bytes()
    back[...] = back[::-1].copy() if back.ndim else 6.0
    assert (tmp_path / output.path).read_bytes() == written


PAIRS = {
    "polars": (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": ["x"] * 99})),
    "arrow": (pa.table({"a": [1, 2]}), pa.table({"a": ["x"] * 99})),
    "numpy": (np.arange(9), np.arange(99)),
    "duckdb": ("select 1", "select range from range(99)"),  # queries: made at their use, gone with it
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("spoil", ["cut", "garbage", "gone", "emptied", "another"])
def test_a_spoiled_file_is_said_to_be_so(name: str, spoil: str, tmp_path: Path) -> None:
    value, another = map(duckdb.sql, PAIRS[name]) if name == "duckdb" else PAIRS[name]
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    _, (other,) = outputs.save(another, tmp_path / "another", tmp_path)
    path = tmp_path / output.path
    content = path.read_bytes()
    path.unlink()
    if spoil == "another":
        path.write_bytes((tmp_path / other.path).read_bytes())
    elif spoil != "gone":
        path.write_bytes({"cut": content[:-8], "garbage": bytes(len(content)), "emptied": b""}[spoil])
    for look in (outputs.load, lambda *found: outputs.head(*found, 5), lambda *found: outputs.profile(*found, 5)):
        with pytest.raises(errors.CannotRead, match=path.name):
            look(output, tmp_path)
