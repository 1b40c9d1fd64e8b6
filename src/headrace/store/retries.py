"""Retries: a final run is asked to go on; an engine carries the request out, in one transaction a run."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from headrace import errors
from headrace.model import transitions
from headrace.model.run import BlockRun, Reopening, Run
from headrace.store import moves, rows
from headrace.store.changes import BlockMoved, RunMoved
from headrace.store.claims import LIVING
from headrace.store.script import Script, Statement
from headrace.store.tables import block_runs, events, runs

ASKED = runs.c.retry_request.is_not(None)

# The runs whose requests an engine may carry out: its own, or also those of no living engine.
_MINE = runs.c.owner == sa.bindparam("owner", type_=runs.c.owner.type)
_WHOSE = sa.select(runs.c.id).where(ASKED).order_by(runs.c.id)
OWN = Statement(_WHOSE.where(_MINE))
ANY = Statement(_WHOSE.where(sa.or_(_MINE, runs.c.owner.is_(None), ~LIVING)))


def request(connection: sa.Connection, run_id: int, asked: Reopening, owner: str | None) -> bool:
    """See `Runs.request_retry`."""
    asking = sa.update(runs).where(runs.c.id == run_id, runs.c.ended_at.is_not(None), ~ASKED)
    return connection.execute(asking.values(retry_request=asked, owner=owner)).rowcount == 1


def carry_out(connection: sa.Connection, run_id: int, owner: str, at: datetime) -> bool:
    """Reopens the run as it was asked, if nobody else does; it is the engine's when that asked, else an orphan.

    It is asked for by itself: it waits for no trigger, which may have been resumed meanwhile, or may never be.
    """
    query = sa.select(runs.c.retry_request, *rows.RUN).where(runs.c.id == run_id, ASKED)
    row = connection.execute(query.with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return False
    own = row["owner"] == owner
    claimed = {"owner": owner, "epoch": row["epoch"] + 1} if own else {"owner": None}
    run = rows.run(row)
    reopening = rows.reopening(run_id, row["retry_request"])
    _reopen(connection, run, reopening, at)
    pins = {"version_id": reopening.version_id, "snapshot_id": reopening.snapshot_id}
    changed = sa.update(runs).where(runs.c.id == run_id).values(**pins, **claimed, held=False, retry_request=None)
    connection.execute(changed)
    return True


def refuse(connection: sa.Connection, run_id: int, why: Exception, at: datetime) -> None:
    """The request cannot be carried out: it is taken back, and the run stays as it is."""
    row = connection.execute(sa.select(runs.c.status).where(runs.c.id == run_id, ASKED).with_for_update()).first()
    if row is None:
        return
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(retry_request=None))
    refused = {"run_id": run_id, "at": at, "kind": "run.retry_refused", "status": row.status, "reason": str(why)}
    connection.execute(sa.insert(events).values(refused))


def _reopen(connection: sa.Connection, run: Run, reopening: Reopening, at: datetime) -> None:
    found = connection.execute(sa.select(*rows.BLOCK_RUN).where(block_runs.c.run_id == run.id)).mappings()
    blocks = {row.block: row for row in map(rows.block_run, found)}
    _fit(run, blocks, reopening)
    again = [
        BlockMoved(row, transitions.reopen_block(at, attempt=row.attempt, reason=reopening.reason))
        for row in (blocks[block] for block in reopening.blocks)
    ]
    moved = RunMoved(run, transitions.reopen_run(at, reason=reopening.reason))
    moves.write(connection, {run.id: run.epoch}, [moved, *again])
    with Script(connection) as script:
        script.say_of_each(rows.NEW_BLOCK, [rows.new_block(run.uid, block, at=at) for block in reopening.added])
        told = {"of_run": run.uid, "attempt": 0, "at": at, "kind": "block.create", "status": "initial"}
        created = [{**told, "block": block, "reason": reopening.reason} for block in reopening.added]
        script.say_of_each(rows.NEW_EVENT, created)


def _fit(run: Run, blocks: Mapping[str, BlockRun], reopening: Reopening) -> None:
    if strangers := [block for block in reopening.blocks if block not in blocks]:
        raise errors.RetryRefused(run=run.id, why=f"it has no block {strangers[0]}")
    if known := [block for block in reopening.added if block in blocks]:
        raise errors.RetryRefused(run=run.id, why=f"it has the block {known[0]} already")
