"""What happens to runs, as a sequence that can be followed: their events, with what each run is of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from headrace.model.run import Event
from headrace.store import rows
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.script import Plural, Statement
from headrace.store.tables import events, pipelines, projects, runs


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a run, and whose run it is."""

    event: Event
    run_uid: str
    project: str
    pipeline: str
    trigger_id: int | None
    backfill_id: int | None
    pipeline_id: int


class Happenings:
    """Events have ascending ids. Where several engines write, one with a lower id may come to light after a higher one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> int:
        """The id of the newest event; 0 when there is none."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.max(events.c.id))) or 0

    def after(self, event_id: int, limit: int, run_id: int | None = None) -> list[Happening]:
        """The events with greater ids, of that run or of all, in their order, at most `limit`."""
        of = {} if run_id is None else {"run": run_id}
        asked = _AFTER_OF if of else _AFTER
        return [_happening(row) for row in self._database.ask(asked, id=event_id, most=limit, **of)]

    def those(self, ids: Collection[int]) -> list[Happening]:
        """Those of the events that have come to light, in their order."""
        if not ids:
            return []
        statement, values = _THOSE.of(ids)
        return [_happening(row) for row in self._database.ask(statement, **values)]


_PLACED = (
    sa.select(
        *rows.EVENT,
        runs.c.uid.label("run_uid"),
        projects.c.name.label("project"),
        pipelines.c.name.label("pipeline"),
        runs.c.trigger_id,
        runs.c.backfill_id,
        runs.c.pipeline_id,
    )
    .select_from(events.join(runs).join(pipelines, runs.c.pipeline_id == pipelines.c.id).join(projects))
    .order_by(events.c.id)
)
_LATER = _PLACED.where(events.c.id > sa.bindparam("id", type_=ID)).limit(sa.bindparam("most", type_=sa.Integer))
_AFTER = Statement(_LATER)
_AFTER_OF = Statement(_LATER.where(events.c.run_id == sa.bindparam("run", type_=ID)))
_THOSE = Plural(lambda ids: _PLACED.where(events.c.id.in_(ids)))
_OWN: Sequence[str] = ("run_uid", "project", "pipeline", "trigger_id", "backfill_id", "pipeline_id")


def _happening(row: dict[str, Any]) -> Happening:
    return Happening(rows.event(row), *(row[name] for name in _OWN))
