"""What happens to runs, as a sequence that can be followed: their events, with what each run is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from headrace.model.run import Event
from headrace.store import rows
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import events, pipelines, projects, runs

SPANS = 16  # of ids, that are asked for at once


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

    def within(self, spans: Sequence[range]) -> list[Happening]:
        """The events with ids in those spans, which ascend, that have come to light, in their order."""
        portions = (spans[start : start + SPANS] for start in range(0, len(spans), SPANS))
        return [_happening(row) for some in portions for row in self._database.ask(_WITHIN, **_edges(some))]

    def writers(self) -> frozenset[str]:
        """Who writes events and has not ended: whatever id below the greatest is not there may be theirs, or never comes.

        What those who have ended have written has come to light for whoever asks next.
        """
        return self._database.writers(events.name)


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
_WITHIN = Statement(
    _PLACED.where(
        events.c.id.between(sa.bindparam("first_0", type_=ID), sa.bindparam(f"last_{SPANS - 1}", type_=ID)),
        sa.or_(
            *(
                events.c.id.between(sa.bindparam(f"first_{n}", type_=ID), sa.bindparam(f"last_{n}", type_=ID))
                for n in range(SPANS)
            )
        ),
    )
)
_OWN: Sequence[str] = ("run_uid", "project", "pipeline", "trigger_id", "backfill_id", "pipeline_id")


def _edges(spans: Sequence[range]) -> dict[str, int]:
    """The values of a question for them; the last fills what is over."""
    filled = [*spans, *[spans[-1]] * (SPANS - len(spans))]
    firsts = {f"first_{n}": span[0] for n, span in enumerate(filled)}
    return firsts | {f"last_{n}": span[-1] for n, span in enumerate(filled)}


def _happening(row: dict[str, Any]) -> Happening:
    return Happening(rows.event(row), *(row[name] for name in _OWN))
