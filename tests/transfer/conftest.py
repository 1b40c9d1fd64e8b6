"""Places that tables go between: real databases and files, each with a way to make a table there and to look at one."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres import Server

from headrace import identity
from headrace.model import transfer
from headrace.model.loads import Bookmark
from headrace.worker.transfer import moving
from headrace.worker.transfer.moving import Moved
from headrace.worker.transfer.scope import Scope

MEMORY = 2**30
Document = dict[str, Any]


@dataclass
class Mover:
    """Moves tables as a worker does. `kept` is the bookmark that the engine would have."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    kept: Bookmark | None = None
    state: str = "s1"
    attempts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def move(self, source: Document, target: Document, *, job: str = "p_1", **how: Any) -> Moved:
        """One load. `how` is what the input says beside its place."""
        document = {"input": {**source, **how}, "output": target, "state": self.state}
        return moving.move(transfer.read(document), self.scope(job))

    def scope(self, job: str = "p_1") -> Scope:
        attempt = f"a{next(self.attempts)}"
        return Scope(
            attempt=attempt,
            job=job,
            state=self.state,
            place=self.folder / "outputs" / attempt,
            home=self.folder,
            folder=self.folder,
            memory=MEMORY,
            secret=self.secrets.get,
            bookmark=lambda: self.kept,
        )


@pytest.fixture
def mover(tmp_path: Path) -> Mover:
    return Mover(tmp_path)


class Warehouse:
    """A database of a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def table(self, name: str, schema: str | None = None) -> Document:
        """An end that is that table."""
        place = {"table_name": name, **({"table_schema": schema} if schema else {})}
        return {"connector": "jdbc", "plugin": "postgresql", **place, "auth_parameters": {"config_id": "pg"}}


@pytest.fixture
def warehouse(postgres_server: Server, mover: Mover) -> Iterator[Warehouse]:
    name = f"transfer_{identity.new()}"
    url = postgres_server.create(name)
    mover.secrets["pg"] = url
    yield Warehouse(url)
    postgres_server.drop(name)


@pytest.fixture
def refused() -> Callable[..., str]:
    """What a job says why it cannot move its table."""

    def why(deed: Callable[[], Any]) -> str:
        with pytest.raises(Exception) as caught:
            deed()
        return str(caught.value)

    return why


def plain(rows: Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in rows]
