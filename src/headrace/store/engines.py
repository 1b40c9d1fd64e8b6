"""Engines that live: each has a row, and the runs of an owner without one are orphans that others may claim."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from headrace.store.columns import Moment
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import engines, runs


@dataclass(frozen=True, slots=True)
class EngineRow:
    """A living engine. Where `home` and `machine` are one's own, its lock file tells its death; elsewhere its lease.

    `own` is one that moves only the runs made for it.
    """

    name: str
    home: str
    machine: str
    pid: int
    own: bool
    started_at: datetime
    lease_until: datetime | None  # None: only its lock file can tell
    drain_requested_at: datetime | None = None  # since when it is to begin nothing more


class Engines:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self,
        name: str,
        *,
        home: str,
        machine: str,
        pid: int,
        lease: float | None,
        at: datetime,
        own: bool = False,
    ) -> None:
        """An engine lives from now on, for `lease` seconds unless it beats; without a lease, until it is buried."""
        until = None if lease is None else self._database.clock(at, lease)
        place = {"home": home, "machine": machine, "pid": pid}
        row = {"name": name, **place, "own": own, "started_at": at, "lease_until": until}
        with self._database.write() as connection:
            connection.execute(sa.insert(engines).values(row))

    def beat(self, name: str, lease: float, at: datetime) -> bool:
        """Its lease lasts `lease` seconds from now; False when it was buried before."""
        beating = sa.update(engines).where(engines.c.name == name)
        with self._database.write() as connection:
            return connection.execute(beating.values(lease_until=self._database.clock(at, lease))).rowcount == 1

    def leave(self, name: str) -> None:
        """Its clean end; whatever it still owns is for others."""
        self.bury(name)

    def living(self) -> list[EngineRow]:
        """Those that have a row, the oldest first."""
        return [EngineRow(**row) for row in self._database.ask(_LIVING)]

    def holding(self) -> dict[str, int]:
        """How many open runs each owner has, living or not; those without any are left out."""
        query = sa.select(runs.c.owner, sa.func.count().label("runs")).where(
            runs.c.ended_at.is_(None), runs.c.owner.is_not(None)
        )
        with self._database.read() as connection:
            found = connection.execute(query.group_by(runs.c.owner)).all()
            return {row.owner: row.runs for row in found}

    def request_drain(self, name: str, at: datetime) -> bool:
        """Asks the engine to begin nothing more, which it does; False when it lives no more."""
        asking = sa.update(engines).where(engines.c.name == name)
        with self._database.write() as connection:
            since = sa.func.coalesce(engines.c.drain_requested_at, sa.literal(at, Moment))
            lives = connection.execute(asking.values(drain_requested_at=since)).rowcount == 1
            self._database.ring(connection)
        return lives

    def is_drained(self, name: str) -> bool:
        """Whether somebody has asked the engine to begin nothing more."""
        return bool(self._database.ask(_DRAINED, name=name))

    def bury(self, name: str) -> bool:
        """It is known to be dead, and its runs are orphans; False when somebody has said so before."""
        return bool(self._bury(engines.c.name == name))

    def bury_lapsed(self, grace: float, at: datetime) -> list[str]:
        """Buries those whose lease ended more than `grace` seconds ago: their names."""
        return self._bury(engines.c.lease_until < self._database.clock(at, -grace))

    def next_lapse(self, grace: float, at: datetime) -> float | None:
        """Seconds until the next of them could be buried, if none beats until then; None when no lease ends."""
        query = sa.select(sa.func.min(engines.c.lease_until, type_=Moment), self._database.clock(at))
        with self._database.read() as connection:
            until, now = connection.execute(query).one()
        return None if until is None else max(0.0, (until - now + timedelta(seconds=grace)).total_seconds())

    def _bury(self, those: sa.ColumnElement[bool]) -> list[str]:
        with self._database.write() as connection:
            buried = list(connection.scalars(sa.delete(engines).where(those).returning(engines.c.name)))
            if buried:
                self._database.ring(connection)
        return buried


_DRAINED = Statement(
    sa.select(engines.c.name).where(
        engines.c.name == sa.bindparam("name", type_=engines.c.name.type), engines.c.drain_requested_at.is_not(None)
    )
)
_LIVING = Statement(sa.select(engines).order_by(engines.c.started_at, engines.c.name))
