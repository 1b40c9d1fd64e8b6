"""Tallies: how many runs each trigger and pipeline has in each status, so that nobody counts a million rows.

The database keeps them itself, by triggers on the table of runs (migration 0004): whatever makes, moves or deletes a run
is counted in its own transaction, whichever room it comes from, and no writer can forget to. On SQLite, which has one
writer, there is one row for each count. On PostgreSQL a changed row would be held until its commit, and engines that
write side by side would wait for one another; so there each change is a row of its own, +1 or -1, the sum of which is
the count, and from time to time `fold` makes one row of many.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from headrace.model.query import Query
from headrace.store import listing
from headrace.store.database import Database
from headrace.store.script import Plural, Statement
from headrace.store.tables import pipelines, projects, tallies, triggers

AT_ONCE = 10_000  # rows that are folded in one transaction

Counts = Mapping[str, int]  # by status; those that no run has are left out


class Tallies:
    """Counts are exact at the moment they are asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_triggers(self, ids: Iterable[int]) -> dict[int, Counts]:
        """How many runs of each of those triggers have each status, by trigger id."""
        return self._counted(_OF_TRIGGERS, ids)

    def of_pipelines(self, ids: Iterable[int]) -> dict[int, Counts]:
        """How many runs of each of those pipelines have each status, by pipeline id."""
        return self._counted(_OF_PIPELINES, ids)

    def of_projects(self, ids: Iterable[int]) -> dict[int, Counts]:
        """How many runs of each of those projects have each status, by project id."""
        return self._counted(_OF_PROJECTS, ids)

    def total(self, query: Query) -> int:
        """How many runs are in that list, which is to be one that `is_tallied`."""
        counted = sa.select(_COUNT).where(tallies.c.pipeline_id.in_(listing.pipelines_of(query)))
        if query.trigger is not None:
            counted = counted.where(tallies.c.trigger_id == query.trigger)
        if query.statuses:
            counted = counted.where(tallies.c.status.in_(sorted(query.statuses)))
        with self._database.read() as connection:
            return connection.scalar(counted) or 0

    def of(self, query: Query) -> Counts:
        """How many runs of that list, which is to be one that `is_tallied`, have each status."""
        counted = sa.select(tallies.c.status, _COUNT).where(tallies.c.pipeline_id.in_(listing.pipelines_of(query)))
        if query.trigger is not None:
            counted = counted.where(tallies.c.trigger_id == query.trigger)
        with self._database.read() as connection:
            found = connection.execute(counted.group_by(tallies.c.status))
            return {status: count for status, count in found if count}

    def last(self) -> int:
        """The id of the latest row; where it stays, there is nothing to fold."""
        return self._database.ask(_LAST)[0]["last"] or 0

    def touched(self, since: int) -> list[int]:
        """The ids of the pipelines that have had rows after that one."""
        return [row["pipeline_id"] for row in self._database.ask(_TOUCHED, since=since)]

    def fold(self, pipeline_id: int) -> None:
        """One row of many, for each count of that pipeline. What others write or fold at the same time is left to them."""
        last = self.last()
        while self._fold(pipeline_id, last) == AT_ONCE:
            pass

    def _fold(self, pipeline_id: int, last: int) -> int:
        """How many rows, up to the last, were made fewer in one transaction; what they come to are later ones."""
        with self._database.write() as connection:
            taken = connection.execute(_TAKE, {"pipeline": pipeline_id, "last": last, "most": AT_ONCE}).all()
            folded: dict[tuple[int | None, str], int] = {}
            for trigger_id, status, count in taken:
                folded[trigger_id, status] = folded.get((trigger_id, status), 0) + count
            made = [
                {"pipeline_id": pipeline_id, "trigger_id": trigger_id, "status": status, "runs": count}
                for (trigger_id, status), count in folded.items()
                if count
            ]
            if made:
                connection.execute(sa.insert(tallies), made)
        return len(taken)

    def _counted(self, statement: Plural, ids: Iterable[int]) -> dict[int, Counts]:
        """By id, those without a run too."""
        wanted = set(ids)
        found: dict[int, dict[str, int]] = {each: {} for each in wanted}
        if wanted:
            asked, values = statement.of(wanted)
            for row in self._database.ask(asked, **values):
                if row["count"]:
                    found[row["of"]][row["status"]] = row["count"]
        return dict(found)


_COUNT = sa.cast(sa.func.sum(tallies.c.runs), sa.BigInteger).label("count")


def _sums(of: sa.ColumnElement[Any], whose: sa.FromClause) -> sa.Select[Any, Any, int]:
    return sa.select(of.label("of"), tallies.c.status, _COUNT).select_from(whose).group_by(of, tallies.c.status)


# Of a trigger only the rows of its own pipeline are looked at: those an index has together.
_THEIRS = sa.and_(tallies.c.pipeline_id == triggers.c.pipeline_id, tallies.c.trigger_id == triggers.c.id)
_OF_TRIGGERS = Plural(lambda ids: _sums(triggers.c.id, triggers.join(tallies, _THEIRS)).where(triggers.c.id.in_(ids)))
_OF_PIPELINES = Plural(lambda ids: _sums(tallies.c.pipeline_id, tallies).where(tallies.c.pipeline_id.in_(ids)))
_WITHIN = projects.join(pipelines).join(tallies, tallies.c.pipeline_id == pipelines.c.id)
_OF_PROJECTS = Plural(lambda ids: _sums(projects.c.id, _WITHIN).where(projects.c.id.in_(ids)))
_LAST = Statement(sa.select(sa.func.max(tallies.c.id).label("last")))
_TOUCHED = Statement(
    sa.select(tallies.c.pipeline_id).where(tallies.c.id > sa.bindparam("since", type_=tallies.c.id.type)).distinct()
)
_FREE = (
    sa.select(tallies.c.id)
    .where(tallies.c.pipeline_id == sa.bindparam("pipeline"), tallies.c.id <= sa.bindparam("last"))
    .order_by(tallies.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    sa.delete(tallies).where(tallies.c.id.in_(_FREE)).returning(tallies.c.trigger_id, tallies.c.status, tallies.c.runs)
)
