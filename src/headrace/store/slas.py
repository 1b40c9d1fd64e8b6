"""SLAs: runs that have not ended when they were to. Only those of active triggers count."""

from datetime import datetime

import sqlalchemy as sa

from headrace.store.columns import Moment, Undecoded
from headrace.store.tables import events, runs, triggers

# The same words as those of the index, so that each question is about the few rows that it has.
_OPEN = sa.text("ended_at IS NULL AND sla_at IS NOT NULL AND passed_sla = false")
_OF_ACTIVE = sa.select(triggers.c.id).where(triggers.c.id == runs.c.trigger_id, triggers.c.active).exists()


def pass_due(connection: sa.Connection, at: datetime) -> list[int]:
    """See `Runs.pass_slas`."""
    late = sa.select(runs.c.id, runs.c.status, runs.c.sla_at).where(_OPEN, runs.c.sla_at <= at, _OF_ACTIVE)
    found = connection.execute(late.with_for_update(skip_locked=True, of=runs)).all()
    for run_id, status, sla_at in found:
        passed = sa.update(runs).where(runs.c.id == run_id).values(passed_sla=True)
        by = "now" if isinstance(sla_at, Undecoded) else sla_at.isoformat()
        event = {"run_id": run_id, "at": at, "kind": "run.pass_sla", "status": status}
        connection.execute(passed)
        connection.execute(sa.insert(events).values(event | {"reason": f"it was to have ended by {by}"}))
    return [row.id for row in found]


def next_due(connection: sa.Connection) -> datetime | None:
    """See `Runs.next_sla`."""
    found = connection.scalar(sa.select(sa.func.min(runs.c.sla_at, type_=Moment)).where(_OPEN, _OF_ACTIVE))
    return found if isinstance(found, datetime) else None
