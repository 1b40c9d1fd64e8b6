"""A hundred thousand runs that have become old: how long it takes until they have gone, and how long others wait for it."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

import sqlalchemy as sa

from bench import databases
from bench.figures import Figure
from headrace import clock, identity
from headrace.engine.cleaning import Cleaning
from headrace.model.pipeline import Pipeline
from headrace.settings import Settings
from headrace.store import Store, tables
from headrace.store import databases as stores
from headrace.store.database import Database
from headrace.store.projects import Pinned

RUNS = int(os.environ.get("BENCH_RUNS", "100000"))
BLOCKS, EVENTS, CHUNK = 3, 8, 5000


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, url: str | None) -> Iterator[Figure]:
    commit = databases.commit(folder, url)
    opened = stores.open(folder / "home", url)
    store = Store(opened)
    pinned = store.projects.pin(Path("/mill"), "mill", Pipeline("mill"), "v", "s", 1, clock.now())
    for first in range(0, RUNS, CHUNK):
        _fill(opened, pinned, first, min(CHUNK, RUNS - first))
    with opened.write() as connection:
        connection.execute(sa.text("ANALYZE"))
    writes = _timed(opened)
    began = time.perf_counter()
    cleaning = Cleaning(store, Settings(home=folder / "home"), clock.now(), print)
    for _ in cleaning.steps():
        pass
    taken = time.perf_counter() - began
    gone = cleaning.cleaned.rows[pinned.pipeline_id, "runs"]
    opened.close()
    milliseconds = [each * 1000 for each in writes]
    note = f"of {gone:,} runs of {BLOCKS} blocks; floor: a commit for each twenty of them"
    yield Figure(f"{name}: old runs go, one after the other", [taken], [commit * RUNS / 20], "s", note)
    cuts = quantiles(milliseconds, n=100)
    yield Figure(f"{name}: a transaction of it, median", milliseconds, [commit * 1000], "ms", "floor: a commit")
    yield Figure(
        f"{name}: 99 of 100 of them, at most", [cuts[98]], [commit * 1000], "ms", f"longest {max(writes) * 1000:.1f}"
    )


def _timed(opened: Database) -> list[float]:
    """Seconds of each transaction that writes, from its first statement to the end of its commit, from now on."""
    taken: list[float] = []
    began: dict[int, float] = {}
    engine = opened._engine
    sa.event.listen(engine, "begin", lambda connection: began.__setitem__(id(connection), time.perf_counter()))
    sa.event.listen(engine, "rollback", lambda connection: began.pop(id(connection), None))
    commit = engine.dialect.do_commit

    def timed(driver: object) -> None:
        commit(driver)
        if began:
            taken.append(time.perf_counter() - max(began.values()))
            began.clear()

    engine.dialect.do_commit = timed  # type: ignore[method-assign]
    return taken


def _fill(opened: Database, pinned: Pinned, first: int, count: int) -> None:
    """Runs that ended a year and more ago, the oldest first, each with all that a run has."""
    at = clock.now() - timedelta(days=800) + timedelta(minutes=first)
    numbers = range(first + 1, first + count + 1)
    pins = {"pipeline_id": pinned.pipeline_id, "version_id": pinned.version_id, "snapshot_id": pinned.snapshot_id}
    ended = {"status": "completed", "reason": "x", "ended_at": at}
    run = {**pins, **ended, "variables": {}, "selection": {}, "execution_date": at, "created_at": at, "epoch": 1}
    tried = {**ended, "number": 1, "epoch": 1, "started_at": at, "single": True, "log_lines": 0}
    blocks = [(n, block) for n in numbers for block in range(BLOCKS)]
    ids = {pair: (pair[0] - 1) * BLOCKS + pair[1] + 1 for pair in blocks}
    output = {"place": 0, "name": "output_0", "kind": "int", "codec": "json", "path": "x", "bytes": 1}
    told = {"at": at, "kind": "block.start", "status": "running", "reason": "x"}
    with opened.write() as connection:
        for table, rows in (
            (tables.runs, [{"id": n, "uid": identity.new(), **run} for n in numbers]),
            (
                tables.block_runs,
                [
                    {"id": ids[pair], "uid": identity.new(), "run_id": pair[0], "block": f"b{pair[1]}", **ended}
                    | {"attempt": 1, "failures": 0}
                    for pair in blocks
                ],
            ),
            (
                tables.attempts,
                [{"id": each, "uid": identity.new(), "block_run_id": each, **tried} for each in ids.values()],
            ),
            (tables.outputs, [{"attempt_id": each, **output, "extra": {"document": "{}"}} for each in ids.values()]),
            (tables.events, [{"run_id": n, **told} for n in numbers for _ in range(EVENTS)]),
        ):
            connection.execute(sa.insert(table), rows)
