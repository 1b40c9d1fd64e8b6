"""Cancels that follow from something else than a wish to cancel: an event of each run says from what."""

from datetime import datetime

import sqlalchemy as sa

from headrace.store.claims import OPEN
from headrace.store.script import Statement
from headrace.store.tables import events, runs

ASKED = "run.ask_cancel"


def ask(connection: sa.Connection, pipeline_id: int, reason: str, at: datetime) -> int:
    """See `Runs.request_cancels`."""
    going = sa.and_(runs.c.pipeline_id == pipeline_id, OPEN, runs.c.cancel_requested_at.is_(None))
    asking = sa.update(runs).where(going).values(cancel_requested_at=at, held=False)
    asked = connection.execute(asking.returning(runs.c.id, runs.c.status)).all()
    if asked:
        told = {"at": at, "kind": ASKED, "reason": reason}
        connection.execute(sa.insert(events), [{**told, "run_id": row.id, "status": row.status} for row in asked])
    return len(asked)


_WORDS = sa.or_(events.c.kind == ASKED, events.c.kind == "run.reopen")
REASON = Statement(  # the latest word on it: a run that has gone on since is asked anew
    sa.select(events.c.kind, events.c.reason)
    .where(events.c.run_id == sa.bindparam("run", type_=events.c.run_id.type), _WORDS)
    .order_by(events.c.id.desc())
    .limit(1)
)
