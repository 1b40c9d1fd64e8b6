"""Runs, block runs, attempts and events: made, claimed and read. Moves are written by `moves`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Event, Run, RunStatus
from headrace.store import moves, rows
from headrace.store.changes import Change
from headrace.store.columns import Moment
from headrace.store.database import Database
from headrace.store.tables import attempts, block_runs, events, outputs, pipelines, projects, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is needed for a run to exist. `blocks` maps each block to the block run whose outputs it reuses, or None."""

    pipeline_id: int
    version_id: int
    snapshot_id: int
    blocks: Mapping[str, int | None]
    variables: Mapping[str, Any]
    selection: Mapping[str, Any]
    execution_date: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list, with the names of its project and pipeline."""

    run: Run
    project: str
    pipeline: str


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewRun, at: datetime) -> Run:
        """The run with its block runs, all `initial` but those that reuse an earlier output, which are `completed`."""
        given = {name: value for name, value in asdict(new).items() if name not in ("blocks", "reason")}
        columns = {
            **given,
            "uid": identity.new(),
            "status": "initial",
            "reason": new.reason,
            "created_at": at,
            "epoch": 0,
        }
        with self._database.write() as connection:
            made = rows.run(connection.execute(sa.insert(runs).values(columns).returning(*rows.RUN)).mappings().one())
            if new.blocks:
                connection.execute(
                    sa.insert(block_runs), [_new_block(made.id, *each, at) for each in new.blocks.items()]
                )
            event = {"run_id": made.id, "at": at, "kind": "run.create", "status": "initial", "reason": new.reason}
            connection.execute(sa.insert(events).values(event))
        return made

    def claim(self, run: Run, owner: str, *, anew: bool = False) -> Run | None:
        """The run, now moved by `owner` alone, under the next epoch; None if another claimed it since it was read.

        A run that is taken up `anew` goes on although a cancel of it was asked for before.
        """
        update = sa.update(runs).where(runs.c.id == run.id, runs.c.epoch == run.epoch)
        update = update.values(owner=owner, epoch=run.epoch + 1)
        if anew:
            update = update.values(cancel_requested_at=None)
        with self._database.write() as connection:
            row = connection.execute(update.returning(*rows.RUN)).mappings().first()
        return rows.run(row) if row else None

    def request_cancel(self, run_id: int, at: datetime) -> datetime | None:
        """Asks that the run be cancelled, which the engine does. Says since when it is asked; None for a final run."""
        open_run = runs.c.status.in_([RunStatus.INITIAL, RunStatus.RUNNING])
        update = sa.update(runs).where(runs.c.id == run_id, open_run)
        asked = update.values(cancel_requested_at=sa.func.coalesce(runs.c.cancel_requested_at, sa.literal(at, Moment)))
        with self._database.write() as connection:
            return connection.scalar(asked.returning(runs.c.cancel_requested_at))

    def write(self, epochs: Mapping[int, int], changes: Sequence[Change]) -> dict[int, datetime]:
        """All changes of a turn in one transaction, for runs held under these epochs (by run id).

        Returns when a cancel was asked of those of them that somebody wants cancelled. Raises MoveRefused, with
        nothing written, when an epoch is no longer held or a move matches no row.
        """
        with self._database.write() as connection:
            return moves.write(connection, epochs, changes)

    def get(self, run: int | str) -> Run:
        """The run of that id or uid; RunNotFound if there is none."""
        key = runs.c.id if isinstance(run, int) else runs.c.uid
        with self._database.read() as connection:
            row = connection.execute(sa.select(*rows.RUN).where(key == run)).mappings().first()
        if row is None:
            raise errors.RunNotFound(run=run)
        return rows.run(row)

    def latest(self, limit: int, *, before: int | None = None, pipeline: str | None = None) -> list[Listed]:
        """The newest runs first, at most `limit`, those with an id below `before`, of that pipeline's name if given."""
        query = sa.select(*rows.RUN, projects.c.name.label("project"), pipelines.c.name.label("pipeline"))
        query = query.select_from(runs.join(pipelines).join(projects)).order_by(runs.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(runs.c.id < before)
        if pipeline is not None:
            query = query.where(pipelines.c.name == pipeline)
        with self._database.read() as connection:
            found = connection.execute(query).mappings()
            return [Listed(rows.run(row), row["project"], row["pipeline"]) for row in found]

    def block_runs(self, run_id: int) -> list[BlockRun]:
        """The run's block runs, in the order their blocks were written."""
        query = sa.select(*rows.BLOCK_RUN).where(block_runs.c.run_id == run_id).order_by(block_runs.c.id)
        with self._database.read() as connection:
            return [rows.block_run(row) for row in connection.execute(query).mappings()]

    def attempts(self, block_run_ids: Iterable[int]) -> dict[int, list[Attempt]]:
        """Every attempt of those block runs with its outputs, first to last, by block run id."""
        of_these = attempts.c.block_run_id.in_(list(block_run_ids))
        query = sa.select(*rows.ATTEMPT).where(of_these).order_by(attempts.c.block_run_id, attempts.c.number)
        kept = sa.select(outputs).join(attempts).where(of_these).order_by(outputs.c.attempt_id, outputs.c.place)
        with self._database.read() as connection:
            returned: dict[int, list[Output]] = {}
            for row in connection.execute(kept).mappings():
                returned.setdefault(row["attempt_id"], []).append(rows.output(row))
            found: dict[int, list[Attempt]] = {}
            for row in connection.execute(query).mappings():
                tries = found.setdefault(row["block_run_id"], [])
                tries.append(rows.attempt(row, returned.get(row["id"], [])))
        return found

    def completed_attempts(self, block_run_ids: Iterable[int]) -> dict[int, Attempt]:
        """The attempt whose outputs stand for each of those block runs, by block run id; others are left out."""
        found = self.attempts(block_run_ids)
        return {block_run: tries[-1] for block_run, tries in found.items() if tries[-1].status is BlockStatus.COMPLETED}

    def latest_completed(self, pipeline_id: int, block: str) -> int | None:
        """The newest block run of that block that completed by running, or None."""
        query = (
            sa.select(block_runs.c.id)
            .join(runs)
            .where(runs.c.pipeline_id == pipeline_id, block_runs.c.block == block)
            .where(block_runs.c.status == BlockStatus.COMPLETED, block_runs.c.reused_from.is_(None))
            .order_by(runs.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.scalar(query)

    def run_of(self, block_run_id: int) -> int:
        """The id of the run that the block run belongs to."""
        query = sa.select(block_runs.c.run_id).where(block_runs.c.id == block_run_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def events(self, run_id: int) -> list[Event]:
        """Everything that happened in the run, in the order it was recorded."""
        query = sa.select(*rows.EVENT).where(events.c.run_id == run_id).order_by(events.c.id)
        with self._database.read() as connection:
            return [rows.event(row) for row in connection.execute(query).mappings()]


def _new_block(run_id: int, block: str, reused_from: int | None, at: datetime) -> dict[str, Any]:
    reused = reused_from is not None
    return {
        "uid": identity.new(),
        "run_id": run_id,
        "block": block,
        "status": BlockStatus.COMPLETED if reused else BlockStatus.INITIAL,
        "reason": "reused" if reused else "created",
        "attempt": 0,
        "failures": 0,
        "ended_at": at if reused else None,
        "reused_from": reused_from,
    }
