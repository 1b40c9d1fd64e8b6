"""Committing: what an attempt has written becomes a version of a table, once."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from tests.datasets.conftest import AT, Writer

from headrace import errors, identity
from headrace.datasets import cleaning, committing, names, reading, tables, voiding
from headrace.datasets.committing import Staged

POOL = pa.proxy_memory_pool(pa.default_memory_pool())  # counts; it outlives whatever is in it


def test_what_is_written_replaces_what_was(writer: Writer) -> None:
    first = writer.write({"a": [1, 2], "b": ["x", None]})
    second = writer.write({"a": [3], "b": ["y"]})
    assert (first.version, first.rows, first.found) == (1, 2, False)
    assert (second.version, second.rows) == (2, 1)
    assert first.bytes > 0
    assert writer.rows(1) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert writer.rows(2) == [{"a": 3, "b": "y"}]
    assert list(first.schema) == [{"name": "a", "type": "int64"}, {"name": "b", "type": "string"}]


def test_another_schema_may_replace_what_was(writer: Writer) -> None:
    writer.write({"a": [1]})
    second = writer.write({"b": [datetime(2026, 1, 1)], "c": [datetime(2026, 1, 1, tzinfo=UTC)]})
    assert list(second.schema) == [
        {"name": "b", "type": "timestamp[us]"},
        {"name": "c", "type": "timestamp[us, tz=UTC]"},
    ]
    assert writer.rows(1) == [{"a": 1}]
    assert writer.rows(2)[0]["b"] == datetime(2026, 1, 1)


def test_appended_rows_come_to_those_that_are_there(writer: Writer) -> None:
    writer.write({"a": [1], "b": ["x"]}, "append")
    second = writer.write({"b": ["y"], "a": [2]}, "append")
    assert (second.version, second.rows) == (2, 2)
    assert writer.rows(2) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_upserted_rows_take_the_place_of_those_with_their_key(writer: Writer) -> None:
    writer.write({"id": [1, 2], "v": ["a", "b"]}, "upsert", ["id"])
    writer.write({"id": [5, 6], "v": ["e", "f"]}, "append")
    third = writer.write({"id": [2, 3], "v": ["B", "C"]}, "upsert", ["id"])
    assert (third.version, third.rows) == (3, 5)
    assert [row["v"] for row in writer.rows(3)] == ["a", "B", "C", "e", "f"]
    assert [row["v"] for row in writer.rows(2)] == ["a", "b", "e", "f"]


def test_a_key_may_be_of_several_columns_of_any_name(writer: Writer) -> None:
    keys = ['the "k"', "k'2"]
    writer.write({keys[0]: [1, 1], keys[1]: ["x", "y"], "v": [1, 2]}, "upsert", keys)
    found = writer.write({keys[0]: [1, 2], keys[1]: ["y", "y"], "v": [3, 4]}, "upsert", keys)
    assert found.rows == 3
    assert sorted(row["v"] for row in writer.rows(2)) == [1, 3, 4]


def test_rows_of_which_all_are_replaced_leave_no_file(writer: Writer) -> None:
    writer.write({"id": [1], "v": ["a"]}, "upsert", ["id"])
    found = writer.write({"id": [1], "v": ["b"]}, "upsert", ["id"])
    assert (found.rows, writer.rows(2)) == (1, [{"id": 1, "v": "b"}])


def test_an_attempt_is_committed_once(writer: Writer) -> None:
    staged = writer.stage(pa.table({"a": [1, 2]}), "append")
    first = committing.commit(writer.place, staged)
    writer.write({"a": [3]}, "append")
    again = committing.commit(writer.place, staged)
    assert again.found
    assert (again.version, again.rows, again.bytes) == (first.version, first.rows, first.bytes)
    assert again.schema == first.schema
    assert len(writer.rows(2)) == 3


def old(writer: Writer, days: int, mode: str = "append") -> Staged:
    """Staged rows of an attempt that was begun so many days ago and is committed then."""
    at = AT - timedelta(days=days)
    made = f"{int(at.timestamp() * 1000):012x}"
    return replace(
        writer.stage(pa.table({"a": [1]}), mode), attempt=f"{made[:8]}-{made[8:]}{identity.new()[13:]}", at=at
    )


def test_an_attempt_is_committed_once_however_late_it_is_taken_up(writer: Writer) -> None:
    """Delta Lake forgets of transactions after 90 days."""
    first, second = old(writer, 200), old(writer, 100)
    assert [committing.commit(writer.place, each).version for each in (first, second)] == [1, 2]
    for number in range(10):
        writer.write({"a": [number]}, "append")
    assert tables.find(writer.place).transaction_version(second.attempt) is None
    for version, staged in enumerate((first, second), 1):
        found = committing.commit(writer.place, replace(staged, at=AT))
        assert (found.version, found.rows, found.found) == (version, version, True)
        assert committing.find(writer.place, staged.attempt, AT) == found
    assert len(writer.rows(12)) == 12


def test_what_was_void_long_ago_is_void(writer: Writer) -> None:
    writer.write({"a": [1]})
    staged = old(writer, 200)
    assert voiding.void(writer.place, staged) is None
    writer.write({"a": [1]})
    assert voiding.void(writer.place, replace(staged, at=AT)) is None
    with pytest.raises(errors.DatasetRefused, match="was settled before"):
        voiding.commit(writer.place, replace(staged, at=AT))


def test_an_old_attempt_that_was_not_committed_is(writer: Writer) -> None:
    writer.write({"a": [1]})
    assert committing.commit(writer.place, replace(old(writer, 200), at=AT)).version == 2


def test_where_the_log_does_not_go_back_far_enough_nobody_knows(tmp_path: Path) -> None:
    """A database was put back that is older than the table."""
    (tmp_path / "outputs").mkdir()
    writer = Writer(str(tmp_path / "table"), tmp_path / "outputs")
    staged = old(writer, 200)
    for number in range(25):
        writer.write({"a": [number]}, "append")
    for path in cleaning.leavings(writer.place, [25], 0):
        path.unlink()
    late = replace(staged, at=AT)
    for deed in (committing.commit, voiding.void):
        with pytest.raises(errors.DatasetInDoubt, match="its log begins after version 1"):
            deed(writer.place, late)
    young = replace(old(writer, 80), at=AT)
    assert committing.commit(writer.place, young).version == 26


def test_an_attempt_that_is_committed_needs_its_files_no_more(writer: Writer) -> None:
    staged = writer.stage(pa.table({"a": [1, 2]}))
    committing.commit(writer.place, staged)
    staged.files[0].unlink()
    assert committing.commit(writer.place, staged).found
    assert writer.rows(1) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_commit_and_what_it_stands_on_outlive_a_loss_of_power(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the log all is on the disk but what only says where to begin, which the library can do without."""
    synced, fsync = set[str](), os.fsync

    def note(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    for number in range(1, 12):
        writer.write({"a": [number]}, "append")
        log = {str(path) for path in tables.log(writer.place).iterdir() if path.name != "_last_checkpoint"}
        assert log <= synced
    assert any(path.endswith("checkpoint.parquet") for path in synced)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_other_columns_are_refused_each_by_its_name(writer: Writer, mode: str) -> None:
    writer.write({"id": [1], "b": ["x"], "c": [1.5]})
    with pytest.raises(errors.DatasetRefused) as refused:
        writer.write({"id": [1], "b": [7], "d": [True]}, mode, ["id"])
    assert "its column c (double) is missing" in str(refused.value)
    assert "it has no column d (bool)" in str(refused.value)
    assert "its column b is string and was given as int64" in str(refused.value)
    assert tables.find(writer.place).version() == 1


@pytest.mark.parametrize(
    ("ids", "why"),
    [([1, None], "a row has no value in id"), ([1, 7, 7], "2 rows have the same identifier, id = 7")],
)
def test_rows_that_their_key_does_not_tell_apart_are_refused(writer: Writer, ids: list[Any], why: str) -> None:
    writer.write({"id": [1]}, "upsert", ["id"])
    with pytest.raises(errors.DatasetRefused, match=why):
        writer.write({"id": ids}, "upsert", ["id"])
    with pytest.raises(errors.DatasetRefused, match="no column other"):
        writer.write({"id": [2]}, "upsert", ["other"])
    assert tables.find(writer.place).version() == 1


@pytest.mark.parametrize("mode", ["replace", "append", "upsert"])
def test_there_may_be_no_rows(writer: Writer, mode: str) -> None:
    writer.write({"id": [1]})
    none = writer.stage(pa.table({"id": pa.array([], pa.int64())}), mode, ["id"])
    found = committing.commit(writer.place, none)
    assert (found.version, found.rows) == (2, 0 if mode == "replace" else 1)
    assert len(writer.rows(2)) == found.rows


def test_several_files_are_one_version(writer: Writer) -> None:
    staged = writer.stage(pa.table({"a": list(range(10))}), parts=3)
    assert committing.commit(writer.place, staged).rows == 10
    assert [row["a"] for row in writer.rows(1)] == list(range(10))
    assert len(reading.page(writer.place, 1, 3, 5)) == 5
    assert reading.page(writer.place, 1, 10, 5).to_pydict() == {"a": []}


def test_rows_keep_their_order_in_a_folder(writer: Writer) -> None:
    staged = writer.stage(pa.table({"a": [3, 1, 2, 9, 8, 7, 0]}), parts=3)
    committing.commit(writer.place, staged)
    if not names.is_url(writer.place):
        assert reading.page(writer.place, 1, 2, 3).to_pydict() == {"a": [2, 9, 8]}


def test_types_that_have_no_place_are_refused(writer: Writer) -> None:
    with pytest.raises(errors.DatasetRefused, match="its column n is of type uint64"):
        committing.commit(writer.place, writer.stage(pa.table({"n": pa.array([1], pa.uint64())})))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (pa.timestamp("us", "Europe/Berlin"), r"its column c is of type timestamp\[us, tz=Europe/Berlin\]"),
        (pa.decimal32(5, 2), "its column c is of type decimal32"),
        (pa.uuid(), "its column c is of type extension<arrow.uuid>"),
        (pa.struct({"u": pa.list_(pa.uint8())}), r"its column c\.u\.element is of type uint8"),
        (pa.struct([("a", pa.int8()), ("A", pa.int8())]), r"its column c\.A comes twice, in whatever case"),
    ],
    ids=str,
)
def test_types_that_have_no_place_are_refused_wherever_they_are(tmp_path: Path, kind: pa.DataType, why: str) -> None:
    (tmp_path / "outputs").mkdir()
    writer = Writer(str(tmp_path / "table"), tmp_path / "outputs")
    with pytest.raises(errors.DatasetRefused, match=why):
        committing.commit(writer.place, writer.stage(pa.table({"c": pa.nulls(1, kind)})))


def test_columns_that_differ_in_case_alone_are_refused(writer: Writer) -> None:
    with pytest.raises(errors.DatasetRefused, match="its column ID comes twice, in whatever case"):
        writer.write({"id": [1], "ID": [2]})


def test_a_field_may_be_called_as_a_type_is(writer: Writer) -> None:
    kind = pa.struct([
        ("duration", pa.int64()),
        ("is_null", pa.list_(pa.field("element", pa.int32(), nullable=False))),
    ])  # fmt: skip
    row = {"duration": 1, "is_null": [2]}
    committing.commit(writer.place, writer.stage(pa.table({"interval": pa.array([row], kind)})))
    assert writer.rows(1) == [{"interval": row}]


def test_a_table_that_was_put_back_or_taken_away_is_not_written(writer: Writer) -> None:
    """What was committed to it would take the number of a version that was recorded."""
    writer.write({"a": [1]})
    staged = writer.stage(pa.table({"a": [2]}), "append")
    with pytest.raises(errors.DatasetBehind, match="newest version is 1, and version 2 of it was recorded"):
        committing.commit(writer.place, staged, newest=2)
    assert committing.commit(writer.place, staged, newest=1).version == 2
    writer.place += "-none"
    with pytest.raises(errors.DatasetBehind, match="there is none"):
        voiding.commit(writer.place, staged, newest=1)
    assert tables.find(writer.place) is None


def test_folders_above_a_table_give_it_no_column(tmp_path: Path) -> None:
    (tmp_path / "env=prod").mkdir()
    writer = Writer(str(tmp_path / "env=prod" / "table"), tmp_path / "env=prod")
    writer.write({"id": [1, 2], "env": ["a", "b"]}, "upsert", ["id"])
    writer.write({"id": [2], "env": ["c"]}, "upsert", ["id"])
    assert writer.rows(2) == [{"id": 1, "env": "a"}, {"id": 2, "env": "c"}]
    writer.place += "s"
    for version in (1, 2):
        writer.write({"id": [version, 3]}, "upsert", ["id"])
    assert writer.rows(2) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_a_file_is_that_file_whatever_it_is_called(writer: Writer) -> None:
    """Square brackets, stars and question marks are no patterns."""
    writer.write({"id": [1, 2]}, "upsert", ["id"])
    staged = writer.stage(pa.table({"id": [3]}), "upsert", ["id"])
    given = staged.files[0].with_name("e[f]*?.parquet")
    staged.files[0].rename(given)
    writer.stage(pa.table({"id": [1, 1]})).files[0].rename(given.with_name("efgh.parquet"))
    found = committing.commit(writer.place, replace(staged, files=[given], lent=True))
    assert (found.rows, writer.rows(2)) == (3, [{"id": 1}, {"id": 2}, {"id": 3}])


def test_of_a_group_no_more_rows_are_read_than_are_asked_for(writer: Writer) -> None:
    """A file may be small, and its rows are not: here 80 MB."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 4096])).cast(pa.string())
    committing.commit(writer.place, writer.stage(pa.table({"n": range(20_000), "t": text})))
    del text
    before = pa.default_memory_pool()
    pa.set_memory_pool(POOL)
    try:
        assert reading.page(writer.place, 1, 15_000, 3).column("n").to_pylist() == [15_000, 15_001, 15_002]
        few = reading.page(writer.place, 1, 0, 20_000, most=10 * 2**20)
    finally:
        pa.set_memory_pool(before)
    assert 10 * 2**20 < few.nbytes < 20 * 2**20
    assert POOL.max_memory() < 40 * 2**20


def test_a_column_that_came_later_is_empty_in_what_was_there(writer: Writer) -> None:
    """Other tools add columns in that way."""
    writer.write({"a": [1]})
    deltalake.write_deltalake(writer.place, pa.table({"a": [2], "b": ["x"]}), mode="append", schema_mode="merge")
    assert writer.rows(2) == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_what_is_no_parquet_is_told(writer: Writer) -> None:
    staged = writer.stage(pa.table({"a": [1]}))
    staged.files[0].write_text("nothing")
    with pytest.raises(errors.CannotRead):
        committing.commit(writer.place, staged)


def test_a_version_that_never_was_cannot_be_read(writer: Writer) -> None:
    writer.write({"a": [1]})
    with pytest.raises(errors.DatasetUnreadable, match="Version 7"):
        reading.page(writer.place, 7, 0, 1)
    with pytest.raises(errors.DatasetUnreadable, match="there is no table"):
        reading.page(f"{writer.place}-none", 1, 0, 1)


def test_a_folder_that_would_be_taken_for_another_is_refused(writer: Writer) -> None:
    for name in ("a%20b", "a*", "a?", "a[b]"):
        writer.place = f"/tmp/{name}"
        with pytest.raises(errors.DatasetUnwritable, match="cannot hold tables"):
            writer.write({"a": [1]})


def test_a_folder_that_cannot_be_made_is_told(writer: Writer) -> None:
    writer.place = "/proc/none/table"
    with pytest.raises(errors.DatasetUnwritable, match="The table at /proc/none/table cannot be written"):
        writer.write({"a": [1]})


def test_columns_may_be_called_as_anything_is_that_is_at_work_here(writer: Writer) -> None:
    names = {"filename": 1, "staged": 2, "file_row_number": 3, "select": 4, "a'b\"c": 5}
    for version in (1, 2):
        found = writer.write({name: [value] for name, value in names.items()}, "upsert", ["filename", "a'b\"c"])
        assert (found.version, found.rows) == (version, 1)
    assert writer.rows(2) == [names]


def test_what_is_lent_may_be_written_again(writer: Writer) -> None:
    """A file that is somebody else's is not the table's, and stays as it was to the second."""
    for number, mode in enumerate(("replace", "append", "upsert"), 1):
        staged = replace(writer.stage(pa.table({"id": [number]}), mode, ["id"]), lent=True)
        (file,) = staged.files
        os.utime(file, (1, 1))
        assert committing.commit(writer.place, staged).version == number
        assert file.stat().st_mtime == 1
        assert [*file.parent.iterdir()] == [file]
        file.write_bytes(b"something else")
    assert writer.rows(3) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_what_is_not_lent_becomes_part_of_the_table_as_it_is(writer: Writer) -> None:
    staged = writer.stage(pa.table({"id": [1]}))
    committing.commit(writer.place, staged)
    if not names.is_url(writer.place):
        (file,) = Path(writer.place).glob("*.parquet")
        assert file.samefile(staged.files[0])
