"""Whoever cleans is killed, at any of his commits and of the files he takes away; the next one leaves nothing behind."""

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.archive import Archive
from tests.crash import dying
from tests.crash.conftest import LONG

from headrace import clock, outputs, settings
from headrace.app import App
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.operations import cleaning
from headrace.store import Store, databases

PIPELINE = Pipeline("daily", blocks=(Block("a", BlockType.CUSTOM), Block("b", BlockType.CUSTOM)))
KEEP = {"HEADRACE_KEEP_RUNS_DAYS": "10", "HEADRACE_KEEP_RUNS": "1", "HEADRACE_KEEP_OUTPUTS_DAYS": "5"}
FATES = list(itertools.product(("commit", "remove"), ("before", "after"), range(1, 15)))


class Home:
    def __init__(self, home: Path, database: str | None) -> None:
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environment |= {"HEADRACE_HOME": str(home), **KEEP}
        self.environment |= {"HEADRACE_DATABASE": database} if database else {}
        self._opened = databases.open(home, database)
        self.store = Store(self._opened)
        self.archive = Archive(self._opened, home, clock.now())
        self.turn = 0

    def close(self) -> None:
        self._opened.close()

    def fill(self) -> None:
        """Runs that are to go, one that loses its outputs, and one that stays; and a snapshot that nobody has."""
        self.turn += 1
        then, pins = clock.now() - timedelta(days=30), list[object]()
        for name in (f"old-{self.turn}", f"new-{self.turn}"):
            at = then + timedelta(seconds=2 * self.turn + len(pins))
            pinned = self.store.projects.pin(Path("/mill"), "mill", PIPELINE, name, name, 1, at)
            self.archive.write(f"versions/{name}/mill/a.py", "x = 1\n")
            pins.append(pinned)
        for days in (30, 30, 7, 1):
            self.archive.add(pinned, days, blocks={"a": "completed", "b": "completed"})

    def dies(self, deed: str, when: str, count: int) -> bool:
        """Whether that is how `headrace clean` ended."""
        command = [sys.executable, dying.__file__, deed, when, str(count), "clean"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode != 0

    def clean(self) -> None:
        with App(settings.load(self.environment)) as app:
            assert not cleaning.clean(app, dry=False).faults

    def check(self) -> None:
        """Nothing is left of what has gone, and what stays can be read or says that it was cleaned."""
        seen = self.store.retention.ended(clock.now(), 99).runs
        assert self.archive.counts()["remains"] == 0
        assert {Path(file).parts[1] for file in self.archive.files()} <= {run.uid for run in seen}
        young = {run.uid for run in seen if run.ended_at and run.ended_at > clock.now() - timedelta(days=2)}
        assert len(young) == self.turn
        assert len(seen) == 2 * self.turn
        for run in seen:
            tries = self.store.runs.completed_attempts([row.id for row in self.store.runs.block_runs(run.id)])
            kept = [each for attempt in tries.values() for each in attempt.outputs]
            assert len(kept) == 2
            assert all(outputs.there(each, self.archive.home) == (run.uid in young) for each in kept)
        laid_out = {each.name for each in (self.archive.home / "versions").iterdir() if each.is_dir()}
        assert laid_out == {each for each in laid_out if self.store.retention.laid_out([each])}


@pytest.fixture
def home(tmp_path: Path, database: str | None) -> Iterator[Home]:
    with closing(Home(tmp_path / "home", database)) as made:
        yield made


def test_a_cleaning_may_be_killed_at_any_of_its_deeds(home: Home, seed: int) -> None:
    died = 0
    for fate in FATES if LONG else random.Random(seed).sample(FATES, 3):
        home.fill()
        died += home.dies(*fate)
        home.clean()
        home.check()
    assert died
