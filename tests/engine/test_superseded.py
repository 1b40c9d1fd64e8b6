"""Versions of datasets go that others came after long ago, with their files, whenever the cleaning is interrupted."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.engine.committing import Mill, step
from tests.engine.parts import Engine

from headrace import errors, identity
from headrace.datasets import committing, names, reading
from headrace.datasets.committing import Staged
from headrace.engine.cleaning import Cleaning
from headrace.model.dataset import WriteMode
from headrace.model.run import RunStatus
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.written import Written

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
AT = NOW + 100 * DAY  # when it is cleaned: long after the files were written that tests make
FEW: dict[str, Any] = {"keep_dataset_versions_days": 10, "keep_dataset_versions": 2}


class Table:
    """The dataset `sales`, written as if it were some days ago."""

    def __init__(self, store: Store, home: Path, place: str) -> None:
        self.store = store
        self.home = home
        self.row = store.datasets.ensure("sales", place, NOW)
        self.place = names.absolute(home, self.row.location)

    def write(self, days: float, rows: list[int], mode: WriteMode = WriteMode.REPLACE) -> int:
        """So many days before it is cleaned: its version."""
        folder = self.home / "staged" / identity.new()
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": rows}), folder / "0.parquet")
        attempt, files = folder.name, [folder / "0.parquet"]
        staged = Staged(attempt=attempt, files=files, mode=mode, keys=("id",), at=NOW)
        done = committing.commit(self.place, staged)
        facts = {"rows": done.rows, "bytes": done.bytes, "schema": done.schema, "attempt": attempt}
        written = Written(dataset="sales", version=done.version, operation=mode, at=AT - days * DAY, **facts)
        self.store.datasets.written(written)
        return done.version

    def rows(self, version: int) -> list[int]:
        return sorted(reading.page(self.place, version, 0, 10**6).column("id").to_pylist())

    def kept(self) -> list[int]:
        return self.store.datasets.kept(self.row.id)

    def files(self) -> set[Path]:
        return {path for path in Path(self.place).rglob("*") if path.is_file()}


@pytest.fixture
def table(store: Store, home: Path) -> Table:
    return Table(store, home, "datasets/sales")


@pytest.fixture
def cleaning(store: Store, home: Path) -> Callable[..., Iterator[None]]:
    """The steps of a cleaning; what cannot be cleaned is an error."""

    def begun(
        *, thorough: bool = True, dry: bool = False, told: Callable[[str], None] = pytest.fail, **kept: Any
    ) -> Any:
        made = Cleaning(store, Settings(home=home, **{**FEW, **kept}), AT, told, dry=dry)
        yield from made.steps(thorough=thorough)
        return made.cleaned

    return begun


def done(steps: Any) -> Any:
    """What a whole cleaning has cleaned."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_old_versions_go_with_their_files_and_the_others_are_as_they_were(
    table: Table, cleaning: Callable[..., Any]
) -> None:
    for days in (50, 40, 30, 20, 5):
        table.write(days, [int(days)])
    before = {version: table.rows(version) for version in table.kept()}
    would = done(cleaning(dry=True))
    assert {version: table.rows(version) for version in table.kept()} == before
    did = done(cleaning())
    assert would == did
    assert did.rows[None, "dataset_versions"] == 3
    assert did.bytes[None, "datasets"] > 0
    assert table.kept() == [4, 5]
    assert [table.rows(version) for version in (4, 5)] == [[20], [5]]
    assert len(list(Path(table.place).glob("*.parquet"))) == 2
    with pytest.raises(errors.DatasetUnreadable):
        table.rows(3)


def test_what_several_versions_share_stays_as_long_as_one_of_them(table: Table, cleaning: Callable[..., Any]) -> None:
    table.write(50, [1, 2], WriteMode.APPEND)
    table.write(40, [3, 4], WriteMode.APPEND)
    table.write(30, [4, 5], WriteMode.UPSERT)
    table.write(20, [6], WriteMode.APPEND)
    done(cleaning(keep_dataset_versions=3))
    assert table.kept() == [2, 3, 4]
    assert [table.rows(version) for version in (2, 3, 4)] == [[1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]]
    done(cleaning(keep_dataset_versions=1))
    assert table.kept() == [4]
    assert table.rows(4) == [1, 2, 3, 4, 5, 6]
    assert len(list(Path(table.place).glob("*.parquet"))) == 4, "the file of 3 and 4 was written anew without 4"


def test_what_was_committed_and_not_recorded_yet_stays(table: Table, cleaning: Callable[..., Any]) -> None:
    table.write(50, [1])
    table.write(40, [2])
    for number in (3, 4):
        file = table.home / f"{number}.parquet"
        pq.write_table(pa.table({"id": [number]}), file)
        committing.commit(table.place, Staged(attempt=f"a{number}", files=[file], mode=WriteMode.REPLACE, at=NOW))
    done(cleaning(keep_dataset_versions=1))
    assert table.kept() == [2]
    assert [table.rows(version) for version in (2, 3, 4)] == [[2], [3], [4]]


def test_nothing_goes_while_a_version_is_awaited_that_others_came_after(
    table: Table, engine: Engine, cleaning: Callable[..., Any]
) -> None:
    """It was committed, and whoever goes on with its run has yet to record it."""
    table.write(50, [1])
    mill = Mill(engine)
    _, ended = mill.begin(step("sales"))
    mill.stage("sales", [{"id": 2}])
    engine.turn()
    mill.commit()
    table.write(30, [3])
    table.write(20, [4])
    done(cleaning(keep_dataset_versions=1))
    assert [table.rows(version) for version in (1, 2, 3, 4)] == [[1], [2], [3], [4]]
    engine.turn()
    assert ended.result(0).status is RunStatus.COMPLETED
    assert table.kept() == [1, 2, 3, 4]
    done(cleaning(keep_dataset_versions=1))
    assert not {1, 3} & {*table.kept()}


def test_files_of_no_version_go_once_they_are_old(table: Table, cleaning: Callable[..., Any]) -> None:
    table.write(50, [1])
    abandoned = [Path(table.place, name) for name in ("x.parquet", "y.parquet.1.part", "_delta_log/_commit_1.json.tmp")]
    for path in abandoned:
        path.write_text("x")
    fresh = Path(table.place, "fresh.parquet")
    fresh.write_text("x")
    os.utime(fresh, (AT.timestamp() - 60, AT.timestamp() - 60))
    done(cleaning(thorough=False))
    assert all(path.exists() for path in abandoned), "that is not looked for each time"
    done(cleaning())
    assert not any(path.exists() for path in abandoned)
    assert fresh.exists()
    assert table.rows(1) == [1]


def test_the_log_goes_as_far_as_nothing_needs_it(table: Table, cleaning: Callable[..., Any]) -> None:
    for number in range(35):
        table.write(90 - number, [number])
    done(cleaning(keep_dataset_versions=3))
    assert table.kept() == [33, 34, 35]
    assert [table.rows(version) for version in (33, 34, 35)] == [[32], [33], [34]]
    left = sorted(path.name[:20] for path in Path(table.place, "_delta_log").glob("0*.json"))
    assert 0 < len(left) < 20
    assert table.write(1, [99]) == 36
    assert table.rows(36) == [99]


def test_whoever_dies_at_any_step_leaves_nothing_that_the_next_one_does_not_take(
    table: Table, cleaning: Callable[..., Any]
) -> None:
    for days in (50, 40, 30, 20):
        table.write(days, [int(days)])
    for steps in range(1, 99):
        taken = sum(1 for _ in zip(range(steps), cleaning(keep_dataset_versions=1), strict=False))
        assert table.rows(4) == [20]
        if taken < steps:
            break
    done(cleaning(keep_dataset_versions=1))
    assert table.kept() == [4]
    assert len(list(Path(table.place).glob("*.parquet"))) == 1


def test_it_can_be_turned_off(table: Table, cleaning: Callable[..., Any]) -> None:
    for days in (50, 40, 30):
        table.write(days, [1])
    before = table.files()
    done(cleaning(keep_dataset_versions_days=None))
    done(cleaning(keep_dataset_versions=0, keep_dataset_versions_days=60))
    assert table.kept() == [1, 2, 3]
    assert table.files() == before


def test_a_broken_table_is_told_and_keeps_back_no_other(store: Store, home: Path, cleaning: Callable[..., Any]) -> None:
    table = Table(store, home, "datasets/sales")
    for days in (50, 40, 30):
        table.write(days, [1])
    store.datasets.ensure("before", "datasets/before", NOW)
    log = Path(table.place, "_delta_log", f"{2:020}.json")
    log.write_text("no json")
    told: list[str] = []
    done(cleaning(told=told.append))
    assert len(told) == 1
    assert told[0].startswith("the dataset sales cannot be cleaned")


def test_a_table_behind_a_url_is_cleaned_by_the_library(store: Store, home: Path, cleaning: Callable[..., Any]) -> None:
    table = Table(store, home, (home / "remote" / "sales").as_uri())
    for days in (50, 40, 30):
        table.write(days, [int(days)])
    folder = home / "remote" / "sales"
    for path in folder.glob("*.parquet"):
        os.utime(path, (NOW.timestamp() - 9000, NOW.timestamp() - 9000))
    done(cleaning(keep_dataset_versions=1))
    assert table.kept() == [3]
    assert table.rows(3) == [30]
    assert table.write(1, [7]) > 3
    with pytest.raises(errors.DatasetUnreadable, match="there is no table"):
        reading.page(f"{table.place}-none", 1, 0, 1)
