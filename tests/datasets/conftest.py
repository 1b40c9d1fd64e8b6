"""Tables, in a folder and behind a URL, and attempts that write them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import identity
from headrace.datasets import committing, reading
from headrace.datasets.committing import Committed, Staged
from headrace.model.dataset import WriteMode

AT = datetime.now(UTC)


@pytest.fixture(params=["folder", "url"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a table is to lie: in a folder, or behind a URL, which is written by the library alone."""
    folder = tmp_path / "tables" / "a b#é"
    return str(folder) if request.param == "folder" else folder.as_uri()


class Writer:
    """Attempts that write, each into a place of its own."""

    def __init__(self, place: str, folder: Path) -> None:
        self.place = place
        self._folder = folder

    def stage(self, table: pa.Table, mode: str = "replace", keys: Iterable[str] = (), parts: int = 1) -> Staged:
        attempt = identity.new()
        (self._folder / attempt).mkdir()
        files = [self._folder / attempt / f"{n}.parquet" for n in range(parts)]
        size = -(-len(table) // parts)
        for number, file in enumerate(files):
            pq.write_table(table.slice(number * size, size), file)
        return Staged(attempt=attempt, files=files, mode=WriteMode(mode), keys=tuple(keys), at=AT)

    def write(self, rows: dict[str, list[Any]], mode: str = "replace", keys: Iterable[str] = ()) -> Committed:
        return committing.commit(self.place, self.stage(pa.table(rows), mode, keys))

    def rows(self, version: int) -> list[dict[str, Any]]:
        found = reading.page(self.place, version, 0, 10**6)
        return sorted(found.to_pylist(), key=str)


@pytest.fixture
def writer(place: str, tmp_path: Path) -> Writer:
    (tmp_path / "outputs").mkdir()
    return Writer(place, tmp_path / "outputs")
