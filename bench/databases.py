"""The databases that headrace speaks to, each with its promises kept: what is committed is on the disk."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import psycopg
from tests import postgres

from bench import floors
from bench.figures import Figure

NAMES = ("sqlite", "postgresql")


def on_each(measure: Callable[[str, Path, str | None], Iterator[Figure]]) -> Iterator[Figure]:
    """What is measured on each of them, given its name, a folder of its own, and its URL."""
    for name in NAMES:
        try:
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as place, opened(name) as database:
                yield from measure(name, Path(place), database)
        except postgres.NoServer as why:
            print(f"{name} is left out: {why}")


@contextmanager
def opened(name: str) -> Iterator[str | None]:
    """The URL of a new database of that kind, None for the one that lies in the home. NoServer where there is none."""
    if name == "sqlite":
        yield None
    else:
        with closing(postgres.Server(durable=True)) as server:
            server.create("bench")
            yield server.url("bench")


def commit(folder: Path, database: str | None) -> float:
    """Seconds that a durable commit of one row takes there."""
    return median(floors.commits(folder, 500) if database is None else _commits(database, 500))


def _commits(database: str, count: int) -> list[float]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE floor (id serial PRIMARY KEY, text text)")
        insert = lambda: connection.execute("INSERT INTO floor (text) VALUES ('x')")  # noqa: E731
        taken = [floors.timed(insert) for _ in range(count)]
        connection.execute("DROP TABLE floor")
    return taken
