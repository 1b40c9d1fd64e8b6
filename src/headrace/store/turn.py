"""A turn as it is written: everything that an engine decides at one time, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from headrace.store import endings, limits, moves
from headrace.store.changes import Change
from headrace.store.database import About, Database
from headrace.store.endings import Fenced
from headrace.store.script import Script, Statement
from headrace.store.tables import attempts


class Turn:
    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection

    def room(self, limit_ids: Collection[int]) -> dict[int, int]:
        """For each of those limits of blocks, how many more attempts may begin; nobody else begins any until the commit.

        Asked for all that concern the turn at once, and before `write`. A limit that is there no more is left out.
        """
        return limits.room(self._connection, limit_ids)

    def write(self, epochs: Mapping[int, int], changes: Sequence[Change]) -> dict[int, datetime]:
        """Writes changes of runs that are held under these epochs (by run id).

        Returns when a cancel was asked of those of them that somebody wants cancelled. Raises MoveRefused, and the
        turn comes to nothing, when an epoch is no longer held or a move matches no row.
        """
        landed = moves.write(self._connection, epochs, changes)
        if landed.heard:
            self._database.ring(self._connection, About.TRIGGERS)
        return landed.cancels

    def fenced(self, records: Collection[Fenced]) -> None:
        """Writes down results that came too late; they change nothing."""
        if records:
            endings.fence(self._connection, records)

    def ring(self) -> None:
        """Wakes every engine once the turn is committed: it made room under a limit that others wait for."""
        self._database.ring(self._connection)

    def ring_for_waiting(self) -> None:
        """Wakes every engine once the turn is committed, if an attempt waits for a run: it may be one that ends here."""
        if Script(self._connection).ask(_WAITING, {}).rows:
            self.ring()


_WAITING = Statement(sa.select(attempts.c.id).where(attempts.c.ended_at.is_(None), attempts.c.waiting).limit(1))
