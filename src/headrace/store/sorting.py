"""Lists of runs in an order of one's own: pages by number, and how many runs there are in all.

The runs of a trigger, of a backfill and of a pipeline lie in an index by their execution dates, so a page of those costs
what it shows, and what lies before it only a step along the index. Any other order is made of all that is asked for, and
any other filter looked at run by run.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace.model.query import Query, Span
from headrace.model.sorting import BlockSorting, Sorting
from headrace.store import listing, reach
from headrace.store.script import Script, Statement
from headrace.store.tables import block_runs as blocks
from headrace.store.tables import pipelines, runs

MOST = 1000  # runs of one date that a page takes with it


def ids(
    connection: sa.Connection, sorting: Sorting, limit: int, offset: int, *, whole_dates: bool = False
) -> list[int]:
    """The runs of the page, in its order; see `Runs.sorted`."""
    before = 1 if whole_dates and offset else 0
    found = _dated(connection, sorting, limit + before + 1, offset - before)
    earlier, page, later = found[:before], found[before : before + limit], found[before + limit :]
    if not whole_dates or not page:
        return [run_id for run_id, _ in page]
    first, last = page[0][1], page[-1][1]
    if earlier and earlier[0][1] == first:
        page = [each for each in page if each[1] != first]
    if page and later and later[0][1] == last:
        those = _dated(connection, replace(sorting, on=last), MOST, 0)
        page = [*(each for each in page if each[1] != last), *those]
    return [run_id for run_id, _ in page]


def _dated(connection: sa.Connection, sorting: Sorting, limit: int, offset: int) -> list[tuple[int, datetime]]:
    """Ids and execution dates. Those of a trigger alone, which are asked for all the time, need no writing."""
    if sorting == Sorting(query=Query(trigger=sorting.query.trigger)) and sorting.query.trigger is not None:
        given = {"trigger": sorting.query.trigger, "most": limit, "before": offset}
        return [(run_id, date) for run_id, date in Script(connection).ask(OF_TRIGGER, given).rows]
    columns = sa.select(runs.c.id, runs.c.execution_date).where(*_conditions(connection, sorting))
    found = connection.execute(columns.order_by(*_order(sorting)).limit(limit).offset(offset))
    return [(run_id, date) for run_id, date in found]


def count(connection: sa.Connection, sorting: Sorting) -> int:
    """Each is counted."""
    counted = sa.select(sa.func.count()).select_from(runs).where(*_conditions(connection, sorting))
    return connection.scalar(counted) or 0


def _conditions(connection: sa.Connection, sorting: Sorting) -> Iterator[sa.ColumnElement[bool]]:
    query = sorting.query
    if (those := _pipelines(connection, sorting)) is not None:
        yield runs.c.pipeline_id.in_(those)
    if query.trigger is not None:
        yield runs.c.trigger_id == query.trigger
    if query.backfill is not None:
        yield runs.c.backfill_id == query.backfill
    if query.version is not None:
        yield runs.c.version_id == query.version
    if query.statuses:
        yield runs.c.status.in_(sorted(query.statuses))
    if sorting.on is not None:
        yield runs.c.execution_date == sorting.on
    yield from _within(runs.c.created_at, query.created)
    if sorting.latest:
        yield ~_later()


def _pipelines(connection: sa.Connection, sorting: Sorting) -> list[int] | None:
    """The ids of those that the runs are to be of; None where that says nothing."""
    query = sorting.query
    own = query.project is None and query.pipeline is None and sorting.pipelines is None
    if own and not reach.narrows(connection):
        return None
    those = listing.pipelines_of(query)
    if sorting.pipelines is not None:
        those = those.where(pipelines.c.name.in_(sorted(sorting.pipelines)))
    return list(connection.scalars(those))


def _within(column: sa.Column[Any], span: Span) -> Iterator[sa.ColumnElement[bool]]:
    if span.since is not None:
        yield column >= span.since
    if span.until is not None:
        yield column < span.until


def _later() -> sa.ColumnElement[bool]:
    """A newer run of the same trigger, for the same execution date."""
    later = runs.alias("later")
    same = (
        later.c.pipeline_id == runs.c.pipeline_id,
        later.c.execution_date == runs.c.execution_date,
        later.c.trigger_id.is_not_distinct_from(runs.c.trigger_id),
    )
    return sa.select(later.c.id).where(*same, later.c.id > runs.c.id).exists()


def _order(sorting: Sorting) -> Iterator[sa.ColumnElement[Any]]:
    for name, descending in sorting.by:
        yield _column(name).desc() if descending else _column(name).asc()
    if "id" not in [name for name, _ in sorting.by]:
        yield runs.c.id.desc()


def _column(name: str) -> sa.ColumnElement[Any]:
    match name:
        case "pipeline":
            return sa.select(pipelines.c.name).where(pipelines.c.id == runs.c.pipeline_id).scalar_subquery()
        case "updated_at":
            return sa.func.coalesce(runs.c.ended_at, runs.c.started_at, runs.c.created_at)
        case _:
            return runs.c[name]


OF_TRIGGER = Statement(
    sa.select(runs.c.id, runs.c.execution_date)
    .where(runs.c.trigger_id == sa.bindparam("trigger", type_=runs.c.trigger_id.type))
    .order_by(*_order(Sorting(query=Query())))
    .limit(sa.bindparam("most", type_=sa.Integer))
    .offset(sa.bindparam("before", type_=sa.BigInteger))
)


def block_runs(connection: sa.Connection, wanted: BlockSorting, limit: int, offset: int) -> list[tuple[int, int]]:
    """The page of block runs, in its order: the ids of each and of its run."""
    found = sa.select(blocks.c.id, blocks.c.run_id).select_from(blocks.join(runs))
    page = found.where(*_of(connection, wanted)).order_by(*_block_order(wanted)).limit(limit).offset(offset)
    return [(row.id, row.run_id) for row in connection.execute(page)]


def count_block_runs(connection: sa.Connection, wanted: BlockSorting) -> int:
    """Each is counted."""
    found = sa.select(sa.func.count()).select_from(blocks.join(runs)).where(*_of(connection, wanted))
    return connection.scalar(found) or 0


def _of(connection: sa.Connection, wanted: BlockSorting) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.run is not None:
        yield blocks.c.run_id == wanted.run
    if wanted.project is None and wanted.pipeline is None:
        return
    those = listing.pipelines_of(Query(project=wanted.project, pipeline=wanted.pipeline))
    yield runs.c.pipeline_id.in_(list(connection.scalars(those)))


def _block_order(wanted: BlockSorting) -> Iterator[sa.ColumnElement[Any]]:
    if wanted.by is None:
        yield blocks.c.run_id.desc()
        yield blocks.c.started_at.desc().nulls_first()
    else:
        name, descending = wanted.by
        yield _block_column(name).desc() if descending else _block_column(name).asc()
    yield blocks.c.id.desc()


def _block_column(name: str) -> sa.ColumnElement[Any]:
    match name:
        case "created_at":
            return runs.c.created_at
        case "updated_at":
            return sa.func.coalesce(blocks.c.ended_at, blocks.c.started_at, runs.c.created_at)
        case _:
            return blocks.c[name]
