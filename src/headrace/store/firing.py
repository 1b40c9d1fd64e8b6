"""Triggers fire: those that are due are found, and in one transaction their runs are made and they are set on.

Whoever fires locks the rows and looks whether they are as he has seen them; what somebody else was faster with, or has
locked, is passed over. So a fire time makes one run, however many engines look.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model.run import RunStatus
from headrace.model.trigger import Trigger
from headrace.store import creating
from headrace.store.columns import Moment
from headrace.store.creating import Created, NewRun
from headrace.store.database import Database
from headrace.store.script import Script, Statement
from headrace.store.tables import gaps, runs, triggers

Decode = Callable[[Mapping[Any, Any], Mapping[int, Iterable[Mapping[Any, Any]]]], Trigger]


@dataclass(frozen=True, slots=True)
class Perpetual:
    """An active trigger that fires whenever nothing of it is under way, or once, and what its runs have come to."""

    trigger: Trigger
    open: bool  # one of them is under way, or waits
    last: RunStatus | None  # of the latest; None when there is none
    began: datetime | None  # when that was made


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a trigger stands once it has fired; a `fault` says why its runs could not be made."""

    trigger: int
    to_considered: datetime | None
    to_due_at: datetime | None
    to_fault: str | None = None


class Firing:
    """One transaction of firing triggers."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection
        self._rings = False

    def lock(self, seen: Iterable[Trigger]) -> set[int]:
        """Which of them are as they were seen, and nobody else's at the moment; they stay so until the commit."""
        stamps = {each.id: (each.due_at, each.updated_at) for each in seen}
        query = sa.select(triggers.c.id, triggers.c.due_at, triggers.c.updated_at).where(triggers.c.id.in_(stamps))
        locking = query.order_by(triggers.c.id).with_for_update(skip_locked=True, key_share=True)
        return {row.id for row in self._connection.execute(locking) if stamps[row.id] == (row.due_at, row.updated_at)}

    def fire(self, new: Sequence[NewRun], at: datetime, owner: str | None = None, room: int = 0) -> Sequence[int]:
        """The runs of fire times of active triggers that were locked; one that has a run gets no other.

        At most `room` are made for the engine of that name: their ids. The others are for any engine.
        """
        if not new:
            return ()
        fired = creating.create_fired(self._connection, new, at, owner, room)
        self._rings |= fired.new > len(fired.own)
        return fired.own

    def create(self, new: NewRun, at: datetime) -> Created:
        """A run of any trigger; the earlier one where its fire time or key has one."""
        created = creating.create(self._connection, new, at, None)
        self._rings |= created.made
        return created

    def has_open_run(self, trigger_id: int) -> bool:
        """Whether a run of that trigger is under way, or waits."""
        return bool(Script(self._connection).ask(_OPEN, {"trigger": trigger_id}).rows)

    def busy(self, trigger_ids: Collection[int]) -> set[int]:
        """Those of the triggers of which a run is under way, or waits."""
        return {trigger_id for trigger_id in trigger_ids if self.has_open_run(trigger_id)}

    def set_on(self, stands: Iterable[Stand]) -> None:
        """How far they have got, and when they are due again; nothing that their users wrote is touched."""
        many = [{name: getattr(each, name) for name in Stand.__slots__} for each in stands]
        with Script(self._connection) as script:
            script.say_of_each(_SET_ON, many)

    def retire(self, trigger_id: int, at: datetime) -> None:
        """It has done what it was for, and is not active any more."""
        done = sa.update(triggers).where(triggers.c.id == trigger_id)
        self._connection.execute(done.values(active=False, due_at=None, updated_at=at))

    def note_gap(self, trigger_id: int, reason: str, first: datetime, last: datetime, count: int, at: datetime) -> None:
        """Those fire times got no run. What follows on the trigger's latest gap, for the same reason, extends it."""
        latest = sa.select(gaps).where(gaps.c.trigger_id == trigger_id).order_by(gaps.c.id.desc()).limit(1)
        before = self._connection.execute(latest).mappings().first()
        if before and before["reason"] == reason and before["last"] < first and not self._ran_since(before, first):
            wider = sa.update(gaps).where(gaps.c.id == before["id"])
            self._connection.execute(wider.values(last=last, count=gaps.c.count + count))
            return
        gap = {"trigger_id": trigger_id, "reason": reason, "first": first, "last": last, "count": count}
        self._connection.execute(sa.insert(gaps).values(gap | {"noticed_at": at}))

    def finish(self) -> None:
        """Wakes every engine once it is committed, if there are new runs."""
        if self._rings:
            self._database.ring(self._connection)

    def _ran_since(self, gap: Mapping[Any, Any], until: datetime) -> bool:
        between = sa.and_(runs.c.fire_time > gap["last"], runs.c.fire_time < until)
        query = sa.select(runs.c.id).where(runs.c.trigger_id == gap["trigger_id"], between).limit(1)
        return self._connection.scalar(query) is not None


@contextmanager
def begin(database: Database) -> Generator[Firing]:
    with database.write() as connection:
        made = Firing(database, connection)
        yield made
        made.finish()


def due(database: Database, at: datetime, limit: int, decode: Decode) -> list[Trigger]:
    """See `Triggers.due`."""
    found: list[Trigger] = []
    for row in database.ask(_DUE, at=at, most=limit):
        try:
            found.append(decode(row, {}))
        except errors.RowUnreadable as error:
            lay_aside(database, row["id"], str(error))
    return found


def lay_aside(database: Database, trigger_id: int, fault: str) -> None:
    """It is not looked at any more until somebody changes it."""
    with database.write() as connection:
        broken = sa.update(triggers).where(triggers.c.id == trigger_id)
        connection.execute(broken.values(due_at=None, fault=fault))


def has_open_run(database: Database, trigger_id: int) -> bool:
    """See `Triggers.has_open_runs`."""
    return bool(database.ask(_OPEN, trigger=trigger_id))


def next_due(database: Database) -> datetime | None:
    """See `Triggers.next_due`."""
    (row,) = database.ask(_NEXT_DUE)
    return row["due_at"] if isinstance(row["due_at"], datetime) else None


def perpetual(database: Database, decode: Decode) -> list[Perpetual]:
    """See `Triggers.perpetual`."""
    found: list[Perpetual] = []
    for row in database.ask(_PERPETUAL):
        last = RunStatus(row["last_status"]) if row["last_status"] else None
        try:
            found.append(Perpetual(decode(row, {}), bool(row["is_open"]), last, row["last_at"]))
        except errors.RowUnreadable as error:
            if row["fault"] != str(error):
                lay_aside(database, row["id"], str(error))
    return found


def hold(connection: sa.Connection, trigger_id: int, *, held: bool) -> None:
    """The runs of the trigger that have not begun wait for it to be resumed, or wait no more."""
    waiting = sa.and_(runs.c.trigger_id == trigger_id, runs.c.ended_at.is_(None), runs.c.admitted_at.is_(None))
    connection.execute(sa.update(runs).where(waiting, runs.c.held != held).values(held=held))


_TRIGGER = sa.bindparam("trigger", type_=triggers.c.id.type)
_DUE = Statement(
    sa.select(triggers)
    .where(triggers.c.due_at.is_not(None), triggers.c.due_at <= sa.bindparam("at", type_=Moment))
    .order_by(triggers.c.due_at, triggers.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_NEXT_DUE = Statement(
    sa.select(sa.func.min(triggers.c.due_at, type_=Moment).label("due_at")).where(triggers.c.due_at.is_not(None))
)
_OPEN = Statement(sa.select(runs.c.id).where(runs.c.trigger_id == _TRIGGER, runs.c.ended_at.is_(None)).limit(1))
_SET_ON = Statement(
    sa.update(triggers)
    .where(triggers.c.id == _TRIGGER)
    .values(
        considered=sa.bindparam("to_considered", type_=Moment),
        due_at=sa.bindparam("to_due_at", type_=Moment),
        fault=sa.bindparam("to_fault", type_=sa.Text),
    )
)
_LAST = sa.select(runs.c.status).where(runs.c.trigger_id == triggers.c.id).order_by(runs.c.id.desc()).limit(1)
_LAST_AT = sa.select(runs.c.created_at).where(runs.c.trigger_id == triggers.c.id).order_by(runs.c.id.desc()).limit(1)
_GOES = sa.select(runs.c.id).where(runs.c.trigger_id == triggers.c.id, runs.c.ended_at.is_(None))
_PERPETUAL = Statement(
    sa.select(
        triggers,
        _GOES.exists().label("is_open"),
        _LAST.scalar_subquery().label("last_status"),
        _LAST_AT.scalar_subquery().label("last_at"),
    ).where(sa.text("interval IN ('@always_on', '@once') AND active"))
)
