"""Whoever writes files into a dataset is killed at any of its deeds, and others write; said again, the files count once."""

import itertools
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.crash import dying, homes
from tests.crash.conftest import LONG

from headrace.model.dataset import WriteMode
from headrace.operations import datasets

DEEDS = ("commit", "rename") if LONG else ("commit",)
WHEN = ("before", "after") if LONG else ("before",)


class Home(homes.Home):
    def __init__(self, folder: Path, database: str | None) -> None:
        super().__init__(folder, database)
        self._folder = folder
        self._written = Counter[int]()

    def file(self) -> Path:
        """One that has a row of its own, which is to count once from now on."""
        number = len(self._written)
        self._written[number] += 1
        path = self._folder / f"{number}.parquet"
        pq.write_table(pa.table({"n": [number]}), path)
        return path

    def append(self, file: Path) -> None:
        datasets.told(self.app, datasets.write_files(self.app, "harvest", [file], WriteMode.APPEND))

    def dies(self, file: Path, *fate: str) -> tuple[bool, bool]:
        """Whether that is how `headrace datasets write` ended, and whether it had said before that it was done."""
        words = ["datasets", "write", "harvest", str(file), "--mode", "append"]
        command = [sys.executable, dying.__file__, *fate, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode != 0, "rows" in done.stdout

    def check(self) -> None:
        """Each row is there once, each version has its row, and nothing waits to be found again."""
        found = datasets.head(self.app, "harvest", rows=1000)
        assert Counter(row[0] for row in found.rows) == self._written
        versions = datasets.history(self.app, "harvest", 1000)
        assert [each.version for each in versions] == list(range(len(self._written), 0, -1))
        assert self.app.store.writes.unrecorded() == []


@pytest.fixture
def home(tmp_path: Path, database: str | None) -> Iterator[Home]:
    with closing(Home(tmp_path, database)) as made:
        yield made


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("deed", DEEDS)
def test_files_count_once_whenever_their_writer_is_killed(home: Home, deed: str, when: str, seed: int) -> None:
    home.append(home.file())
    counts = itertools.count(1) if LONG else random.Random(seed).sample(range(1, 7), 3)
    for count in counts:
        killed = home.file()
        died, told = home.dies(killed, deed, when, str(count))
        home.append(home.file())
        if not told:
            home.append(killed)
        home.check()
        if not died:
            break
    assert LONG or died
