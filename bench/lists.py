"""Lists of twenty runs with their block runs, and one run, among ten thousand and a million runs of one trigger.

The floor is the plain driver, which reads the same rows by their primary keys and makes nothing of them.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg
import sqlalchemy as sa

from bench import databases, floors, projects, runs
from bench.figures import Figure
from headrace import clock
from headrace.app import App
from headrace.engine.tallier import Tallier
from headrace.model.query import Query, Span
from headrace.model.run import RunStatus
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import listing, triggers
from headrace.operations.runs import show
from headrace.store import databases as opening
from headrace.store.database import Database

COUNTS, AT_ONCE, BLOCKS, PAGE, TIMES = (10_000, 1_000_000), 100_000, 2, 20, 200
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS integer) UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
RUNS = """
INSERT INTO runs (uid, pipeline_id, version_id, snapshot_id, status, reason, ended_at, variables, selection,
    execution_date, created_at, started_at, owner, epoch, trigger_id, settings, occasion)
{numbers}
SELECT 'run-' || i, :pipeline, :version, :snapshot, CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'completed' END, 'bulk',
    {at}, '{{"n":' || (i % 1000) || '}}', '{{}}', {at}, {at}, {at}, 'e', 1, :trigger, '{{}}', '{{}}' FROM n
"""
BLOCK_RUNS = """
INSERT INTO block_runs (uid, run_id, block, status, reason, ended_at, attempt, failures, started_at)
SELECT uid || '-{block}', id, 'b{block}', 'completed', 'bulk', ended_at, 1, 0, started_at FROM runs WHERE id > :before
"""
ATTEMPTS = """
INSERT INTO attempts (uid, block_run_id, number, epoch, status, reason, started_at, ended_at, single, log_lines)
SELECT uid || '-1', id, 1, 1, 'completed', 'bulk', started_at, ended_at, {yes}, 0 FROM block_runs WHERE id > :before
"""
EVENTS = """
INSERT INTO events (run_id, at, kind, status, reason)
SELECT id, ended_at, 'run.end', status, 'bulk' FROM runs WHERE id > :before
"""
AT = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000+00:00', :epoch + i * 30, 'unixepoch')",
      "postgresql": "to_timestamp(:epoch + i * 30)"}  # fmt: skip


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    project = projects.write(folder / "mill", "one", projects.chain(BLOCKS), {})
    with runs.opened(folder / "home", database) as app:
        definition = Definition(name="mill", type=TriggerType.API)
        trigger = triggers.create(app, project, "one", definition, active=True)
        made = 0
        for count in COUNTS:
            taken = floors.timed(lambda made=made, count=count: fill(folder / "home", database, made, count))
            yield Figure(f"{name}: {count - made} runs written down", [taken], [taken], "s", "no floor")
            made = count
            yield from folded(name, app, database, trigger.id, count)
            yield from _measured(f"{name}, {count}", app, folder / "home", database, trigger.id)


def fill(home: Path, database: str | None, made: int, count: int) -> None:
    """Further runs, up to so many, one every thirty seconds."""
    with closing(opening.open(home, database)) as opened:
        for first in range(made, count, AT_ONCE):
            _write(opened, first, min(first + AT_ONCE, count))
    _tidy(database)


def _tidy(database: str | None) -> None:
    """What the server does by itself, a little later."""
    if database:
        with psycopg.connect(database, autocommit=True) as server:
            server.execute("VACUUM ANALYZE")


def _write(opened: Database, made: int, count: int) -> None:
    with opened.write() as connection:
        dialect = connection.dialect.name
        (pipeline, version, snapshot) = connection.execute(sa.text(
            "SELECT v.pipeline_id, v.id, s.id FROM versions v, snapshots s"
        )).one()  # fmt: skip
        latest = {table: connection.scalar(sa.text(f"SELECT coalesce(max(id), 0) FROM {table}"))
                  for table in ("runs", "block_runs")}  # fmt: skip
        pins = {"pipeline": pipeline, "version": version, "snapshot": snapshot, "trigger": 1}
        numbered = {"first": made + 1, "last": count, "epoch": 1_700_000_000}
        at = AT[dialect]
        if dialect == "postgresql":  # what there is need not be looked up for each row
            connection.execute(sa.text("ALTER TABLE runs ENABLE ALWAYS TRIGGER runs_made"))
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        filling = RUNS.format(numbers=NUMBERS, at=at)
        connection.execute(sa.text(_ordered(filling, dialect)), pins | numbered)
        for block in range(BLOCKS):
            connection.execute(sa.text(BLOCK_RUNS.format(block=block)), {"before": latest["runs"]})
        yes = "1" if dialect == "sqlite" else "true"
        connection.execute(sa.text(ATTEMPTS.format(yes=yes)), {"before": latest["block_runs"]})
        connection.execute(sa.text(EVENTS), {"before": latest["runs"]})


def _ordered(text: str, dialect: str) -> str:
    """SQLite has WITH before SELECT as well; its colons within a format are no parameters."""
    return text.replace("%H:%M:%f000+00:00", "%H\\:%M\\:%f000+00\\:00") if dialect == "sqlite" else text


def folded(name: str, app: App, database: str | None, trigger: int, count: int) -> Iterator[Figure]:
    """What was counted is folded, and is right."""
    taken = floors.timed(lambda: Tallier(app.store).run_once(clock.now()))
    _tidy(database)
    yield Figure(f"{name}: counts of {count} folded", [taken], [taken], "s", "no floor")
    if listing.count(app, Query(trigger=trigger)) != count:
        raise RuntimeError(f"{listing.count(app, Query(trigger=trigger))} runs are counted, not {count}")


def _measured(label: str, app: App, home: Path, database: str | None, trigger: int) -> Iterator[Figure]:
    newest = app.store.runs.page(Query(), 1).runs[0].run
    rare = Query(trigger=trigger, statuses=frozenset({RunStatus.FAILED}))
    old = Query(created=Span(newest.created_at - timedelta(days=2), newest.created_at - timedelta(days=1)))
    of_ten = Query(statuses=frozenset({RunStatus.FAILED}), created=old.created, trigger=trigger)
    middle = {query.digest: _after(query, newest.id // 2) for query in (Query(trigger=trigger), rare)}
    deeds: dict[str, Callable[[], Any]] = {
        "list of 20": lambda: _page(app, Query()),
        "list of 20 of the trigger, and their count": lambda: (
            _page(app, Query(trigger=trigger)),
            listing.count(app, Query(trigger=trigger)),
        ),
        "the same, from the middle": lambda: _page(app, Query(trigger=trigger), middle[Query(trigger=trigger).digest]),
        "list of 20 failed of the trigger": lambda: _page(app, rare),
        "the same, from the middle ": lambda: _page(app, rare, middle[rare.digest]),
        "list of 20 failed of the pipeline": lambda: _page(app, Query(pipeline="one", statuses=rare.statuses)),
        "list of 20 of the project": lambda: _page(app, Query(project="mill")),
        "list of 20 of a day": lambda: _page(app, old),
        "list of 20 failed of a day": lambda: _page(app, of_ten),
        "list of 20 with a variable, one of a thousand": lambda: _page(app, Query(variables={"n": 7})),
        "counts of the trigger": lambda: app.store.tallies.of_triggers([trigger]),
    }
    with Floor(home, database) as (plain_list, plain_run):
        floor = [floors.timed(plain_list) for _ in range(TIMES)]
        for what, deed in deeds.items():
            yield from ranked(f"{label}: {what}", deed, floor)
        some = random.Random(7)
        floor = [floors.timed(lambda: plain_run(some.randint(1, newest.id))) for _ in range(TIMES)]
        yield from ranked(f"{label}: one run", lambda: show(app, some.randint(1, newest.id)), floor)
    bound = lambda: _page(app, Query(variables={"none": 1}))  # noqa: E731 - looked at as far as a page looks
    yield from ranked(f"{label}: a page that finds nothing", bound, floor, 10)


def _page(app: App, query: Query, cursor: str | None = None) -> listing.Page:
    return listing.page(app, query, PAGE, cursor, blocks=True)


def _after(query: Query, run: int) -> str:
    return listing._cursor(query, run)


def ranked(label: str, deed: Callable[[], Any], floor: Sequence[float], times: int = TIMES) -> Iterator[Figure]:
    deed()
    taken = [floors.timed(deed) for _ in range(times)]
    for rank in (50, 95):
        yield Figure(f"{label}, p{rank}", [_rank(taken, rank)], [_rank(floor, rank)], "ms")


def _rank(samples: Sequence[float], rank: int) -> float:
    return 1000 * quantiles(samples, n=100, method="inclusive")[rank - 1]


class Floor:
    """The rows of a page, and of a run, by the plain driver."""

    def __init__(self, home: Path, database: str | None) -> None:
        self._connection: Any = (
            psycopg.connect(database, autocommit=True) if database else sqlite3.connect(home / "headrace.db")
        )

    def __enter__(self) -> tuple[Callable[[], Any], Callable[[int], Any]]:
        last = self._connection.execute("SELECT max(id) FROM runs").fetchone()[0]
        ids = ", ".join(str(last - n) for n in range(PAGE))
        return lambda: self._of(ids), lambda run: self._all_of(run)

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _of(self, ids: str) -> list[Any]:
        return [
            self._connection.execute(f"SELECT * FROM {table} WHERE {key} IN ({ids})").fetchall()
            for table, key in (("runs", "id"), ("block_runs", "run_id"))
        ]

    def _all_of(self, run: int) -> list[Any]:
        blocks = f"SELECT id FROM block_runs WHERE run_id = {run}"
        attempts = f"SELECT * FROM attempts WHERE block_run_id IN ({blocks})"
        return [*self._of(str(run)), self._connection.execute(attempts).fetchall()]
