"""Files that are written as a version by a command, which may be killed at any moment and said again."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import clock, errors, store
from headrace.app import App
from headrace.datasets import tables, voiding
from headrace.datasets.committing import Staged
from headrace.engine import interrupted as takings
from headrace.model.dataset import WriteMode
from headrace.operations import datasets
from headrace.settings import Settings
from headrace.store.datasets import Datasets

File = Callable[..., Path]


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    store.open(home).close()
    return home


@pytest.fixture
def app(migrated: Path, tmp_path: Path) -> Iterator[App]:
    with App(Settings(home=shutil.copytree(migrated, tmp_path / "home"))) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> File:
    """A file of these columns, under a new name each time."""
    numbers = iter(range(99))

    def make(**columns: Sequence[Any]) -> Path:
        path = tmp_path / f"{next(numbers)}.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return make


def append(app: App, *files: Path) -> int:
    """The rows that are there afterwards."""
    done = datasets.write_files(app, "sales", files, WriteMode.APPEND)
    datasets.told(app, done)
    return done.standing.newest.rows if done.standing.newest else 0


def interrupted(app: App, *files: Path) -> None:
    """Appends them, and is killed between the commit and its record."""

    def die(*given: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Datasets, "settle", die)
        with pytest.raises(Killed):
            append(app, *files)


def test_what_is_written_again_after_it_was_interrupted_counts_once(app: App, file: File) -> None:
    assert append(app, file(a=[1])) == 1
    interrupted(app, file(a=[2, 3]), file(a=[4]))
    assert tables.find(str(app.settings.home / "datasets/sales")).version() == 2
    assert append(app, file(a=[2, 3]), file(a=[4])) == 4
    assert append(app, file(a=[2, 3]), file(a=[4])) == 7, "once it was recorded, the same is another append"
    assert [each.version for each in datasets.history(app, "sales", 9)] == [3, 2, 1]


def test_another_write_after_one_was_interrupted_is_its_own(app: App, file: File) -> None:
    interrupted(app, file(a=[1]))
    assert append(app, file(a=[2])) == 2
    interrupted(app, file(a=[1]), file(a=[2]))
    assert append(app, file(a=[2]), file(a=[1])) == 6


def test_what_was_interrupted_counts_once_whatever_is_written_before_it_is_said_again(app: App, file: File) -> None:
    interrupted(app, file(a=[1]))
    assert append(app, file(a=[2])) == 2
    datasets.upsert_rows(app, "sales", "a", [{"a": 3}])
    assert rows(app) == [1, 2, 3]
    again = datasets.write_files(app, "sales", [file(a=[1])], WriteMode.APPEND)
    assert (again.version, again.found) == (1, True)
    assert rows(app) == [1, 2, 3]
    assert datasets.write_files(app, "sales", [file(a=[1])], WriteMode.APPEND) == again, "nobody was told of it"
    datasets.told(app, again)
    assert not datasets.write_files(app, "sales", [file(a=[1])], WriteMode.APPEND).found
    assert rows(app) == [1, 1, 2, 3]
    assert [each.version for each in datasets.history(app, "sales", 9)] == [4, 3, 2, 1], "those of the killed as well"
    assert app.store.writes.unrecorded() == []


def test_what_was_interrupted_before_its_commit_is_written_once_it_is_said_again(app: App, file: File) -> None:
    def die(*given: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voiding, "commit", die)
        with pytest.raises(Killed):
            append(app, file(a=[1]))
    assert append(app, file(a=[2])) == 1
    assert append(app, file(a=[1])) == 2
    assert rows(app) == [1, 2]


def test_what_was_refused_is_known_no_more(app: App, file: File) -> None:
    append(app, file(a=[1]))
    with pytest.raises(errors.DatasetRefused):
        append(app, file(b=[1]))
    assert app.store.writes.unrecorded() == []


def test_a_table_that_is_away_does_not_have_an_interrupted_write_forgotten(app: App, file: File) -> None:
    append(app, file(a=[1]))
    interrupted(app, file(a=[2]))
    table = app.settings.home / "datasets/sales"
    table.rename(table.with_name("elsewhere"))
    with pytest.raises(errors.DatasetBehind):
        append(app, file(a=[2]))
    take_up(app, days=3)
    table.with_name("elsewhere").rename(table)
    assert append(app, file(a=[2])) == 2


def test_an_engine_takes_up_what_was_interrupted(app: App, file: File) -> None:
    interrupted(app, file(a=[1]))
    take_up(app, days=0)
    (found,) = datasets.history(app, "sales", 9)
    assert (found.version, found.rows, found.operation) == (1, 1, WriteMode.APPEND)
    take_up(app, days=20)
    assert append(app, file(a=[1])) == 1, "it is still known"


def test_what_was_interrupted_is_forgotten_in_time(app: App, file: File) -> None:
    interrupted(app, file(a=[1]))
    take_up(app, days=31)
    assert append(app, file(a=[1])) == 2


def test_what_has_not_been_committed_for_long_cannot_be_any_more(app: App, file: File) -> None:
    append(app, file(a=[1]))
    store, dataset = app.store, datasets.find(app, "sales").dataset
    write = store.writes.begin(dataset.id, "key", "attempt", WriteMode.APPEND, (), clock.now())
    take_up(app, days=0)
    assert [each.id for each in store.writes.unrecorded()] == [write.id]
    assert store.datasets.is_awaited("sales")
    take_up(app, days=2)
    assert store.writes.unrecorded() == []
    late = Staged(attempt="attempt", files=[file(a=[1])], mode=WriteMode.APPEND, at=clock.now(), lent=True)
    with pytest.raises(errors.DatasetRefused):
        voiding.commit(str(app.settings.home / "datasets/sales"), late)


def take_up(app: App, days: int) -> None:
    """As an engine does, so many days from now."""
    takings.take_up_all(app.store, app.settings.home, clock.now() + timedelta(days=days))


def rows(app: App) -> list[Any]:
    return sorted(row[0] for row in datasets.head(app, "sales", rows=99).rows)


def test_a_table_that_was_taken_away_is_not_begun_anew(app: App, file: File) -> None:
    append(app, file(a=[1]))
    table = app.settings.home / "datasets/sales"
    table.rename(table.with_name("elsewhere"))
    with pytest.raises(errors.DatasetBehind):
        append(app, file(a=[1]))
    table.with_name("elsewhere").rename(table)
    assert append(app, file(a=[1])) == 2


def test_a_page_has_so_many_bytes_and_dates_of_any_year(app: App, file: File) -> None:
    far = pa.array([2**31 - 1, 0, 105_000_000], pa.int32()).cast(pa.date32())
    append(app, file(day=far, text=["x" * 10 * 2**20] * 3))
    assert [row[0] for row in datasets.head(app, "sales", first=1, rows=1).rows] == ["1970-01-01"]
    assert [row[0] for row in datasets.head(app, "sales", first=2, rows=1).rows] == ["289450-03-28"]
    assert [row[0] for row in datasets.head(app, "sales", rows=1).rows] == ["infinity"]
    with pytest.raises(errors.OutputTooLarge, match=r"20971\d\d\d bytes or more"):
        datasets.head(app, "sales")


def test_a_file_that_is_not_there_is_told(app: App, tmp_path: Path) -> None:
    with pytest.raises(errors.CannotRead, match="No such file"):
        append(app, tmp_path / "none.parquet")
