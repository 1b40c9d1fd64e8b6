"""Statistics: how many runs and block runs were made on each day, and how long they took, as the database adds them up.

A day is one of UTC, in ISO 8601. What is added up is what lies in the span of moments that is asked for: rows are gone
through, and none of them leaves the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from headrace.model.query import Query
from headrace.store import listing
from headrace.store.database import Database
from headrace.store.tables import block_runs, pipelines, runs, triggers


@dataclass(frozen=True, slots=True)
class RunCount:
    """So many runs of that pipeline and trigger (None: begun by hand) were made on that day and have that status."""

    day: str
    pipeline: str
    trigger_id: int | None
    trigger: str | None
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class BlockCount:
    """So many block runs of that block, in runs that were made on that day, have that status."""

    day: str
    block: str
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class Mean:
    """How many seconds passed, from being made to completion, for what completed of that name and day."""

    day: str
    name: str
    seconds: float


class Statistics:
    """Of the runs that a query's project, pipeline, trigger and span of `created` are about; its rest is not looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_counts(self, query: Query) -> list[RunCount]:
        with self._database.read() as connection:
            day = _day(connection)
            keys = (runs.c.pipeline_id, runs.c.trigger_id, runs.c.status)
            grouped = sa.select(day.label("day"), *keys, sa.func.count().label("count")).where(*_made(query))
            some = grouped.group_by(day, *keys).subquery()
            named = some.join(pipelines).outerjoin(triggers, triggers.c.id == some.c.trigger_id)
            names = pipelines.c.name.label("pipeline"), some.c.trigger_id, triggers.c.name.label("trigger")
            found = sa.select(some.c.day, *names, some.c.status, some.c.count).select_from(named)
            ordered = found.order_by(some.c.trigger_id, some.c.day, some.c.status, pipelines.c.name)
            return [RunCount(*row) for row in connection.execute(ordered)]

    def run_means(self, query: Query) -> list[Mean]:
        """By pipeline."""
        return self._means(pipelines.c.name, runs.join(pipelines), runs, query)

    def block_counts(self, query: Query) -> list[BlockCount]:
        with self._database.read() as connection:
            keys = _day(connection), block_runs.c.block, block_runs.c.status
            found = sa.select(*keys, sa.func.count()).select_from(block_runs.join(runs)).where(*_made(query))
            ordered = found.group_by(*keys).order_by(block_runs.c.block, *keys)
            return [BlockCount(*row) for row in connection.execute(ordered)]

    def block_means(self, query: Query) -> list[Mean]:
        """By block."""
        return self._means(block_runs.c.block, block_runs.join(runs), block_runs, query)

    def _means(self, name: sa.ColumnElement[str], source: sa.FromClause, table: sa.Table, query: Query) -> list[Mean]:
        """Of what completed in that table."""
        with self._database.read() as connection:
            completed = table.c.status.concat("") == "completed"  # along no index of statuses
            day, seconds = _day(connection), sa.func.avg(_seconds(connection, table.c.ended_at))
            found = sa.select(day, name, seconds).select_from(source).where(completed, *_made(query))
            ordered = found.group_by(name, day).order_by(name, day)
            return [Mean(day, name, float(mean)) for day, name, mean in connection.execute(ordered)]


def _made(query: Query) -> Sequence[sa.ColumnElement[bool]]:
    """Where it is said since when, along the index of moments: before, a pipeline or trigger may have had a million runs."""
    since, until = query.created.since, query.created.until
    apart = 0 if since else None  # a sum is in no index
    found = [_sum(runs.c.pipeline_id, apart).in_(listing.pipelines_of(query))]
    found += [runs.c.created_at >= since] if since else []
    found += [runs.c.created_at < until] if until else []
    found += [_sum(runs.c.trigger_id, apart) == query.trigger] if query.trigger is not None else []
    return found


def _sum(column: sa.ColumnElement[int], more: int | None) -> sa.ColumnElement[int]:
    return column if more is None else column + more


def _day(connection: sa.Connection) -> sa.ColumnElement[str]:
    made = runs.c.created_at
    if connection.dialect.name == "sqlite":
        return sa.func.substr(made, 1, 10, type_=sa.Text)
    return sa.func.to_char(sa.func.timezone("UTC", made), "YYYY-MM-DD", type_=sa.Text)


def _seconds(connection: sa.Connection, ended: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
    """From the making of the run to that moment."""
    if connection.dialect.name == "sqlite":
        return _since_epoch(ended) - _since_epoch(runs.c.created_at)
    return sa.cast(sa.extract("epoch", ended - runs.c.created_at), sa.Float)


def _since_epoch(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
    """SQLite itself reads no more than three digits of a second."""
    whole, rest = sa.func.substr(moment, 1, 19), sa.func.substr(moment, 20, 7)
    return sa.func.unixepoch(whole, type_=sa.Float) + sa.cast(rest, sa.Float)
