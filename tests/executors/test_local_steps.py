"""Steps of SQL in real workers: stopped, too slow, and within the memory that they may take."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

from .conftest import PATIENCE, Desk, Site

ENDLESS = "select count(*) from range(10_000_000) a, range(10_000_000) b where a.range + b.range = -1"
WIDE = "select range as id, md5(range::varchar) as a, md5((-range)::varchar) as b from range({rows}) order by a"
MEMORY = 224 * 2**20  # bytes


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An executor whose blocks may take so much memory, unless they say otherwise."""
    opened = Desk(local.Local(Settings(home=tmp_path_factory.mktemp("home"), workers=1, memory_limit=MEMORY)))
    yield opened
    opened.executor.close()


def step(site: Site, query: str, **facts: Any) -> wire.Task:
    """A step of that query over no datasets."""
    told: dict[str, Any] = {
        "language": "sql",
        "kind": "transformer",
        "writes": ("found",),
        "imports": ("deltalake", "duckdb"),
    }
    task = site.task(**told | facts)
    file = Path(task.file).with_suffix(".sql")
    (site.project / file).write_text(query)
    return msgspec.structs.replace(task, file=str(file))


def spills(task: wire.Task) -> bool:
    return (Path(task.place) / "spill").exists()


def test_a_step_is_stopped_while_its_query_runs(site: Site, bounded: Desk) -> None:
    task = step(site, ENDLESS)
    bounded.submit(task)
    patience, look = time.monotonic() + PATIENCE, threading.Event()
    while not Path(task.place).exists() and time.monotonic() < patience:
        look.wait(0.01)
    bounded.executor.stop(task.attempt, "asked")
    outcome = bounded.finished(task)
    assert (outcome.status, outcome.reason) == ("cancelled", "asked")
    assert bounded.run(step(site, "select 1 as one")).status == "completed"


def test_a_step_that_takes_too_long_is_ended(site: Site, bounded: Desk) -> None:
    outcome = bounded.run(step(site, ENDLESS, timeout=0.3))
    assert (outcome.status, outcome.reason) == ("failed", "timed_out")


def test_a_step_keeps_within_its_memory_by_spilling(site: Site, bounded: Desk) -> None:
    task = step(site, WIDE.format(rows=1_200_000))
    outcome = bounded.run(task)
    assert outcome.status == "completed", outcome
    assert outcome.outputs[0].rows == 1_200_000
    assert (outcome.peak_bytes or 0) < MEMORY
    assert not spills(task)


def test_what_cannot_be_spilled_fails_in_the_databases_words(site: Site, bounded: Desk) -> None:
    outcome = bounded.run(step(site, "select list(range) as every from range(60_000_000)"))
    assert (outcome.status, outcome.reason) == ("failed", "out_of_memory")
    assert outcome.failure
    assert outcome.failure.message.startswith("The query takes more memory than it may")
