"""A load that is killed in the middle, and one that another overtakes: the target has the old rows or the new ones, once."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace import clock

PATIENCE = 60.0
LOCK = 4711
MIDDLE = 30_000  # the row at which the source waits for the lock
ROWS = 60_000
HOW = {"load_type": "incremental", "incremental_column_name": "id"}
MOVING = """
import json, sys
from pathlib import Path
from headrace.model import transfer
from headrace.worker.transfer import moving
from headrace.worker.transfer.scope import Scope
document, folder, secrets, memory = json.loads(sys.argv[1])
folder = Path(folder)
scope = Scope(
    attempt="other", job="p_1", state="s1", place=folder / "outputs" / "other", home=folder, folder=folder,
    memory=memory, secret=secrets.get, bookmark=lambda: None,
)
moved = moving.move(transfer.read(document), scope)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(moved.rows, int(peak) * 1024)
"""


def elsewhere(
    mover: Mover, source: Document, target: Document, memory: int = 2**30, **how: Any
) -> subprocess.Popen[str]:
    """A process that moves the table, as another attempt does."""
    document = {"input": {**source, **how}, "output": target, "state": "s1"}
    given = json.dumps([document, str(mover.folder), mover.secrets, memory])
    return subprocess.Popen([sys.executable, "-c", MOVING, given], stdout=subprocess.PIPE, text=True)


@contextmanager
def held(warehouse: Warehouse) -> Iterator[None]:
    """Whoever reads the view's middle waits."""
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


def until(found: Callable[[], Any]) -> None:
    patience, look = clock.monotonic() + PATIENCE, threading.Event()
    while not found() and clock.monotonic() < patience:
        look.wait(0.05)
    assert found()


def waiting(warehouse: Warehouse, kind: str) -> bool:
    asked = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = '{kind}'"
    return warehouse.ask(asked) != [(0,)]


@pytest.fixture
def slow(warehouse: Warehouse) -> Document:
    """A table whose reader comes to a lock in its middle."""
    passes = f"CASE WHEN id = {MIDDLE} THEN pg_advisory_lock_shared({LOCK})::text ELSE repeat('x', 200) END"
    warehouse.run(
        f"CREATE TABLE rows AS SELECT i AS id FROM generate_series(1, {ROWS}) i",
        f"CREATE VIEW slow AS SELECT id, {passes} AS words FROM rows",
    )
    return warehouse.table("slow")


@pytest.fixture(params=["postgresql", "duckdb", "sqlite", "parquet"])
def target(request: pytest.FixtureRequest, warehouse: Warehouse, mover: Mover) -> tuple[Document, Callable[[], Any]]:
    """A place for a table, and how many rows and different ids it has."""
    asked, folder = "SELECT count(*), count(DISTINCT id) FROM kept", mover.folder
    match request.param:
        case "postgresql":
            return warehouse.table("kept"), lambda: warehouse.ask(asked)[0]
        case "duckdb":
            place = {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"}
            return place, lambda: _duckdb(folder / "kept.duckdb", asked)
        case "sqlite":
            place = {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}
            return place, lambda: _sqlite(folder / "kept.db", asked)
        case _:
            return {"plugin": "parquet", "path": "kept.parquet"}, lambda: _parquet(folder / "kept.parquet")


def _duckdb(path: Path, asked: str) -> Any:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(asked).fetchall()[0]


def _sqlite(path: Path, asked: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(asked).fetchone()


def _parquet(path: Path) -> Any:
    ids = pq.read_table(path)["id"].to_pylist()
    return len(ids), len(set(ids))


def test_a_load_that_is_killed_leaves_the_old_rows_and_its_like_brings_the_new(
    mover: Mover, warehouse: Warehouse, slow: Document, target: tuple[Document, Callable[[], Any]]
) -> None:
    place, read = target
    warehouse.run("CREATE TABLE before AS SELECT -i AS id, 'old' AS words FROM generate_series(1, 10) i")
    mover.move(warehouse.table("before"), place)
    with held(warehouse):
        killed = elsewhere(mover, slow, place)
        until(lambda: waiting(warehouse, "advisory"))
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=PATIENCE)
    assert read() == (10, 10)
    assert mover.move(slow, place).rows == ROWS
    assert read() == (ROWS, ROWS)


def test_an_attempt_that_is_overtaken_is_waited_for_and_nothing_comes_twice(
    mover: Mover, warehouse: Warehouse, slow: Document
) -> None:
    warehouse.run("DELETE FROM rows WHERE id > 10")
    place = warehouse.table("kept")
    mover.move(slow, place, **HOW)
    warehouse.run(f"INSERT INTO rows SELECT i FROM generate_series(11, {ROWS}) i")
    with ThreadPoolExecutor(1) as threads:
        with held(warehouse):
            earlier = elsewhere(mover, slow, place, **HOW)
            until(lambda: waiting(warehouse, "advisory"))
            later = threads.submit(mover.move, slow, place, **HOW)
            until(lambda: waiting(warehouse, "transactionid") or waiting(warehouse, "tuple"))
        said, _ = earlier.communicate(timeout=PATIENCE)
        assert said.split()[0] == str(ROWS - 10)
        assert later.result(PATIENCE).rows == 0
    assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM kept") == [(ROWS, ROWS)]


@pytest.mark.parametrize("plugin", ["postgresql", "duckdb", "dataset"])
def test_a_table_larger_than_the_memory_goes_through_it(mover: Mover, warehouse: Warehouse, plugin: str) -> None:
    """What a process holds is bounded, whatever the table's size."""
    warehouse.run(
        "CREATE VIEW wide AS SELECT i AS id, repeat(md5(i::text), 64) AS words FROM generate_series(1, 250000) i"
    )
    there = {"plugin": plugin, "path": "kept.duckdb", "table_name": "kept"}
    place = warehouse.table("kept") if plugin == "postgresql" else there
    done = elsewhere(mover, warehouse.table("wide"), place, memory=300 * 2**20)
    rows, peak = (int(each) for each in done.communicate(timeout=PATIENCE * 2)[0].split())
    assert rows == 250_000
    assert peak < 400 * 2**20 < rows * 2048  # bytes; the libraries alone take half of that
