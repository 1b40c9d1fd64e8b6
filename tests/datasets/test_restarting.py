"""A dataset whose table is lost is begun anew: versions go on, and what there was stays in its history, as lost."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import clock, errors, store
from headrace.app import App
from headrace.datasets import names, tables
from headrace.engine.cleaning import Cleaning
from headrace.model.dataset import WriteMode
from headrace.operations import datasets
from headrace.settings import Settings


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("migrated") / "home"
    store.open(home).close()
    return home


@pytest.fixture(params=["folder", "url"])
def app(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[App]:
    home = shutil.copytree(migrated, tmp_path / "ho me#é")
    tables = None if request.param == "folder" else (tmp_path / "remote").as_uri()
    with App(Settings(home=home, datasets=tables)) as opened:
        yield opened


@pytest.fixture
def lost(app: App) -> Path:
    """Where the table of `sales` was, which had three versions."""
    for number in (1, 2, 3):
        give(app, number)
    folder = Path(place(app).removeprefix("file://"))
    shutil.rmtree(folder)
    return folder


def give(app: App, number: int) -> None:
    datasets.upsert_rows(app, "sales", "id", [{"id": number}])


def place(app: App) -> str:
    return names.absolute(app.settings.home, datasets.find(app, "sales").dataset.location)


def rows(app: App) -> list[Any]:
    return sorted(row[0] for row in datasets.head(app, "sales", rows=99).rows)


def history(app: App) -> list[tuple[int, bool]]:
    """The number of each version, and whether it is lost."""
    return [(each.version, each.lost_at is not None) for each in datasets.history(app, "sales", 9)]


def test_versions_go_on_from_those_that_are_lost(app: App, lost: Path) -> None:
    with pytest.raises(errors.DatasetUnreadable, match="there is no table"):
        give(app, 4)
    begun = datasets.restart(app, "SALES")
    assert begun.newest is None
    assert not lost.exists()
    assert history(app) == [(3, True), (2, True), (1, True)]
    give(app, 5)
    give(app, 6)
    assert rows(app) == [5, 6]
    assert history(app) == [(6, False), (5, False), (3, True), (2, True), (1, True)]
    assert datasets.head(app, "sales", 5).rows == [[5]]
    with pytest.raises(errors.DatasetVersionNotFound, match=r"version 3 .* it was lost at"):
        datasets.head(app, "sales", 3)


def test_whatever_comes_first_is_what_it_has_then(app: App, lost: Path, tmp_path: Path) -> None:
    """Columns may be others, and an append or an upsert has nothing that it would have to fit."""
    datasets.restart(app, "sales")
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"name": ["a"]}), file)
    datasets.write_files(app, "sales", [file], WriteMode.APPEND)
    assert datasets.head(app, "sales").columns == ["name"]


def test_a_table_that_is_there_is_not_begun_anew(app: App, lost: Path) -> None:
    datasets.restart(app, "sales")
    for why in ("nothing has been written to it", "its version 5 is there"):
        with pytest.raises(errors.DatasetNotLost, match=why):
            datasets.restart(app, "sales")
        give(app, 5)
    assert rows(app) == [5]
    with pytest.raises(errors.DatasetNotFound):
        datasets.restart(app, "sale")


def test_one_that_was_put_back_from_an_older_copy_may_be_begun_anew(app: App, tmp_path: Path) -> None:
    give(app, 1)
    folder = Path(place(app).removeprefix("file://"))
    shutil.copytree(folder, tmp_path / "copy")
    give(app, 2)
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    datasets.restart(app, "sales")
    assert history(app) == [(2, True), (1, True)]
    assert tables.find(str(folder)).version() == 1, "what is there stays"


def test_it_may_be_lost_again(app: App, lost: Path) -> None:
    datasets.restart(app, "sales")
    give(app, 5)
    shutil.rmtree(place(app).removeprefix("file://"))
    datasets.restart(app, "sales")
    give(app, 7)
    assert history(app) == [(7, False), (5, True), (3, True), (2, True), (1, True)]
    assert rows(app) == [7]


def test_it_is_written_and_cleaned_as_any_other(app: App, lost: Path) -> None:
    """Past several checkpoints of its log."""
    datasets.restart(app, "sales")
    for number in range(10, 35):
        give(app, number)
    keeping = Settings(home=app.settings.home, keep_dataset_versions_days=1, keep_dataset_versions=3)
    for _ in Cleaning(app.store, keeping, clock.now() + timedelta(days=9), pytest.fail).steps():
        pass
    assert app.store.datasets.kept(datasets.find(app, "sales").dataset.id) == [27, 28, 29]
    assert rows(app) == list(range(10, 35))
    assert len(datasets.head(app, "sales", 27, rows=99).rows) == 23
    assert [each for each in datasets.history(app, "sales", 99) if each.lost_at] == datasets.history(app, "sales", 3, 4)


def test_a_file_system_that_cannot_be_written_is_told(app: App, lost: Path) -> None:
    odd = Settings(home=app.settings.home, datasets="/proc/none")
    with App(odd) as other, pytest.raises(errors.DatasetUnwritable, match="/proc/none"):
        datasets.restart(other, "sales")
    assert history(app) == [(3, False), (2, False), (1, False)]
