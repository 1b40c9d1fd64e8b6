"""Where little by little was written files are merged, in versions of their own, which change nothing but how fast it is read."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engine.committing import Mill, step
from tests.engine.parts import Engine
from tests.engine.test_superseded import AT, Table

from headrace import errors
from headrace.datasets import committing, compacting, tables
from headrace.engine import compactor, interrupted
from headrace.engine.compactor import Compactor
from headrace.model.dataset import Operation, WriteMode
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.datasets import Datasets

FEW = 4
APPEND = WriteMode.APPEND


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (compacting, compactor):
        monkeypatch.setattr(module, "FEW", FEW)


@pytest.fixture
def table(store: Store, home: Path) -> Table:
    return Table(store, home, "datasets/sales")


@pytest.fixture
def steps(store: Store, home: Path) -> Callable[..., Iterator[None]]:
    """Those of a compactor; what cannot be merged is an error."""

    def begun(told: Callable[[str], Any] = pytest.fail) -> Iterator[None]:
        return Compactor(store, Settings(home=home), AT, told).steps()

    return begun


def run(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def append(table: Table, count: int) -> None:
    for number in range(count):
        table.write(1, [number], APPEND)


def operations(table: Table) -> list[str]:
    """Of its versions, the newest first."""
    return [each.operation.value for each in table.store.datasets.versions(table.row.id, 99)]


def files(table: Table) -> int:
    return len(tables.files(tables.find(table.place)))


def test_what_was_appended_by_and_by_becomes_one_file_in_a_version_of_its_own(
    table: Table, steps: Callable[..., Iterator[None]]
) -> None:
    append(table, FEW)
    changed = table.store.datasets.find("sales")
    run(steps())
    found, before = table.store.datasets.versions(table.row.id, 2)
    assert (found.version, found.operation, found.rows) == (FEW + 1, Operation.COMPACT, FEW)
    assert (found.run_id, found.block, found.schema, found.profile) == (None, None, before.schema, before.profile)
    assert found.bytes < before.bytes
    assert files(table) == 1
    assert table.rows(found.version) == table.rows(before.version)
    assert table.store.datasets.find("sales") == changed, "nothing was written to it"
    assert table.store.writes.unrecorded() == []
    run(steps())
    assert len(operations(table)) == FEW + 1, "there is nothing more to be merged"


def test_tables_that_are_as_they_should_be_are_not_looked_into(
    table: Table, steps: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(table, FEW - 1)
    table.write(1, [1])
    append(table, FEW - 1)
    table.store.datasets.ensure("never_written", "datasets/never_written", AT)
    monkeypatch.setattr(compacting, "plan", lambda *given: pytest.fail("it was opened"))
    run(steps())


def test_upserts_leave_small_files_as_well(table: Table, steps: Callable[..., Iterator[None]]) -> None:
    for number in range(FEW):
        table.write(1, [number], WriteMode.UPSERT)
    run(steps())
    assert files(table) == 1
    assert table.write(1, [1, 9], WriteMode.UPSERT) == FEW + 2
    assert table.rows(FEW + 2) == [0, 1, 2, 3, 9]


def test_what_is_left_over_is_merged_in_rounds_and_the_next_time(
    table: Table, steps: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(table, 20)
    size = next(iter(tables.files(tables.find(table.place)).values())).bytes
    monkeypatch.setattr(compacting, "MOST", 5 * size)
    monkeypatch.setattr(compactor, "ROUNDS", 2)
    counts: list[int] = []
    for _ in range(4):
        run(steps())
        counts.append(files(table))
    assert counts[:2] == [14, 8]
    assert counts[-1] < FEW
    assert table.rows(len(operations(table))) == sorted(range(20))


def test_nothing_is_merged_while_a_version_is_awaited(
    table: Table, engine: Engine, steps: Callable[..., Iterator[None]]
) -> None:
    append(table, FEW)
    mill = Mill(engine)
    mill.begin(step("sales"))
    mill.stage("sales", [{"id": 2}], "append")
    engine.turn()
    run(steps())
    assert files(table) == FEW


def test_what_others_have_changed_meanwhile_is_given_up(
    table: Table, steps: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(table, FEW)
    going = steps()
    next(going)
    next(going)  # the new file is there
    table.write(1, [7])
    run(going)
    assert operations(table)[0] == "replace"
    assert table.rows(FEW + 1) == [7]
    assert table.store.writes.unrecorded() == []
    assert len(list(Path(table.place).glob("*.parquet"))) == FEW + 1


def test_what_is_written_meanwhile_does_not_wait(table: Table, steps: Callable[..., Iterator[None]]) -> None:
    append(table, FEW)
    going = steps()
    next(going)
    next(going)
    assert table.write(1, [7], APPEND) == FEW + 1
    run(going)
    assert operations(table)[:2] == ["compact", "append"]
    assert table.rows(FEW + 2) == [0, 1, 2, 3, 7]


class Killed(BaseException):
    pass


def test_one_that_is_killed_before_it_is_recorded_is_recorded_by_the_next(
    table: Table, home: Path, steps: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(table, FEW)

    def die(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Datasets, "settle", die)
        run(steps())
    assert (files(table), operations(table)[0]) == (1, "append")
    interrupted.take_up_all(table.store, home, AT)
    assert operations(table)[0] == "compact"
    assert table.rows(FEW + 1) == [0, 1, 2, 3]


def test_what_nobody_knows_of_is_settled_later(
    table: Table, home: Path, steps: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(table, FEW)
    told: list[str] = []

    def doubt(*given: object) -> None:
        raise errors.DatasetInDoubt(place=table.place, why="the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(compacting.Compaction, "commit", doubt)
        run(steps(told.append))
    assert told == [f"the files of the dataset sales cannot be merged: DatasetInDoubt: {_doubt(table)}"]
    (write,) = table.store.writes.unrecorded()
    assert (write.operation, files(table)) == (Operation.COMPACT, FEW)
    interrupted.take_up_all(table.store, home, AT + 2 * interrupted.PATIENCE)
    assert table.store.writes.unrecorded() == []
    assert committing.find(table.place, write.attempt, AT) == replace(_void(), version=tables.VOID)


def _doubt(table: Table) -> str:
    return f"It is not known yet whether the rows are in the table at {table.place}: the answer was lost."


def _void() -> committing.Committed:
    return committing.Committed(version=0, rows=0, bytes=0, schema=(), found=True)


def test_a_broken_table_is_told_and_keeps_back_no_other(
    store: Store, home: Path, table: Table, steps: Callable[..., Iterator[None]]
) -> None:
    append(table, FEW)
    next(Path(table.place).glob("*.parquet")).write_text("no parquet")
    told: list[str] = []
    run(steps(told.append))
    assert len(told) == 1
    assert told[0].startswith("the files of the dataset sales cannot be merged: ArrowInvalid")
    assert len(list(Path(table.place).glob("*.parquet"))) == FEW
    assert operations(table)[0] == "append"


def test_behind_a_url_it_is_the_same(store: Store, home: Path, steps: Callable[..., Iterator[None]]) -> None:
    table = Table(store, home, (home / "remote" / "sales").as_uri())
    append(table, FEW)
    run(steps())
    assert (files(table), operations(table)[0]) == (1, "compact")
    assert table.rows(FEW + 1) == [0, 1, 2, 3]
