"""Limits: rows that are locked before what they bound is counted. Real rows are counted, never counters."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace.model.limits import Limits as Written
from headrace.model.run import BlockStatus
from headrace.store.database import Database
from headrace.store.script import Plural, Script, Statement
from headrace.store.tables import attempts, block_runs, limits, pipelines, runs

HOLDERS = 5  # runs that are named as holding the places of a limit

ADMITTED = sa.and_(runs.c.ended_at.is_(None), runs.c.admitted_at.is_not(None))
UNDER_WAY = sa.and_(  # what waits for other runs is not, nor what has run and is committed
    attempts.c.ended_at.is_(None), sa.not_(attempts.c.waiting), attempts.c.status != BlockStatus.COMMITTING.value
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A row: at most `cap` at once; for runs, `skip` says whether one that finds no room is cancelled."""

    id: int
    cap: int
    skip: bool = False


@dataclass(frozen=True, slots=True)
class LimitRows:
    """The limits that the runs of a pipeline and their blocks come under; None where there is none."""

    project: Limit | None = None  # block runs of all pipelines of the project
    pipeline: Limit | None = None  # runs of the pipeline
    trigger: Limit | None = None  # runs of one trigger; those without a trigger count as one trigger's
    blocks: Mapping[str, Limit] = field(default_factory=dict[str, Limit])  # runs of one block


@dataclass(frozen=True, slots=True)
class Use:
    """How far a limit is used: `used` of `cap`, among others by the runs `holders`, the oldest first."""

    kind: str  # project_blocks, pipeline_runs, trigger_runs, block_runs
    block: str  # of block_runs
    cap: int
    used: int
    holders: tuple[int, ...]


class LimitTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def used(self, run_id: int) -> list[Use]:
        """For each limit that the run and its blocks come under, how far it is used and by which runs."""
        query = sa.select(runs.c.pipeline_id, runs.c.trigger_id).where(runs.c.id == run_id)
        with self._database.read() as connection:
            pipeline_id, trigger_id = connection.execute(query).one()
            over = _bounding(_over(connection, pipeline_id), trigger_id)
            return [_use(connection, limit, trigger_id) for limit in over]


def bounding(kept: Iterable[dict[str, Any]], trigger_id: int | None) -> LimitRows:
    """Which of the rows, as `over` gives them, runs of that trigger come under."""
    rows = _bounding(kept, trigger_id)
    found = {(row["kind"], row["block"]): Limit(row["id"], row["cap"], row["skip"]) for row in rows}
    return LimitRows(
        project=found.get(("project_blocks", "")),
        pipeline=found.get(("pipeline_runs", "")),
        trigger=found.get(("trigger_runs", "")),
        blocks={block: limit for (kind, block), limit in found.items() if kind == "block_runs"},
    )


def room(connection: sa.Connection, ids: Collection[int]) -> dict[int, int]:
    """Locks those limits of blocks, and says how many more attempts each has room for; of those that are gone, nothing."""
    if not ids:
        return {}
    with Script(connection) as script:  # the count sees what was committed before the lock was had
        locked, counted = script.say(*_LOCKED.of(ids)), script.say(*_COUNTED.of(ids))
    under_way = counted.named
    return {
        row["id"]: row["cap"] - sum(each["under_way"] for each in under_way if _bounds(row, each))
        for row in locked.named
    }


def same(kept: Iterable[dict[str, Any]], written: Written) -> bool:
    """Whether the rows, as `over` gives them, are what project and pipeline say."""
    shared, own = _apart(kept)
    found = {(row["kind"], row["block"]): (row["cap"], row["skip"]) for row in shared}
    return found == _rows(written) and all(row["skip"] == written.skip for row in own)


def write(connection: sa.Connection, project_id: int, pipeline_id: int, written: Written) -> None:
    """Brings the rows in line with what project and pipeline say now."""
    wanted = _rows(written)
    shared, own = _apart(_over(connection, pipeline_id))
    for row in shared:
        cap, skip = wanted.pop((row["kind"], row["block"]), (None, None))
        same = limits.c.id == row["id"]
        if cap is None:
            connection.execute(sa.delete(limits).where(same))
        elif (row["cap"], row["skip"]) != (cap, skip):
            connection.execute(sa.update(limits).where(same).values(cap=cap, skip=skip))
    for (kind, block), (cap, skip) in wanted.items():
        of = None if kind == "project_blocks" else pipeline_id
        key = {"kind": kind, "project_id": project_id, "pipeline_id": of, "block": block}
        _insert(connection, {**key, "cap": cap, "skip": skip})
    if own:
        of_triggers = sa.and_(limits.c.pipeline_id == pipeline_id, limits.c.trigger_id.is_not(None))
        connection.execute(sa.update(limits).where(of_triggers).values(skip=written.skip))


def write_own(connection: sa.Connection, trigger_id: int, pipeline_id: int, cap: int | None) -> None:
    """The trigger's own limit on its runs is that from now on; None: what its pipeline says."""
    connection.execute(sa.delete(limits).where(limits.c.trigger_id == trigger_id))
    if cap is None:
        return
    project = sa.select(pipelines.c.project_id).where(pipelines.c.id == pipeline_id)
    skips = sa.select(limits.c.id).where(limits.c.pipeline_id == pipeline_id, limits.c.skip)
    key = {"kind": "trigger_runs", "pipeline_id": pipeline_id, "block": "", "trigger_id": trigger_id}
    found = {"project_id": connection.scalar(project), "skip": connection.scalar(skips.limit(1)) is not None}
    connection.execute(sa.insert(limits).values({**key, **found, "cap": cap}))


def _apart(rows: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those of project and pipeline, and those of single triggers."""
    shared, own = list[dict[str, Any]](), list[dict[str, Any]]()
    for row in rows:
        (shared if row["trigger_id"] is None else own).append(row)
    return shared, own


def _bounding(rows: Iterable[dict[str, Any]], trigger_id: int | None) -> list[dict[str, Any]]:
    """Those that a run of that trigger comes under: the trigger's own in place of its pipeline's for any trigger."""
    shared, own = _apart(rows)
    mine = [row for row in own if row["trigger_id"] == trigger_id]
    return [row for row in shared if not (mine and row["kind"] == "trigger_runs")] + mine


def _insert(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Inserts the row; somebody who has just written it is as right as we are."""
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(limits).values(row))


def _rows(written: Written) -> dict[tuple[str, str], tuple[int, bool]]:
    """By kind and block, the cap and whether it says skip."""
    caps = {
        ("project_blocks", ""): written.project_blocks,
        ("pipeline_runs", ""): written.pipeline_runs,
        ("trigger_runs", ""): written.trigger_runs,
        **{("block_runs", block): cap for block, cap in written.blocks.items()},
    }
    skips = {("pipeline_runs", ""), ("trigger_runs", "")} if written.skip else set[tuple[str, str]]()
    return {key: (cap, key in skips) for key, cap in caps.items() if cap is not None}


def over(pipeline: sa.ColumnElement[int]) -> sa.Select[Any]:
    """The rows of that pipeline and of its project."""
    project = sa.select(pipelines.c.project_id).where(pipelines.c.id == pipeline).scalar_subquery()
    of_either = sa.or_(limits.c.pipeline_id == pipeline, limits.c.pipeline_id.is_(None))
    return sa.select(limits).where(limits.c.project_id == project, of_either).order_by(limits.c.id)


_OVER = Statement(over(sa.bindparam("pipeline", type_=pipelines.c.id.type)))


def _over(connection: sa.Connection, pipeline_id: int) -> list[dict[str, Any]]:
    return Script(connection).ask(_OVER, {"pipeline": pipeline_id}).named


_OPEN = attempts.join(block_runs).join(runs, block_runs.c.run_id == runs.c.id).join(pipelines)
_LOCKED = Plural(lambda ids: sa.select(limits).where(limits.c.id.in_(ids)).order_by(limits.c.id).with_for_update())
_COUNTED = Plural(  # every attempt under way of the projects that these limits belong to
    lambda ids: (
        sa.select(pipelines.c.project_id, runs.c.pipeline_id, block_runs.c.block, sa.func.count().label("under_way"))
        .select_from(_OPEN)
        .where(UNDER_WAY, pipelines.c.project_id.in_(sa.select(limits.c.project_id).where(limits.c.id.in_(ids))))
        .group_by(pipelines.c.project_id, runs.c.pipeline_id, block_runs.c.block)
    )
)


def _bounds(limit: Mapping[str, Any], counted: Mapping[str, Any]) -> bool:
    if limit["kind"] == "project_blocks":
        return counted["project_id"] == limit["project_id"]
    of_block = (counted["pipeline_id"], counted["block"]) == (limit["pipeline_id"], limit["block"])
    return limit["kind"] == "block_runs" and of_block


def _use(connection: sa.Connection, limit: Mapping[str, Any], trigger_id: int | None) -> Use:
    found = list(connection.scalars(_holders(limit, trigger_id)))
    holders = tuple(dict.fromkeys(found))[:HOLDERS]
    return Use(limit["kind"], limit["block"], limit["cap"], len(found), holders)


def _holders(limit: Mapping[str, Any], trigger_id: int | None) -> sa.Select[int]:
    """The runs that hold the places of a limit, each as often as it holds one."""
    of_pipeline = runs.c.pipeline_id == limit["pipeline_id"]
    match limit["kind"]:
        case "project_blocks":
            return _blocks(pipelines.c.project_id == limit["project_id"])
        case "block_runs":
            return _blocks(of_pipeline, block_runs.c.block == limit["block"])
        case "pipeline_runs":
            return _runs(of_pipeline)
        case _:
            return _runs(of_pipeline, runs.c.trigger_id.is_not_distinct_from(trigger_id))


def _runs(*those: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(runs.c.id).where(ADMITTED, *those).order_by(runs.c.id)


def _blocks(*those: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(runs.c.id).select_from(_OPEN).where(UNDER_WAY, *those).order_by(runs.c.id)
