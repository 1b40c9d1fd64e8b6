"""Lists of runs, page by page: which runs are next is read along an index, and then all of them at once.

A list goes along *roads*: stretches of an index in which the runs that a question is about lie in the order of their
ids, one road for each status and pipeline that it names. The roads are merged. On PostgreSQL a road is asked for by
comparing the whole key of its index, and in the order of that, so that the planner has no other way to go, whatever it
believes of the rows: told that the trigger *is* this one, it may as well go through the runs of all others, newest first.
SQLite believes nothing, goes by the index with most of what is told, and needs each column told by itself. So a trigger
with a million runs costs what one with twenty does.

What no index serves is looked at along the road, in windows that grow, at most EXAMINED runs a page in all. A page that
stops there has fewer runs than asked for and says where to go on; where the question has a span of moments, that is
where the next run within it can be.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from pathlib import Path
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from headrace import errors
from headrace.model import query as queries
from headrace.model.query import Query, Span
from headrace.model.run import BlockRun, Run, RunStatus
from headrace.store import reach, rows
from headrace.store.script import Plural, Script
from headrace.store.tables import backfills, block_runs, pipelines, projects, runs, triggers, versions

EXAMINED = 20_000  # runs of which a page may look at more than their place in an index
GROWS = 4  # times, from one window to the next
BEYOND = 2**63 - 1  # no run has that id, nor a greater one

Condition = Callable[[Any], sa.ColumnElement[bool]]  # of the columns that are looked at


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list, with the names of its project and pipeline, and its block runs where they were asked for.

    `folder` is where its project lies.
    """

    run: Run
    project: str
    pipeline: str
    folder: Path
    blocks: tuple[BlockRun, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some runs of a list, and the id after which it goes on; None at its end."""

    runs: Sequence[Listed]
    after: int | None


def page(connection: sa.Connection, query: Query, limit: int, after: int | None, *, blocks: bool) -> Page:
    """See `Runs.list`."""
    roads, conditions = _roads(connection, query), _conditions(connection, query)
    if not roads or conditions is None:
        return Page((), None)
    walk = _Walk(connection, query, conditions, limit + 1, max(1, EXAMINED // len(roads)))
    start = after if after is not None else (0 if query.oldest_first else BEYOND)
    ids, after = _first(walk.along(roads, start), limit)
    if after is not None and len(ids) < limit:
        after = _jump(connection, query, after)
    return Page(read(connection, ids, blocks=blocks), after)


def _first(steps: "Iterator[tuple[int, bool]]", limit: int) -> tuple[list[int], int | None]:
    """The first ids that match, and the id to go on after if there may be more."""
    ids: list[int] = []
    for run_id, matches in steps:
        if not matches:
            return ids, run_id
        if len(ids) == limit:
            return ids, ids[-1]
        ids.append(run_id)
    return ids, None


@dataclass(frozen=True, slots=True)
class _Road:
    """The stretch of an index in which those columns have those values; within it runs lie by their ids."""

    columns: tuple[str, ...]
    values: tuple[Any, ...]

    def beyond(self, after: int, dialect: str, *, oldest_first: bool) -> sa.Select[Any]:
        """The runs of it beyond that id, in the order of the index."""
        keys = [runs.c[name] for name in (*self.columns, "id")]
        placed = list(zip(keys, (*self.values, after), strict=True))
        found = sa.select(runs.c.id).order_by(*(key if oldest_first else key.desc() for key in keys))
        if dialect == "sqlite":
            return found.where(*(column == value for column, value in placed[:-1]), _past(placed[-1:], oldest_first))
        bounds = [placed[:-1], placed[:1]] if self.columns else []  # the second tells which partial indexes serve
        return found.where(_past(placed, oldest_first), *(_within_bound(each, oldest_first) for each in bounds))


Placed = Sequence[tuple[sa.ColumnElement[Any], Any]]  # columns, and values for them, to be compared as one


def _past(placed: Placed, oldest_first: bool) -> sa.ColumnElement[bool]:
    here, there = _compared(placed)
    return here > there if oldest_first else here < there


def _within_bound(placed: Placed, oldest_first: bool) -> sa.ColumnElement[bool]:
    here, there = _compared(placed)
    return here <= there if oldest_first else here >= there


def _compared(placed: Placed) -> tuple[Any, Any]:
    columns, given = zip(*((column, sa.literal(value, column.type)) for column, value in placed), strict=True)
    return (columns[0], given[0]) if len(placed) == 1 else (sa.tuple_(*columns), sa.tuple_(*given))


@dataclass(frozen=True, slots=True)
class _Walk:
    """How roads are gone along: in windows of `size` runs at first, and of `most` in all where conditions are looked at."""

    connection: sa.Connection
    query: Query
    conditions: Sequence[Condition]
    size: int
    most: int

    def along(self, roads: Sequence[_Road], after: int) -> Iterator[tuple[int, bool]]:
        """The ids of the runs that match, in the order of the list; one that does not say so is where the looking ended."""
        one = self._matching if self.conditions else self._all
        return merge(
            *(one(road, after) for road in roads), key=lambda step: step[0], reverse=not self.query.oldest_first
        )

    def _all(self, road: _Road, after: int) -> Iterator[tuple[int, bool]]:
        while True:
            found = list(self.connection.scalars(self._beyond(road, after).limit(self.size)))
            yield from ((run_id, True) for run_id in found)
            if len(found) < self.size:
                return
            after = found[-1]

    def _matching(self, road: _Road, after: int) -> Iterator[tuple[int, bool]]:
        left, size = self.most, self.size
        while left > 0:
            window = self._beyond(road, after).limit(min(size, left))
            yield from ((run_id, True) for run_id in self._those(window))
            last, count = self._end(window)
            if count < min(size, left):
                return
            after, left, size = last, left - size, size * GROWS
        yield after, False

    def _beyond(self, road: _Road, after: int) -> sa.Select[Any]:
        return road.beyond(after, self.connection.dialect.name, oldest_first=self.query.oldest_first)

    def _those(self, window: sa.Select[Any]) -> list[int]:
        """The ids of those within the window that match."""
        seen = window.add_columns(*(runs.c[name] for name in _LOOKED_AT)).subquery()
        found = sa.select(seen.c.id, seen.c.variables).where(*(condition(seen.c) for condition in self.conditions))
        ordered = found.order_by(seen.c.id if self.query.oldest_first else seen.c.id.desc())
        wanted = self.query.variables
        return [row.id for row in self.connection.execute(ordered) if not wanted or queries.has(row.variables, wanted)]

    def _end(self, window: sa.Select[Any]) -> tuple[int, int]:
        """The last id within the window, and how many it has."""
        seen = window.subquery()
        last = sa.func.max(seen.c.id) if self.query.oldest_first else sa.func.min(seen.c.id)
        found = self.connection.execute(sa.select(last.label("last"), sa.func.count().label("seen"))).one()
        return found.last, found.seen


_LOOKED_AT = (
    "variables",
    "created_at",
    "started_at",
    "ended_at",
    "execution_date",
    "passed_sla",
    "version_id",
    "trigger_id",
)


def _roads(connection: sa.Connection, query: Query) -> list[_Road]:
    """None where no run can be what is asked for."""
    places = _places(connection, query)
    if query.backfill is not None:  # its index has the status before the id
        return _by_status("backfill_id", [query.backfill] if places else [], query.statuses or frozenset(RunStatus))
    if query.trigger is not None:
        return _by_status("trigger_id", [query.trigger] if places else [], query.statuses)
    if places is not None:
        return _by_status("pipeline_id", places, query.statuses)
    return [_Road(("status",), (status,)) for status in sorted(query.statuses)] or [_Road((), ())]


def _by_status(column: str, values: Sequence[int], statuses: frozenset[RunStatus]) -> list[_Road]:
    if not statuses:
        return [_Road((column,), (value,)) for value in values]
    return [_Road((column, "status"), (value, status)) for value in values for status in sorted(statuses)]


def _places(connection: sa.Connection, query: Query) -> list[int] | None:
    """The ids of the pipelines whose runs it is about; None when it is about those of all."""
    given = [each for each in (query.project, query.pipeline, query.trigger, query.backfill) if each is not None]
    some = reach.narrows(connection)  # of all that an index has, few may be within reach
    if not given and not some:
        return None
    if len(given) == 1 and isinstance(given[0], int):  # there is nothing that it would have to agree with
        return [given[0]]
    found = list(connection.scalars(pipelines_of(query)))
    whole = query.pipeline is query.trigger is query.backfill is None and not some
    return None if whole and _is_all(connection, found) else found


def pipelines_of(query: Query) -> sa.Select[int]:
    """The ids of the pipelines that its project, pipeline, trigger and backfill agree on."""
    those = sa.select(pipelines.c.id)
    if query.project is not None:
        those = those.join(projects).where(projects.c.name == query.project)
    if query.pipeline is not None:
        own = pipelines.c.name if isinstance(query.pipeline, str) else pipelines.c.id
        those = those.where(own == query.pipeline)
    for table, wanted in ((triggers, query.trigger), (backfills, query.backfill)):
        if wanted is not None:
            found = sa.select(table.c.id).where(table.c.id == wanted, table.c.pipeline_id == pipelines.c.id)
            those = those.where(found.exists())
    return those


def _is_all(connection: sa.Connection, found: Sequence[int]) -> bool:
    """Whether there are no other pipelines, as in a home with one project: its list needs no road for each of them."""
    return len(found) == connection.scalar(sa.select(sa.func.count()).select_from(pipelines))


def _conditions(connection: sa.Connection, query: Query) -> list[Condition] | None:
    """What no road sees to; None when no run can be so."""
    found = [condition for name, span in _spans(query) for condition in _within(name, span)]
    found += [_mentions(name, value) for name, value in query.variables.items()]
    if query.passed_sla is not None:
        found.append(lambda seen: seen.passed_sla == sa.literal(query.passed_sla))
    if query.version is not None:
        found.append(lambda seen: seen.version_id == query.version)
    if query.trigger is not None and query.backfill is not None:
        found.append(lambda seen: seen.trigger_id == query.trigger)
    for tag in sorted(query.tags):
        of_versions, of_triggers = _tagged(connection, versions, tag), _tagged(connection, triggers, tag)
        if not of_versions and not of_triggers:
            return None
        found.append(_either(of_versions, of_triggers))
    return found


def _spans(query: Query) -> list[tuple[str, Span]]:
    given = (query.created, query.started, query.ended, query.execution_date)
    return list(zip(("created_at", "started_at", "ended_at", "execution_date"), given, strict=True))


def _within(name: str, span: Span) -> list[Condition]:
    found: list[Condition] = []
    if span.since is not None:
        found.append(lambda seen: seen[name] >= span.since)
    if span.until is not None:
        found.append(lambda seen: seen[name] < span.until)
    return found


def _mentions(name: str, value: Any) -> Condition:
    """What the text of the variables has in it if they have that one; whether they do is seen when they are read."""
    text = f"{_written(name)}:{_written(value) if isinstance(value, str) else ''}"
    return lambda seen: _has(seen.variables, text)


def _has(document: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Without LIKE, which takes some characters for others."""
    whole = sa.type_coerce(document, sa.Text)
    return sa.func.replace(whole, sa.literal(text, sa.Text), "") != whole


def _written(value: Any) -> str:
    """As it is within a document."""
    return msgspec.json.encode(value).decode()


def _tagged(connection: sa.Connection, table: sa.Table, tag: str) -> list[int]:
    """The ids of the versions, or triggers, that have the tag."""
    document = table.c.content if table is versions else table.c.tags
    found = connection.execute(sa.select(table.c.id, document).where(_has(document, _written(tag))))
    return [each for each, kept in found if tag in _tags(kept)]


def _tags(kept: Any) -> Any:
    """Those of a pipeline, or what is a list of them itself; none of what cannot be decoded."""
    tags = cast("dict[str, Any]", kept).get("tags") if isinstance(kept, dict) else kept
    return cast("list[Any]", tags) if isinstance(tags, list) else ()


def _either(of_versions: list[int], of_triggers: list[int]) -> Condition:
    return lambda seen: sa.or_(_among(seen.version_id, of_versions), _among(seen.trigger_id, of_triggers))


def _among(column: sa.ColumnElement[Any], ids: list[int]) -> sa.ColumnElement[bool]:
    """The ids are written into the statement: there may be more of them than it may have values."""
    return column.in_(sa.bindparam(None, ids, type_=sa.BigInteger, expanding=True, literal_execute=True))


def _jump(connection: sa.Connection, query: Query, after: int) -> int | None:
    """Past what lies before the next run that is within the spans of moments; None when there is none."""
    indexed = [(name, span) for name, span in _spans(query) if name != "started_at"]
    conditions = [condition for name, span in indexed for condition in _within(name, span)]
    if not conditions:
        return after
    key = runs.c.id + 0  # not in the order of ids: along the index of the moments
    ahead = runs.c.id > after if query.oldest_first else runs.c.id < after
    nearest = sa.func.min(key) if query.oldest_first else sa.func.max(key)
    found = connection.scalar(sa.select(nearest).where(ahead, *(condition(runs.c) for condition in conditions)))
    return None if found is None else found - 1 if query.oldest_first else found + 1


def read(connection: sa.Connection, ids: Sequence[int], *, blocks: bool) -> list[Listed]:
    """Those of the runs that there are, in that order, with their block runs if those are asked for."""
    if not ids:
        return []
    with Script(connection) as script:
        found = script.say(*_RUNS.of(ids))
        theirs = script.say(*_BLOCK_RUNS.of(ids)) if blocks else None
    of: dict[int, list[BlockRun]] = {}
    for row in theirs.named if theirs else ():
        of.setdefault(row["run_id"], []).append(_block_run(row))
    by_id = {row["id"]: row for row in found.named}
    return [_listed(by_id[run_id], tuple(of.get(run_id, ()))) for run_id in ids if run_id in by_id]


def _listed(row: rows.Columns, blocks: tuple[BlockRun, ...]) -> Listed:
    try:
        run = rows.run(row)
    except errors.RowUnreadable:
        run = rows.bare_run(row)
    return Listed(run, row["project"], row["pipeline"], _folder(row["folder"]), blocks)


def _block_run(row: rows.Columns) -> BlockRun:
    try:
        return rows.block_run(row)
    except errors.RowUnreadable:
        return rows.bare_block_run(row)


_folder = lru_cache(maxsize=256)(Path)  # of many runs it is the same
_NAMES = (projects.c.name.label("project"), pipelines.c.name.label("pipeline"), projects.c.path.label("folder"))
_RUNS = Plural(
    lambda ids: sa.select(*rows.RUN, *_NAMES).select_from(runs.join(pipelines).join(projects)).where(runs.c.id.in_(ids))
)
_BLOCK_RUNS = Plural(
    lambda ids: sa.select(*rows.BLOCK_RUN).where(block_runs.c.run_id.in_(ids)).order_by(block_runs.c.id)
)
