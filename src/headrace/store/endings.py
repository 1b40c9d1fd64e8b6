"""Endings by statements alone: nothing of the run is decoded, so a run that cannot be read can still be ended."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from headrace.model.run import BlockStatus, RunStatus
from headrace.store import ends
from headrace.store.columns import Moment
from headrace.store.script import Script
from headrace.store.tables import attempts, block_runs, events, runs


@dataclass(frozen=True, slots=True)
class Fenced:
    """A result that came too late, from an attempt that no longer stands: written down, and nothing else."""

    run_id: int
    block: str
    attempt: int | None  # its number, where that is known
    uid: str
    epoch: int
    at: datetime
    reason: str


def close(
    connection: sa.Connection,
    run_id: int,
    epoch: int | None,
    status: RunStatus,
    reason: str,
    at: datetime,
    owner: str | None,
) -> bool:
    """See `Runs.close`."""
    given = {"epoch": epoch, "owner": owner}
    held = [runs.c[name] == value for name, value in given.items() if value is not None]
    this = [runs.c.id == run_id, runs.c.ended_at.is_(None), *held]
    ending = sa.update(runs).where(*this).values(status=status, reason=reason, ended_at=at, retry_request=None)
    found = connection.execute(ending.returning(runs.c.uid, runs.c.pipeline_id, runs.c.execution_date)).first()
    if found is None:
        return False
    cancelled = {"status": BlockStatus.CANCELLED, "reason": reason, "ended_at": at}
    open_blocks = sa.and_(block_runs.c.run_id == run_id, block_runs.c.ended_at.is_(None))
    of_it = sa.select(block_runs.c.id).where(block_runs.c.run_id == run_id)
    trying = sa.and_(attempts.c.block_run_id.in_(of_it), attempts.c.ended_at.is_(None))
    connection.execute(_told_of_blocks(open_blocks, reason, at))
    connection.execute(sa.update(attempts).where(trying).values(**cancelled, waiting=False))
    connection.execute(sa.update(block_runs).where(open_blocks).values(**cancelled, retry_at=None))
    ended = {"run_id": run_id, "at": at, "kind": "run.end", "status": status, "reason": reason}
    connection.execute(sa.insert(events).values(ended))
    uid, pipeline_id, date = found
    with Script(connection) as script:
        end = ends.of(
            run_id=run_id,
            run_uid=uid,
            pipeline_id=pipeline_id,
            execution_date=date,
            status=status.value,
            reason=reason,
            at=at,
        )
        script.say(ends.NOTE, end)
    return True


def fence(connection: sa.Connection, records: Collection[Fenced]) -> None:
    """See `Runs.fenced`."""
    many = [
        {
            "run_id": each.run_id,
            "block": each.block,
            "attempt": each.attempt,
            "at": each.at,
            "kind": "attempt.fenced",
            "status": "fenced",
            "reason": f"{each.reason} (attempt {each.uid} of epoch {each.epoch})",
        }
        for each in records
    ]
    connection.execute(sa.insert(events), many)


def _told_of_blocks(those: sa.ColumnElement[bool], reason: str, at: datetime) -> sa.Insert:
    """The events of the blocks that are about to be cancelled."""
    told = {
        "run_id": block_runs.c.run_id,
        "block": block_runs.c.block,
        "attempt": block_runs.c.attempt,
        "at": sa.literal(at, Moment),
        "kind": sa.literal("block.cancel"),
        "status": sa.literal(BlockStatus.CANCELLED.value),
        "reason": sa.literal(reason),
    }
    those_rows = sa.select(*told.values()).where(those).order_by(block_runs.c.id)
    return sa.insert(events).from_select(list(told), those_rows)
