"""Backfills: written down, started with a plan, carried out bit by bit, and ended when their runs have."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.trigger import FINAL_BACKFILL, Backfill, BackfillStatus, TriggerSettings, Which
from headrace.store import creating, firing, rows
from headrace.store.columns import Moment, Undecoded
from headrace.store.creating import NewRun
from headrace.store.database import About, Database
from headrace.store.reach import Row
from headrace.store.tables import backfills, pipelines, projects, runs, triggers

OPEN = (BackfillStatus.RUNNING, BackfillStatus.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBackfill:
    """What is needed for a backfill to be written down."""

    pipeline_id: int
    name: str
    start_time: datetime
    end_time: datetime
    interval_type: str
    interval_units: int
    which: Which
    variables: Mapping[str, Any]
    settings: TriggerSettings


@dataclass(frozen=True, slots=True)
class PlacedBackfill:
    """A backfill, with the names of its project and pipeline, and how many of its runs have each status."""

    backfill: Backfill
    project: str
    pipeline: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Going:
    """How far a backfill has got: runs of `total` dates are to be made, and `made` of them are."""

    id: int
    status: str
    trigger_id: int
    total: int
    made: int


class Making:
    """One transaction in which runs of a backfill are made."""

    def __init__(self, database: Database, connection: sa.Connection, backfill: Backfill) -> None:
        self._database = database
        self._connection = connection
        self._backfill = backfill

    def lock(self) -> bool:
        """Whether the backfill is as it was seen, and nobody else's at the moment; it stays so until the commit."""
        query = sa.select(backfills.c.made, backfills.c.status).where(backfills.c.id == self._backfill.id)
        found = self._connection.execute(query.with_for_update(skip_locked=True)).first()
        return found is not None and tuple(found) == (self._backfill.made, BackfillStatus.RUNNING)

    def create(self, new: Sequence[NewRun], at: datetime) -> None:
        """The next runs of its plan, in its order."""
        for each in new:
            creating.create(self._connection, each, at, None)
        made = sa.update(backfills).where(backfills.c.id == self._backfill.id)
        self._connection.execute(made.values(made=self._backfill.made + len(new)))
        self._database.ring(self._connection)


class Backfills:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewBackfill, at: datetime) -> Backfill:
        """A backfill that is written down and does nothing yet."""
        given = {each.name: getattr(new, each.name) for each in fields(NewBackfill)}
        row = given | {
            "uid": identity.new(),
            "settings": msgspec.to_builtins(new.settings),
            "status": BackfillStatus.INITIAL,
            "reason": "created",
            "total": 0,
            "made": 0,
            "created_at": at,
            "updated_at": at,
        }
        with self._database.write(Row(pipelines, new.pipeline_id)) as connection:
            made = sa.insert(backfills).values(row).returning(backfills.c.id)
            return _one(connection, connection.execute(made).scalar_one())

    def get(self, backfill_id: int) -> Backfill:
        """BackfillNotFound if there is none of that id."""
        with self._database.read() as connection:
            return _one(connection, backfill_id)

    def list(
        self, *, pipeline: str | None = None, limit: int = 100, before: int | None = None
    ) -> "list[PlacedBackfill]":
        """The newest first, those with an id below `before`, of that pipeline's name where one is given."""
        query = sa.select(backfills, projects.c.name.label("project"), pipelines.c.name.label("pipeline"))
        query = query.select_from(backfills.join(pipelines).join(projects)).order_by(backfills.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(backfills.c.id < before)
        if pipeline is not None:
            query = query.where(pipelines.c.name == pipeline)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
            counts = _counts(connection, [row["id"] for row in found])
        return [PlacedBackfill(_bare(row), row["project"], row["pipeline"], counts.get(row["id"], {})) for row in found]

    def page(
        self, project_id: int, pipeline: str | None, limit: int, offset: int
    ) -> "tuple[list[PlacedBackfill], int]":
        """At most `limit` of the project's, the newest first, after the first `offset`; and how many there are."""
        within = [pipelines.c.project_id == project_id, *([pipelines.c.name == pipeline] if pipeline else [])]
        of = backfills.join(pipelines).join(projects)
        query = sa.select(backfills, projects.c.name.label("project"), pipelines.c.name.label("pipeline"))
        query = query.select_from(of).where(*within).order_by(backfills.c.id.desc()).limit(limit).offset(offset)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
            count = connection.scalar(sa.select(sa.func.count()).select_from(of).where(*within)) or 0
            counts = _counts(connection, [row["id"] for row in found])
        told = [PlacedBackfill(_bare(row), row["project"], row["pipeline"], counts.get(row["id"], {})) for row in found]
        return told, count

    def change(self, seen: Backfill, given: Mapping[str, Any], at: datetime) -> bool:
        """Fields of NewBackfill say something else; False when it is under way, or not as it was seen any more."""
        idle = (BackfillStatus.INITIAL, *FINAL_BACKFILL)
        same = sa.and_(backfills.c.id == seen.id, backfills.c.updated_at == seen.updated_at)
        written = {**given, "updated_at": at}
        if "settings" in given:
            written["settings"] = msgspec.to_builtins(given["settings"])
        with self._database.write(Row(backfills, seen.id)) as connection:
            changing = sa.update(backfills).where(same, backfills.c.status.in_(idle)).values(written)
            return connection.execute(changing).rowcount == 1

    def delete(self, seen: Backfill) -> bool:
        """The backfill is gone, and its runs are of none; False when it is under way."""
        idle = (BackfillStatus.INITIAL, *FINAL_BACKFILL)
        with self._database.write(Row(backfills, seen.id)) as connection:
            locking = sa.select(backfills.c.status).where(backfills.c.id == seen.id).with_for_update()
            if connection.scalar(locking) not in idle:
                return False
            connection.execute(sa.update(runs).where(runs.c.backfill_id == seen.id).values(backfill_id=None))
            connection.execute(sa.delete(backfills).where(backfills.c.id == seen.id))
        return True

    def counts(self, backfill_id: int) -> Mapping[str, int]:
        """How many of its runs have each status."""
        with self._database.read() as connection:
            return _counts(connection, [backfill_id]).get(backfill_id, {})

    def start(self, seen: Backfill, dates: Sequence[datetime], trigger_id: int, at: datetime) -> bool:
        """Carries out that plan from now on, with runs of that trigger; False when it is not as it was seen any more.

        A backfill that has ended is started anew: it makes further runs, and those it has made stay.
        """
        values = {
            "status": BackfillStatus.RUNNING,
            "reason": "started",
            "dates": [each.isoformat() for each in dates],
            "total": len(dates),
            "made": 0,
            "trigger_id": trigger_id,
            "started_at": at,
            "ended_at": None,
        }
        return self._move(seen, (BackfillStatus.INITIAL, *FINAL_BACKFILL), values, at)

    def pause(self, seen: Backfill, at: datetime) -> bool:
        """Nothing more of it begins until it is resumed; what runs goes on."""
        return self._move(seen, (BackfillStatus.RUNNING,), {"status": BackfillStatus.PAUSED, "reason": "paused"}, at)

    def resume(self, seen: Backfill, at: datetime) -> bool:
        """It goes on where it was paused."""
        return self._move(seen, (BackfillStatus.PAUSED,), {"status": BackfillStatus.RUNNING, "reason": "resumed"}, at)

    def cancel(self, seen: Backfill, at: datetime) -> bool:
        """It makes no more runs, and those that are not final are asked to be cancelled."""
        values = {"status": BackfillStatus.CANCELLED, "reason": "cancel_requested", "ended_at": at}
        return self._move(seen, (BackfillStatus.INITIAL, *OPEN), values, at)

    def end(self, seen: Backfill, status: BackfillStatus, reason: str, at: datetime) -> bool:
        """Every run of its plan is final; its trigger has done what it was for."""
        return self._move(seen, OPEN, {"status": status, "reason": reason, "ended_at": at}, at)

    def open(self) -> "list[Going]":
        """How far those have got that run or are paused. Nothing of them is decoded."""
        query = sa.select(*(backfills.c[each.name] for each in fields(Going))).order_by(backfills.c.id)
        with self._database.read() as connection:
            found = connection.execute(query.where(sa.text("status IN ('running', 'paused')"))).mappings()
            return [Going(**row) for row in found]

    def lay_aside(self, backfill_id: int, reason: str, at: datetime) -> None:
        """It cannot be carried out: it ends as failed, for that reason."""
        values = {"status": BackfillStatus.FAILED, "reason": reason, "ended_at": at}
        with self._database.write() as connection:
            connection.execute(sa.update(backfills).where(backfills.c.id == backfill_id).values(values))

    @contextmanager
    def making(self, backfill: Backfill) -> Generator[Making]:
        """A transaction in which the next runs of that backfill are made."""
        with self._database.write() as connection:
            yield Making(self._database, connection, backfill)

    def latest(self, pipeline_id: int, start: datetime, end: datetime) -> "dict[datetime, list[str]]":
        """For each execution date from `start` to `end`, the statuses of the pipeline's runs of it, the latest last."""
        within = sa.and_(runs.c.pipeline_id == pipeline_id, runs.c.execution_date.between(start, end))
        query = sa.select(runs.c.execution_date, runs.c.status).where(within).order_by(runs.c.id)
        found: dict[datetime, list[str]] = {}
        with self._database.read() as connection:
            for date, status in connection.execute(query):
                found.setdefault(date, []).append(status)
        return found

    def latest_of(self, backfill_id: int) -> "dict[datetime, str]":
        """The status of the latest run of each of the backfill's execution dates."""
        query = sa.select(runs.c.execution_date, runs.c.status).where(runs.c.backfill_id == backfill_id)
        with self._database.read() as connection:
            return {row.execution_date: row.status for row in connection.execute(query.order_by(runs.c.id))}

    def _move(self, seen: Backfill, start: tuple[BackfillStatus, ...], values: Mapping[str, Any], at: datetime) -> bool:
        """Whether the backfill was as it had been seen, and in one of those statuses, and is moved."""
        same = sa.and_(backfills.c.id == seen.id, backfills.c.updated_at == seen.updated_at)
        moving = sa.update(backfills).where(same, backfills.c.status.in_(start)).values({**values, "updated_at": at})
        with self._database.write(Row(backfills, seen.id)) as connection:
            if not connection.execute(moving).rowcount:
                return False
            trigger_id = values.get("trigger_id", seen.trigger_id)
            if trigger_id is not None:
                _set_going(connection, trigger_id, values["status"], at)
            for about in About:
                self._database.ring(connection, about)
        return True


def _set_going(connection: sa.Connection, trigger_id: int, status: BackfillStatus, at: datetime) -> None:
    """Its trigger is active while it runs; the runs that have not begun wait while it is paused, or are cancelled."""
    active = status is BackfillStatus.RUNNING
    connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id).values(active=active, updated_at=at))
    if status in (BackfillStatus.RUNNING, BackfillStatus.PAUSED):
        firing.hold(connection, trigger_id, held=not active)
    elif status is BackfillStatus.CANCELLED:
        going = sa.and_(runs.c.trigger_id == trigger_id, runs.c.ended_at.is_(None))
        asked = sa.func.coalesce(runs.c.cancel_requested_at, sa.literal(at, Moment))
        connection.execute(sa.update(runs).where(going).values(cancel_requested_at=asked, held=False))


def _one(connection: sa.Connection, backfill_id: int) -> Backfill:
    row = connection.execute(sa.select(backfills).where(backfills.c.id == backfill_id)).mappings().first()
    if row is None:
        raise errors.BackfillNotFound(backfill=backfill_id)
    return _backfill(row)


def _counts(connection: sa.Connection, ids: Sequence[int]) -> dict[int, dict[str, int]]:
    query = sa.select(runs.c.backfill_id, runs.c.status, sa.func.count()).where(runs.c.backfill_id.in_(ids))
    found: dict[int, dict[str, int]] = {}
    for backfill_id, status, count in connection.execute(query.group_by(runs.c.backfill_id, runs.c.status)):
        found.setdefault(backfill_id, {})[status] = count
    return found


def _bare(row: Mapping[Any, Any]) -> Backfill:
    """The backfill; of one that cannot be decoded what a list needs of it, with the reason why it cannot."""
    try:
        return _backfill(row)
    except errors.RowUnreadable as error:
        moments = {name: rows.LONG_AGO for name, value in row.items() if isinstance(value, Undecoded)}
        documents: dict[str, Any] = {"variables": {}, "settings": {}, "dates": None}
        return _backfill({**row, **moments, **documents, "reason": str(error)})


def _backfill(row: Mapping[Any, Any]) -> Backfill:
    name = f"backfill {row['id']}"
    given = {each.name: row[each.name] for each in fields(Backfill)}
    if wrong := next((column for column, value in given.items() if isinstance(value, Undecoded)), None):
        raise errors.RowUnreadable(row=name, why=f"its {wrong}: {given[wrong].why}")
    return rows.convert(given, Backfill, name)
