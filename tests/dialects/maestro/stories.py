"""What stories in this dialect begin with: a table to be moved, jobs, and pipelines of them."""

import sqlite3
import uuid
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import Caller, Served

Document = dict[str, Any]


class Store:
    """Two SQLite databases of somebody's: one that is read, and one that is written."""

    def __init__(self, folder: Path) -> None:
        self.path, self.copies = folder / "store.db", folder / "copies.db"

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def held(self) -> Generator[None]:
        """Whoever writes there waits."""
        with closing(sqlite3.connect(self.copies, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield

    def copied(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.copies)) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def orders(store: Store) -> Document:
    """The input of a job: a table of three orders."""
    store.run(
        "CREATE TABLE orders (id INTEGER, who TEXT, at TIMESTAMP)",
        "INSERT INTO orders VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-01-02'), (3, 'c', '2026-01-03')",
    )
    return table(store, "orders")


def table(store: Store, name: str) -> Document:
    return {"connector": "jdbc", "plugin": "sqlite", "path": str(store.path), "table_name": name}


def into(store: Store, name: str) -> Document:
    return {"plugin": "sqlite", "path": str(store.copies), "table_name": name}


def job(given: Document, kept: Document, **how: Any) -> Document:
    return {"input": {**given, **how}, "transformations": [], "output": kept}


def new_id() -> str:
    return str(uuid.uuid4())


def told(uid: str) -> str:
    """As clients are told it."""
    return uid.replace("-", "_")


def body(served: Served, jobs: Sequence[Document], **more: Any) -> Document:
    return {"id": new_id(), "name": served.name("orders"), "jobs": [*jobs], **more}


def made(served: Served, jobs: Sequence[Document], **more: Any) -> str:
    """A pipeline of these jobs: its id."""
    answer = served.client().post("/platform/pipeline", json=body(served, jobs, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["id"]


def begun(caller: Caller, pipeline: str) -> str:
    """A run of it: its id."""
    answer = caller.post("/platform/pipeline/execute", json={"pipeline_id": pipeline})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["run_id"]


def shown(caller: Caller, pipeline: str, run: str) -> Document:
    answer = caller.get(f"/platform/pipeline/{pipeline}/pipeline_run/{run}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(served: Served, pipeline: str, run: str) -> Document:
    """The run, once it has ended."""

    def look() -> Document | None:
        found = shown(served.client(), pipeline, run)
        return found if found["last_status"] != "RUNNING" else None

    found = served.until(look)
    assert found is not None
    return found


def ran(served: Served, pipeline: str) -> Document:
    """A run of it that has succeeded."""
    found = ended(served, pipeline, begun(served.client(), pipeline))
    assert found["last_status"] == "SUCCESS", found
    return found
