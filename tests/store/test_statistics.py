"""Runs and block runs by day: what is added up is what there is, on either database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headrace.model.pipeline import Pipeline
from headrace.model.query import Query, Span
from headrace.model.run import Run
from headrace.store import Store, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.statistics import BlockCount, Mean, RunCount

MADE = datetime(2026, 3, 1, 23, 59, 59, 900001, tzinfo=UTC)
NEXT = datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC)
SECONDS = 1.250003


@pytest.fixture
def of_two_days(
    database: Database, store: Store, create: Callable[..., Run], trigger: Callable[..., int], pinned: Pinned
) -> int:
    """Two runs of a trigger on the first day, one of them completed with its blocks, and one by hand on the second."""
    other = store.projects.pin(Path("/projects/other"), "other", Pipeline("hourly"), "v", "s", 1, MADE)
    mill = trigger(pinned, "mill")
    first, second, third = create("ab", trigger_id=mill), create("a", trigger_id=mill), create("a")
    foreign = create("a", other)
    with database.write() as connection:
        for run, at in ((first, MADE), (second, MADE), (third, NEXT), (foreign, NEXT)):
            connection.execute(sa.update(tables.runs).where(tables.runs.c.id == run.id).values(created_at=at))
        done: dict[str, Any] = {"status": "completed", "ended_at": MADE + timedelta(seconds=SECONDS)}
        connection.execute(sa.update(tables.runs).where(tables.runs.c.id == first.id).values(done))
        connection.execute(sa.update(tables.block_runs).where(tables.block_runs.c.run_id == first.id).values(done))
    return mill


def test_runs_are_counted_by_the_day_they_were_made(store: Store, of_two_days: int) -> None:
    found = store.statistics.run_counts(Query(project="demo"))
    assert sorted(found, key=lambda count: (count.day, count.status)) == [
        RunCount("2026-03-01", "daily", of_two_days, "mill", "completed", 1),
        RunCount("2026-03-01", "daily", of_two_days, "mill", "initial", 1),
        RunCount("2026-03-02", "daily", None, None, "initial", 1),
    ]
    assert store.statistics.run_means(Query(project="demo")) == [
        Mean("2026-03-01", "daily", pytest.approx(SECONDS, abs=1e-6))  # pyright: ignore[reportArgumentType]
    ]


def test_block_runs_are_counted_by_the_day_of_their_run(store: Store, of_two_days: int) -> None:
    assert store.statistics.block_counts(Query(project="demo")) == [
        BlockCount("2026-03-01", "a", "completed", 1),
        BlockCount("2026-03-01", "a", "initial", 1),
        BlockCount("2026-03-02", "a", "initial", 1),
        BlockCount("2026-03-01", "b", "completed", 1),
    ]
    means = store.statistics.block_means(Query(trigger=of_two_days))
    assert [(mean.day, mean.name) for mean in means] == [("2026-03-01", "a"), ("2026-03-01", "b")]
    assert means[0].seconds == pytest.approx(SECONDS, abs=1e-6)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (Query(), 4),
        (Query(project="other"), 1),
        (Query(pipeline="daily"), 3),
        (Query(trigger=1), 2),
        (Query(project="other", trigger=1), 0),
        (Query(created=Span(since=NEXT)), 2),
        (Query(created=Span(since=MADE, until=NEXT)), 2),
        (Query(created=Span(until=MADE)), 0),
    ],
)
def test_only_what_is_asked_for_is_counted(store: Store, of_two_days: int, query: Query, count: int) -> None:
    assert sum(each.count for each in store.statistics.run_counts(query)) == count
    blocks = store.statistics.block_counts(query)
    assert sum(each.count for each in blocks if each.block == "a") == count
