"""Small files of a table become one with their rows, beside whoever else writes it."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.datasets.conftest import AT, Writer

from headrace import errors, identity
from headrace.datasets import committing, compacting, names, reading, tables, voiding
from headrace.datasets.committing import Committed
from headrace.datasets.compacting import Compaction
from headrace.model.dataset import WriteMode

FEW = 6  # files, from which on they are merged here


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEW", FEW)


@pytest.fixture
def appended(writer: Writer) -> Writer:
    """A table of so many files that they are to be merged."""
    for number in range(FEW):
        writer.write({"id": [number], "v": [str(number)]}, "append")
    return writer


def planned(writer: Writer) -> Compaction:
    """What is to be done at it, and the new file is there."""
    found = compacting.plan(writer.place, tables.find(writer.place).version())
    assert found
    list(found.copy())
    return found


def commit(found: Compaction) -> Committed | None:
    return found.commit(identity.new(), AT)


def files(writer: Writer) -> list[Path]:
    return sorted(Path(unquote(writer.place).removeprefix("file://")).glob("*.parquet"))


def test_the_rows_are_those_that_were_there_in_one_file(appended: Writer) -> None:
    before = appended.rows(FEW)
    done = commit(planned(appended))
    assert done
    assert (done.version, done.rows) == (FEW + 1, FEW)
    assert appended.rows(FEW + 1) == appended.rows(FEW) == before
    (file,) = tables.files(tables.find(appended.place))
    assert tables.files(tables.find(appended.place))[file].rows == FEW
    assert reading.page(appended.place, FEW + 1, 3, 2) == reading.page(appended.place, FEW, 3, 2), "in their order"
    assert compacting.plan(appended.place, FEW + 1) is None
    after = appended.write({"id": [0, 99], "v": ["x", "y"]}, "upsert", ["id"])
    assert (after.version, after.rows) == (FEW + 2, FEW + 1)


def test_other_tools_are_told_that_no_row_has_changed(appended: Writer) -> None:
    commit(planned(appended))
    log = tables.filesystem(appended.place).open_input_stream(f"_delta_log/{FEW + 1:020}.json").read().decode()
    assert log.count('"dataChange":false') == FEW + 1
    assert '"dataChange":true' not in log


@pytest.mark.parametrize("count", [1, FEW - 1])
def test_a_few_files_are_left_as_they_are(writer: Writer, count: int) -> None:
    for number in range(count):
        writer.write({"id": [number]}, "append")
    assert compacting.plan(writer.place, count) is None


def test_what_nobody_has_recorded_yet_is_not_merged(appended: Writer) -> None:
    append(appended)
    assert compacting.plan(appended.place, FEW) is None
    assert compacting.plan(appended.place, FEW + 1)


def test_a_mark_that_an_attempt_is_void_is_nothing_that_was_written(appended: Writer) -> None:
    voiding.void(appended.place, committing.Staged(attempt="a", files=(), mode=WriteMode.APPEND, at=AT))
    found = compacting.plan(appended.place, FEW)
    assert found
    list(found.copy())
    done = commit(found)
    assert done
    assert (done.version, done.rows) == (FEW + 2, FEW)


def test_large_files_stay(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEW", 3)
    monkeypatch.setattr(compacting, "SMALL", 10_000)
    for count in (1, 5000, 1, 500):
        writer.write({"id": list(range(count))}, "append")
    before = max(file.bytes for file in tables.files(tables.find(writer.place)).values())
    done = commit(planned(writer))
    assert done
    assert (done.version, done.rows) == (5, 5502)
    after = [file.bytes for file in tables.files(tables.find(writer.place)).values()]
    assert len(after) == 2
    assert max(after) == before


def test_of_many_no_more_are_merged_at_once_than_have_so_many_bytes(
    appended: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = next(iter(tables.files(tables.find(appended.place)).values())).bytes
    monkeypatch.setattr(compacting, "MOST", 5 * size)
    assert commit(planned(appended))
    assert len(tables.files(tables.find(appended.place))) == FEW - 3


def test_rows_are_written_in_groups_and_a_step_is_small(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "GROUP", 50_000)
    for _ in range(20):
        writer.write({"id": list(range(1000))}, "append")
    found = compacting.plan(writer.place, 20)
    assert found
    assert len(list(found.copy())) == 20, "one for each file"
    assert commit(found)
    with tables.filesystem(writer.place).open_input_file(found.name) as file:
        assert pq.read_metadata(file).num_row_groups == 3, "seven files have fifty thousand bytes"
    assert len(writer.rows(21)) == 20_000


TYPED: dict[str, Any] = {
    "text": pa.array(["ä", None]),
    "coded": pa.array(["a", "b"]).dictionary_encode(),
    "bytes": pa.array([b"\0", None], pa.large_binary()),
    "exact": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
    "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("ms", "UTC")),
    "local": pa.array([datetime(2026, 1, 1), None], pa.timestamp("us")),
    "many": pa.array([{"a": [1, None]}, None], pa.struct({"a": pa.list_(pa.int32())})),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    "a'b\"c": pa.array([True, None]),
}


def test_values_of_every_kind_are_as_they_were(writer: Writer) -> None:
    for _ in range(FEW):
        committing.commit(writer.place, writer.stage(pa.table(TYPED), "append"))
    before = reading.page(writer.place, FEW, 0, 999)
    assert commit(planned(writer))
    assert reading.page(writer.place, FEW + 1, 0, 999) == before


def test_columns_that_came_later_are_there(appended: Writer) -> None:
    """Other tools add columns in that way."""
    more = pa.table({"id": [99], "v": ["x"], "w": [1.5]})
    deltalake.write_deltalake(appended.place, more, mode="append", schema_mode="merge")
    before = appended.rows(FEW + 1)
    assert commit(planned(appended))
    assert appended.rows(FEW + 2) == before
    assert {"id": 99, "v": "x", "w": 1.5} in before


def append(writer: Writer) -> None:
    writer.write({"id": [99], "v": ["x"]}, "append")


def upsert(writer: Writer) -> None:
    writer.write({"id": [5], "v": ["x"]}, "upsert", ["id"])


def replace(writer: Writer) -> None:
    writer.write({"id": [5], "v": ["x"]})


def test_what_others_append_meanwhile_is_there(appended: Writer) -> None:
    found = planned(appended)
    append(appended)
    done = commit(found)
    assert done
    assert (done.version, done.rows) == (FEW + 2, FEW + 1)
    assert len(tables.files(tables.find(appended.place))) == 2


@pytest.mark.parametrize("deed", [upsert, replace], ids=lambda deed: deed.__name__)
def test_where_others_have_changed_what_was_merged_it_is_given_up(
    appended: Writer, deed: Callable[[Writer], None]
) -> None:
    found = planned(appended)
    deed(appended)
    before, there = appended.rows(FEW + 1), files(appended)
    assert commit(found) is None
    found.take_back()
    assert tables.find(appended.place).version() == FEW + 1
    assert appended.rows(FEW + 1) == before
    assert len(there) - len(files(appended)) == 1
    found.take_back()


def test_an_upsert_that_was_decided_before_finds_its_rows(appended: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decided anew on the version that was made meanwhile."""
    if names.is_url(appended.place):
        return
    found = planned(appended)
    decided = tables.files

    def merged_meanwhile(table: Any) -> Any:
        there = decided(table)
        monkeypatch.setattr(tables, "files", decided)
        assert commit(found)
        return there

    monkeypatch.setattr(tables, "files", merged_meanwhile)
    upsert(appended)
    assert tables.find(appended.place).version() == FEW + 2
    assert [row["v"] for row in appended.rows(FEW + 2) if row["id"] == 5] == ["x"]
    assert len(appended.rows(FEW + 2)) == FEW


def test_one_that_is_void_is_not_committed(appended: Writer) -> None:
    """A later engine has settled that it has not been."""
    found, attempt = planned(appended), identity.new()
    voiding.void(appended.place, committing.Staged(attempt=attempt, files=(), mode=WriteMode.APPEND, at=AT))
    assert found.commit(attempt, AT) is None


def test_where_it_cannot_be_looked_up_what_was_committed_the_new_file_stays(
    appended: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, attempt = planned(appended), identity.new()

    def broken(*given: object) -> None:
        raise errors.DatasetUnwritable(place=appended.place, why="it is away")

    with monkeypatch.context() as patch, pytest.raises(errors.DatasetInDoubt, match="it is away"):
        patch.setattr(committing, "find", broken)
        found.commit(attempt, AT)
    made = committing.find(appended.place, attempt, AT)
    assert made
    assert len(appended.rows(made.version)) == FEW


def test_one_that_landed_without_an_answer_is_found(appended: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(appended)
    real = deltalake.DeltaTable.create_write_transaction

    def lost(*given: Any, **named: Any) -> None:
        real(*given, **named)
        raise OSError("the answer was lost")

    monkeypatch.setattr(deltalake.DeltaTable, "create_write_transaction", lost)
    done = commit(found)
    assert done
    assert (done.version, done.rows) == (FEW + 1, FEW)


def test_one_that_did_not_land_is_told(appended: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder it is known that it will not."""
    found = planned(appended)

    def broken(*given: Any, **named: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(deltalake.DeltaTable, "create_write_transaction", broken)
    wrong = errors.DatasetInDoubt if names.is_url(appended.place) else errors.DatasetUnwritable
    with pytest.raises(wrong, match="no space left"):
        commit(found)


def test_what_ends_in_between_leaves_no_file(appended: Writer) -> None:
    there = files(appended)
    found = compacting.plan(appended.place, FEW)
    assert found
    steps = iter(found.copy())
    next(steps)
    steps.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert files(appended) == there


def test_a_file_that_is_gone_is_told_and_nothing_is_changed(appended: Writer) -> None:
    if names.is_url(appended.place):
        return
    files(appended)[3].unlink()
    found = compacting.plan(appended.place, FEW)
    assert found
    with pytest.raises(FileNotFoundError):
        list(found.copy())
    assert tables.find(appended.place).version() == FEW
    assert len(files(appended)) == FEW - 1


def test_a_table_that_cannot_be_read_here_is_left(appended: Writer) -> None:
    shown = pa.table({"id": [1], "v": ["x"]})
    deltalake.write_deltalake(f"{appended.place}-p", shown, partition_by=["v"])
    with pytest.raises(errors.DatasetUnreadable, match="partitioned"):
        compacting.plan(f"{appended.place}-p", 0)
