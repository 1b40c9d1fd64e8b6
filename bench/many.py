"""Runs as an engine takes them up: one alone, and a hundred of three blocks each that were asked for at once."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import databases, floors, projects, runs
from bench.figures import Figure
from headrace.app import App
from headrace.model.run import FINAL_RUN, Run
from headrace.operations import asking, starting
from headrace.operations.asking import Asked
from headrace.store.changes import Change

RUNS, BLOCKS, TIMES = 100, 3, 5


class Count:
    """An observer that knows when so many runs have ended."""

    def __init__(self) -> None:
        self._left = 0
        self._ended: set[int] = set()
        self._changed = threading.Condition()

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        if run.status in FINAL_RUN:
            with self._changed:
                self._ended.add(run.id)
                self._changed.notify_all()

    def wait(self, run_ids: Sequence[int]) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended.issuperset(run_ids), 120):
                raise RuntimeError(f"{len(set(run_ids) - self._ended)} runs have not ended")


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    call, commit = median(floors.calls(500)), databases.commit(folder, database)
    project = projects.write(folder / "many", "three", projects.chain(BLOCKS), {})
    projects.write(folder / "many", "one", projects.chain(1), {})
    ended = Count()
    with runs.engine(folder / "home", database, [ended]) as app:
        _many(app, ended, project), _one(app, ended, project)  # workers are warm from here on
        alone = [_one(app, ended, project) * 1000 for _ in range(5 * TIMES)]
        at_once = [RUNS / _many(app, ended, project) for _ in range(TIMES)]
    two = "floor: a call, and commits of the run, its begin and its end"
    yield Figure(f"{name}: one empty block, created to completed", alone, [(call + 3 * commit) * 1000], "ms", two)
    three = "floor: two workers, each a call and a commit a block"
    yield Figure(f"{name}: {RUNS} runs of {BLOCKS} at once", at_once, [2 / (call + commit) / BLOCKS], "runs/s", three)


def _one(app: App, ended: Count, project: Path) -> float:
    """Seconds from asking for a run to its end, for an engine that takes up whatever there is."""
    asked = asking.check(Asked(project, "one", {}))
    began = time.perf_counter()
    ended.wait([starting.create(app, asked).run.id])
    return time.perf_counter() - began


def _many(app: App, ended: Count, project: Path) -> float:
    """Seconds from asking for the first of the runs to the end of the last."""
    asked = asking.check(Asked(project, "three", {}))
    began = time.perf_counter()
    ended.wait([starting.create(app, asked).run.id for _ in range(RUNS)])
    return time.perf_counter() - began
