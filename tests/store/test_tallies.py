"""Counts of runs are what counting them would tell, whoever makes, moves or deletes them."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.store.conftest import together

from headrace.engine.tallier import OFTEN, Tallier
from headrace.model.pipeline import Pipeline
from headrace.model.query import Query
from headrace.model.run import Reopening, Run, RunStatus
from headrace.store import Store, databases, tables, tallies
from headrace.store.database import Database
from headrace.store.projects import Pinned

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)

Create = Callable[..., Run]
Trigger = Callable[..., int]


@pytest.fixture
def counted(database: Database) -> Callable[[], dict[Any, int]]:
    """What the tallies add up to; it is an error if that is not what there is."""

    def check() -> dict[Any, int]:
        with database.read() as connection:
            names = ("pipeline_id", "trigger_id", "status")
            kept = sa.select(*(tables.tallies.c[name] for name in names), sa.func.sum(tables.tallies.c.runs))
            there = sa.select(*(tables.runs.c[name] for name in names), sa.func.count())
            sums = connection.execute(kept.group_by(*(tables.tallies.c[name] for name in names)))
            counts = connection.execute(there.group_by(*(tables.runs.c[name] for name in names)))
            found = {tuple(key): count for *key, count in sums if count}
            assert found == {tuple(key): count for *key, count in counts}
        return found

    return check


@pytest.fixture
def lived(store: Store, create: Create, trigger: Trigger, pinned: Pinned) -> tuple[int, int]:
    """Runs that were made by hand and by a trigger, moved, ended and reopened: that trigger, and another pipeline."""
    other = store.projects.pin(Path("/projects/other"), "other", Pipeline("hourly"), "v", "s", 1, AT)
    mill = trigger(pinned, "mill")
    made = [create("a", trigger_id=mill) for _ in range(4)]
    create("a", other), create("a")
    for run, status in zip(made, (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.FAILED), strict=False):
        assert store.runs.close(run.id, None, status, "x", AT)
    assert store.runs.request_retry(made[2].id, Reopening((), (), pinned.version_id, pinned.snapshot_id, "again"))
    assert store.runs.reopen("engine-1", AT, own=False) == [made[2].id]
    return mill, other.pipeline_id


def test_what_is_counted_is_there(store: Store, lived: tuple[int, int], counted: Any, pinned: Pinned) -> None:
    mill, other = lived
    counted()
    of_mill = {"initial": 2, "failed": 1, "cancelled": 1}
    assert store.tallies.of_triggers([mill, 99]) == {mill: of_mill, 99: {}}
    of_daily = of_mill | {"initial": 3}
    assert store.tallies.of_pipelines([pinned.pipeline_id, other]) == {
        pinned.pipeline_id: of_daily,
        other: {"initial": 1},
    }
    project = store.projects.names(other)[0].id
    assert store.tallies.of_projects([pinned.project.id, project]) == {
        pinned.project.id: of_daily,
        project: {"initial": 1},
    }
    assert store.tallies.of_triggers([]) == {}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (Query(), 6),
        (Query(project="other"), 1),
        (Query(pipeline="daily", statuses=frozenset({RunStatus.FAILED, RunStatus.INITIAL})), 4),
        (Query(trigger=1, statuses=frozenset({RunStatus.CANCELLED})), 1),
        (Query(trigger=1, project="other"), 0),
        (Query(pipeline=404), 0),
    ],
)
def test_a_list_is_as_long_as_is_said(store: Store, lived: tuple[int, int], query: Query, count: int) -> None:
    assert query.is_tallied
    assert store.tallies.total(query) == count == len(store.runs.page(query, 100).runs)
    by_status = store.tallies.of(query)
    assert sum(by_status.get(each, 0) for each in query.statuses or by_status) == count


def test_what_is_deleted_counts_no_more(
    database: Database, store: Store, lived: tuple[int, int], counted: Callable[[], Any]
) -> None:
    with database.write() as connection:
        for table in (tables.events, tables.block_runs, tables.runs):
            connection.execute(sa.delete(table))
    assert counted() == {}
    assert store.tallies.total(Query()) == 0


def test_a_transaction_that_fails_counts_for_nothing(
    database: Database, lived: tuple[int, int], counted: Callable[[], Any]
) -> None:
    before = counted()
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(sa.delete(tables.events))
        connection.execute(sa.delete(tables.block_runs))
        connection.execute(sa.delete(tables.runs))
        raise RuntimeError
    assert counted() == before


def test_folding_changes_no_count_and_leaves_a_row_for_each(
    database: Database, store: Store, lived: tuple[int, int], create: Create, counted: Callable[[], Any]
) -> None:
    before, tallier = counted(), Tallier(store)
    assert tallier.run_once(AT) == AT + OFTEN
    assert counted() == before
    assert rows(database) == len(before)
    create("a")
    tallier.run_once(AT + OFTEN / 2)
    assert tallier.run_once(AT + OFTEN) in (None, AT + 2 * OFTEN), "SQLite has nothing more to fold"
    assert sum(counted().values()) == 7
    assert rows(database) == len(before), "the count of runs that wait is one row again"


def test_folding_bit_by_bit_comes_to_an_end_and_to_the_same(
    store: Store, lived: tuple[int, int], counted: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "AT_ONCE", 2)
    before = counted()
    Tallier(store).run_once(AT)
    assert counted() == before


def rows(database: Database) -> int:
    """How many rows there are of counts that are not nought."""
    with database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(tables.tallies.c.runs != 0)) or 0


def test_counts_hold_while_runs_are_made_and_others_fold(
    place: tuple[Path, str | None], create: Create, counted: Callable[[], Any]
) -> None:
    def fold() -> None:
        with closing(databases.open(*place)) as mine:
            for n in range(10):
                Tallier(Store(mine)).run_once(AT + n * OFTEN)

    together(*[lambda: [create("a") for _ in range(20)]] * 3, fold, fold)
    assert sum(counted().values()) == 60
