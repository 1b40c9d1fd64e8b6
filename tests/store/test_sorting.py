"""Lists of runs in an order of one's own: pages by number are slices of the whole, sorted the slow way."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.test_listing import COUNT, Row, expected, spans, written

from headrace import errors
from headrace.model.query import Query
from headrace.model.run import Run, RunStatus
from headrace.model.sorting import BY_DATE, COLUMNS, BlockSorting, Sorting
from headrace.store import Store, sorting, tables
from headrace.store.database import Database

__all__ = ["written"]

queries = st.builds(
    Query,
    project=st.sampled_from([None, "demo", "other", "none"]),
    pipeline=st.sampled_from([None, None, "one", "none"]),
    trigger=st.sampled_from([None, None, 1, 2, 99]),
    backfill=st.sampled_from([None, None, None, 1]),
    version=st.sampled_from([None, None, None, 1, 2]),
    statuses=st.frozensets(st.sampled_from(RunStatus)),
    created=spans,
)
PLAIN = [name for name in COLUMNS if name not in ("started_at", "ended_at", "backfill_id", "trigger_id")]  # never null
sortings = st.builds(
    Sorting,
    query=queries,
    pipelines=st.sampled_from([None, None, frozenset({"one"}), frozenset({"one", "two"}), frozenset({"none"})]),
    latest=st.booleans(),
    by=st.one_of(st.just(BY_DATE), st.lists(st.tuples(st.sampled_from(PLAIN), st.booleans()), max_size=3)),
)


def whole(written: Sequence[Row], wanted: Sorting) -> list[int]:
    """The list as it is to be."""
    ids = set(expected(written, wanted.query))
    found = [row for row in written if row["id"] in ids and wanted.pipelines in (None, wanted.pipelines)]
    found = [row for row in found if wanted.pipelines is None or row["pipeline"] in wanted.pipelines]
    if wanted.latest:
        found = [row for row in found if not any(_later(row, other) for other in written)]
    for name, descending in [*wanted.by, *([] if "id" in dict(wanted.by) else [("id", True)])][::-1]:
        found.sort(key=lambda row: _value(row, name), reverse=descending)
    return [row["id"] for row in found]


def _later(row: Row, other: Row) -> bool:
    same = all(row[name] == other[name] for name in ("pipeline_id", "execution_date", "trigger_id"))
    return same and other["id"] > row["id"]


def _value(row: Row, name: str) -> Any:
    if name == "updated_at":
        return row["ended_at"] or row["started_at"] or row["created_at"]
    return str(row[name]) if name == "status" else row[name]


def test_a_page_is_a_slice_of_the_whole(store: Store, written: Sequence[Row]) -> None:
    @settings(suppress_health_check=list(HealthCheck), max_examples=25)
    @given(sortings, st.integers(1, 40), st.integers(0, COUNT))
    def holds(wanted: Sorting, limit: int, offset: int) -> None:
        ids = whole(written, wanted)
        assert [each.run.id for each in store.runs.sorted(wanted, limit, offset)] == ids[offset : offset + limit]
        assert store.runs.count(wanted) == len(ids)
        if wanted.is_tallied:
            assert store.tallies.total(wanted.query) == len(ids)

    holds()


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts_all_runs(store: Store, written: Sequence[Row], column: str) -> None:
    wanted = Sorting(query=Query(), by=((column, True),))
    assert len({each.run.id for each in store.runs.sorted(wanted, 1000, 0)}) == len(written)


def test_the_runs_of_one_date(store: Store, written: Sequence[Row]) -> None:
    date = written[0]["execution_date"]
    found = store.runs.sorted(Sorting(query=Query(), on=date), 1000, 0)
    assert [each.run.id for each in found] == [row["id"] for row in written if row["execution_date"] == date][::-1]


def test_the_runs_of_a_trigger_are_read_along_an_index(database: Database) -> None:
    """Nothing is sorted, and no table is gone through."""
    with database.read() as connection:
        form = sorting.OF_TRIGGER.on(connection.dialect)
        given = form.values({"trigger": 1, "most": 20, "before": 900})
        if connection.dialect.name == "postgresql":  # there are no rows, so it would as soon look at all of them
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            asking = psycopg.RawCursor(cast(Any, connection.connection.driver_connection))
            found = asking.execute(f"EXPLAIN {form.text}".encode(), given).fetchall()
        else:
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {form.text}", tuple(given)).all()
        plan = "\n".join(str(row) for row in found)
    assert "ix_runs_trigger_date" in plan, plan
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


def test_block_runs_are_sorted_and_counted(store: Store, create: Callable[..., Run]) -> None:
    first, second = create(), create()
    wanted = BlockSorting(project="demo")
    found = store.runs.sorted_blocks(wanted, 100, 0)
    assert [each.run.id for each, _ in found] == [second.id] * (len(found) // 2) + [first.id] * (len(found) // 2)
    assert store.runs.count_blocks(wanted) == len(found) == 2 * len(store.runs.block_runs(first.id))
    by_id = store.runs.sorted_blocks(BlockSorting(run=first.id, by=("id", False)), 1, 1)
    assert [block for _, block in by_id] == store.runs.block_runs(first.id)[1:2]
    assert store.runs.sorted_blocks(BlockSorting(project="none"), 100, 0) == []
    for column in ("id", "block", "status", "created_at", "updated_at", "started_at", "ended_at"):
        of_column = BlockSorting(project="demo", pipeline=None, by=(column, True))
        assert len(store.runs.sorted_blocks(of_column, 100, 0)) == len(found)


def test_a_block_run_is_found_by_its_id(store: Store, create: Callable[..., Run]) -> None:
    block = store.runs.block_runs(create().id)[0]
    assert store.runs.block_run(block.id) == block
    with pytest.raises(errors.NoSuchRecord):
        store.runs.block_run(99_999)
    with pytest.raises(errors.RunNotFound):
        store.runs.listed(99_999)


def test_triggers_are_found_together_but_for_those_that_were_deleted(
    store: Store, pinned: Any, trigger: Callable[..., int], create: Callable[..., Run]
) -> None:
    one, other = trigger(pinned, "one"), trigger(pinned, "other")
    store.triggers.delete(other, create().created_at)
    labels = store.triggers.labels([one, other, 99])
    assert {each: label.token for each, label in labels.items()} == {one: store.triggers.token(one).sealed}
    assert store.triggers.labels([]) == {}


def test_a_run_is_forgotten_with_all_its_rows(
    database: Database, store: Store, create: Callable[..., Run], live: Callable[[str], None]
) -> None:
    run, other = create(), create()
    assert store.retention.forget(run.id) is None  # it is open
    store.runs.close(run.id, None, RunStatus.CANCELLED, "for the test", run.created_at)
    left = store.retention.forget(run.id)
    assert left is not None
    assert sorted(each.path for each in left) == [f"logs/{run.uid}", f"outputs/{run.uid}"]
    with pytest.raises(errors.RunNotFound):
        store.retention.forget(run.id)
    with database.read() as connection:
        assert set(connection.scalars(sa.select(tables.block_runs.c.run_id))) == {other.id}
    store.retention.settle([each.id for each in left])
    assert store.retention.remains(0, 10) == []
