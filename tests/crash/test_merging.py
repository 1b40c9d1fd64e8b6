"""Whoever merges the small files of a dataset is killed at any moment, and others write: each row is there, and once."""

import itertools
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.crash import homes, merging
from tests.crash.conftest import LONG

from headrace import clock
from headrace.datasets import compacting, tables
from headrace.engine import compactor, interrupted
from headrace.engine.compactor import Compactor
from headrace.model.dataset import WriteMode
from headrace.operations import datasets

ROOT = Path(__file__).parents[2]
FATES = [*itertools.product(["commit"], ["before", "after"], range(1, 5)), *(("step", "after", n) for n in range(1, 4))]


class Home(homes.Home):
    def __init__(self, folder: Path, database: str | None) -> None:
        super().__init__(folder, database)
        self._file = folder / "rows.parquet"
        self._written = 0

    def append(self, times: int) -> None:
        """So often a row that is there once from now on."""
        for number in range(self._written, self._written + times):
            pq.write_table(pa.table({"n": [number]}), self._file)
            datasets.told(self.app, datasets.write_files(self.app, "harvest", [self._file], WriteMode.APPEND))
        self._written += times

    def dies(self, *fate: object) -> bool:
        """Whether that is how the merging ended."""
        command = [sys.executable, "-m", "tests.crash.merging", *map(str, fate)]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode != 0

    def merge(self) -> None:
        """As the next engine does, some days later."""
        at = clock.now() + 2 * interrupted.PATIENCE
        interrupted.take_up_all(self.app.store, self.app.settings.home, at)
        for _ in Compactor(self.app.store, self.app.settings, at + timedelta(hours=1), pytest.fail).steps():
            pass

    def check(self) -> None:
        found = datasets.head(self.app, "harvest", rows=1000)
        assert Counter(row[0] for row in found.rows) == Counter(range(self._written))
        assert datasets.find(self.app, "harvest").newest

    @property
    def files(self) -> int:
        return len(tables.files(tables.find(str(self.app.settings.home / "datasets" / "harvest"))))


@pytest.fixture
def home(tmp_path: Path, database: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    for module in (compacting, compactor):
        monkeypatch.setattr(module, "FEW", merging.FEW)
    with closing(Home(tmp_path, database)) as made:
        yield made


def test_merging_may_be_killed_at_any_moment(home: Home, seed: int) -> None:
    died = 0
    for fate in FATES if LONG else random.Random(seed).sample(FATES, 4):
        home.append(merging.FEW)
        died += home.dies(*fate)
        home.check()
        home.append(1)
        home.check()
        home.merge()
        home.check()
        assert home.files < merging.FEW
        assert home.app.store.writes.unrecorded() == []
    assert died
