"""Runs, block runs, attempts and events: made, claimed, moved and read. What takes more than a statement has its own file."""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors
from headrace.model.output import Output
from headrace.model.query import Query
from headrace.model.run import Attempt, BlockRun, BlockStatus, Event, Reopening, Run, RunStatus
from headrace.model.sorting import BlockSorting, Sorting
from headrace.store import brief, cancels, claims, creating, endings, listing, retries, rows, slas, whole
from headrace.store import sorting as sort
from headrace.store.brief import Brief
from headrace.store.changes import Change
from headrace.store.claims import Claims
from headrace.store.columns import Moment
from headrace.store.creating import Created, Key, NewRun
from headrace.store.database import About, Database
from headrace.store.endings import Fenced
from headrace.store.listing import Listed, Page
from headrace.store.reach import Row
from headrace.store.script import Plural, Script, Statement
from headrace.store.tables import attempts, block_runs, events, outputs, pipelines, runs
from headrace.store.turn import Turn
from headrace.store.whole import Whole

AT_ONCE = 1024  # ids in one question; the databases take no more than some ten thousand values

__all__ = ["Claims", "Created", "Fenced", "Key", "Listed", "NewRun", "Page", "Runs", "Turn"]


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewRun, at: datetime, *, owner: str | None = None) -> Created:
        """The run with its block runs, all `initial` but those that reuse an earlier output, which are `completed`.

        An engine that makes it for itself is its `owner` from the start, and it is admitted if the limits allow; else
        it is there for any engine to claim. What was made before under the same key, or for the same trigger and fire
        time, stands: then nothing is made. KeyReused when the key was given to another request.
        """
        try:
            return self._create(new, at, owner)
        except exc.IntegrityError:
            return self._create(new, at, owner)  # somebody made it since we looked, or it is refused for good

    def _create(self, new: NewRun, at: datetime, owner: str | None) -> Created:
        with self._database.write(Row(pipelines, new.pipeline_id)) as connection:
            created = creating.create(connection, new, at, owner)
            if created.made and owner is None:
                self._database.ring(connection)
        return created

    def claim(self, owner: str, room: int, at: datetime, *, own: bool) -> Claims:
        """Takes at most `room` orphans for that engine, and admits its runs that wait, as far as the limits allow.

        Those that were admitted before, or that somebody wants cancelled, come first, some of them even when there is
        no room; then those that have not begun, in the order of their execution dates. With `own`, only what the
        engine has already is looked at. An engine that was buried takes nothing.
        """
        with self._database.write() as connection:
            return claims.claim(connection, owner, room, at, own=own)

    def claim_one(self, run_id: int, owner: str, epoch: int, at: datetime) -> bool:
        """Takes one open orphan, seen at that epoch, and admits it if the limits allow; False when it is none any more."""
        with self._database.write() as connection:
            return claims.claim_one(connection, run_id, owner, epoch, at)

    def owned(self, owner: str) -> dict[int, datetime | None]:
        """The open runs of that engine, and since when they are admitted."""
        return {row["id"]: row["admitted_at"] for row in self._database.ask(_OWNED, owner=owner)}

    def asked(self, owner: str) -> dict[int, datetime]:
        """The open runs of that engine that somebody wants cancelled, and since when."""
        return {row["id"]: row["cancel_requested_at"] for row in self._database.ask(_ASKED, owner=owner)}

    def request_cancel(self, run_id: int, at: datetime) -> datetime | None:
        """Asks that the run be cancelled, which an engine does. Says since when it is asked; None for a final run."""
        update = sa.update(runs).where(runs.c.id == run_id, claims.OPEN)
        asked = update.values(cancel_requested_at=sa.func.coalesce(runs.c.cancel_requested_at, sa.literal(at, Moment)))
        with self._database.write(Row(runs, run_id)) as connection:
            since = connection.scalar(asked.returning(runs.c.cancel_requested_at))
            if since is not None:
                self._database.ring(connection)
        return since

    def request_cancels(self, pipeline_id: int, reason: str, at: datetime) -> int:
        """Asks that every open run of the pipeline be cancelled, for that reason; how many were not asked before."""
        with self._database.write(Row(pipelines, pipeline_id)) as connection:
            asked = cancels.ask(connection, pipeline_id, reason, at)
            if asked:
                self._database.ring(connection)
        return asked

    def cancel_reason(self, run_id: int) -> str | None:
        """What the cancel of that run has followed from; None where somebody wished it, or nobody has asked for any."""
        found = self._database.ask(cancels.REASON, run=run_id)
        return found[0]["reason"] if found and found[0]["kind"] == cancels.ASKED else None

    def request_retry(self, run_id: int, reopening: Reopening, *, owner: str | None = None) -> bool:
        """Asks that a final run go on, which an engine carries out: the `owner`, as long as it lives, if one is given.

        False when the run is not final, or was asked to go on before.
        """
        with self._database.write(Row(runs, run_id)) as connection:
            landed = retries.request(connection, run_id, reopening, owner)
            if landed:
                self._database.ring(connection)
        return landed

    def reopen(self, owner: str, at: datetime, *, own: bool) -> list[int]:
        """Carries out the requests of that engine, and unless `own` of nobody: the runs that are open now.

        A run that this engine itself asked for is its own, under its next epoch; the others are for any engine to
        claim. A request that cannot be read, or does not fit its run, is taken back with an event that says why.
        """
        asked = retries.OWN if own else retries.ANY
        return [row["id"] for row in self._database.ask(asked, owner=owner) if self._reopened(row["id"], owner, at)]

    def _reopened(self, run_id: int, owner: str, at: datetime) -> bool:
        try:
            with self._database.write() as connection:
                return retries.carry_out(connection, run_id, owner, at)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            with self._database.write() as connection:
                retries.refuse(connection, run_id, error, at)
            return False

    def write(self, epochs: Mapping[int, int], changes: Sequence[Change]) -> dict[int, datetime]:
        """All changes of a turn in one transaction: see `Turn.write`."""
        with self.turn() as turn:
            return turn.write(epochs, changes)

    @contextmanager
    def turn(self) -> Generator[Turn]:
        """What an engine writes at once: together, or, when its block ends with an error, not at all."""
        with self._database.write() as connection:
            yield Turn(self._database, connection)

    def fenced(self, records: Collection[Fenced]) -> None:
        """Writes down results that came too late; they change nothing."""
        if records:
            with self._database.write() as connection:
                endings.fence(connection, records)

    def close(
        self, run_id: int, epoch: int | None, status: RunStatus, reason: str, at: datetime, *, owner: str | None = None
    ) -> bool:
        """Ends an open run, and all that is open of it as cancelled, without reading any of its documents.

        False when it is final, or not at that epoch, or not that engine's any more, where those are given.
        """
        with self._database.write() as connection:
            closed = endings.close(connection, run_id, epoch, status, reason, at, owner)
            for about in About if closed else ():
                self._database.ring(connection, about)
        return closed

    def pass_slas(self, at: datetime) -> "list[int]":
        """Notes of each run that is to have ended by now that it has passed its SLA, with an event: their ids."""
        with self._database.write() as connection:
            return slas.pass_due(connection, at)

    def next_sla(self) -> datetime | None:
        """When the next run passes its SLA unless it ends."""
        with self._database.read() as connection:
            return slas.next_due(connection)

    def get(self, run: int | str) -> Run:
        """The run of that id or uid; RunNotFound if there is none."""
        found = self._database.ask(_BY_ID if isinstance(run, int) else _BY_UID, run=run)
        if not found:
            raise errors.RunNotFound(run=run)
        return rows.run(found[0])

    def keyed(self, key: Key, pipeline_id: int, trigger_id: int | None) -> Run | None:
        """The run of that trigger that has the key, or of that pipeline where no trigger is said.

        KeyReused when it was given to another request.
        """
        with self._database.read() as connection:
            return creating.keyed(connection, creating.scope(pipeline_id, trigger_id), key)

    def brief(self, run_id: int) -> Brief:
        """What an engine is to know of the run before it moves it; RunNotFound if there is none."""
        return brief.read(self._database, run_id)

    def whole(self, run_id: int) -> Whole:
        """The run of that id with all that is kept of it, as it is at one moment; RunNotFound if there is none."""
        with self._database.read() as connection:
            return whole.read(connection, run_id)

    def settled(self, run_ids: Collection[int]) -> list[int]:
        """Those of the runs that are final, or are there no more."""
        ids = sorted(run_ids)
        settled: set[int] = set(ids)
        with self._database.read() as connection:
            for first in range(0, len(ids), AT_ONCE):
                settled.difference_update(_still_open(connection, ids[first : first + AT_ONCE]))
        return sorted(settled)

    def page(self, query: Query, limit: int, after: int | None = None, *, blocks: bool = False) -> Page:
        """At most `limit` runs of the list, beyond the id `after`, with their block runs if those are asked for.

        There may be fewer than `limit` although the list goes on, where a span of moments, variables, tags or the SLA
        is asked for: a page looks at no more than `listing.EXAMINED` runs for those. With the newest first, runs that
        are made meanwhile change nothing in the pages that follow; with the oldest first, where several engines write,
        one with a lower id may come to light after a page that ended beyond it.
        """
        with self._database.read() as connection:
            return listing.page(connection, query, limit, after, blocks=blocks)

    def sorted(self, sorting: Sorting, limit: int, offset: int, *, whole_dates: bool = False) -> Sequence[Listed]:
        """At most `limit` runs of the list, without the first so many, with their block runs.

        With `whole_dates` all runs of one execution date, the first thousand of them, are on the page where the first of
        them is, and on no other. The list is to be by that date then.
        """
        with self._database.read() as connection:
            found = sort.ids(connection, sorting, limit, offset, whole_dates=whole_dates)
            return listing.read(connection, found, blocks=True)

    def count(self, sorting: Sorting) -> int:
        """How many runs the list has; each is counted, so ask `Tallies` where that is enough."""
        with self._database.read() as connection:
            return sort.count(connection, sorting)

    def sorted_blocks(self, wanted: BlockSorting, limit: int, offset: int) -> Sequence[tuple[Listed, BlockRun]]:
        """At most `limit` block runs of the list, without the first so many, each with its run."""
        with self._database.read() as connection:
            found = sort.block_runs(connection, wanted, limit, offset)
            those = listing.read(connection, list({run_id: None for _, run_id in found}), blocks=True)
        by_id = {block.id: (each, block) for each in those for block in each.blocks}
        return [by_id[block_id] for block_id, _ in found]

    def count_blocks(self, wanted: BlockSorting) -> int:
        """How many block runs the list has; each is counted."""
        with self._database.read() as connection:
            return sort.count_block_runs(connection, wanted)

    def block_run(self, block_run_id: int) -> BlockRun:
        """NoSuchRecord if there is none of that id."""
        found = self._database.ask(_BLOCK_RUN, id=block_run_id)
        if not found:
            raise errors.NoSuchRecord(noun="block run", id=block_run_id)
        return rows.block_run(found[0])

    def listed(self, run_id: int) -> Listed:
        """The run of that id as it is in a list, with its block runs; RunNotFound if there is none."""
        with self._database.read() as connection:
            found = listing.read(connection, [run_id], blocks=True)
        if not found:
            raise errors.RunNotFound(run=run_id)
        return found[0]

    def block_runs(self, run_id: int) -> list[BlockRun]:
        """The run's block runs, in the order their blocks were written."""
        return [rows.block_run(row) for row in self._database.ask(_BLOCK_RUNS, run=run_id)]

    def of_block_runs(self, block_run_ids: Iterable[int]) -> dict[int, int]:
        """The runs that those block runs are of, by block run id; those there are none of are left out."""
        ids = sorted(set(block_run_ids))
        parts = (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))
        asked = (_RUNS_OF.of(part) for part in parts)
        return {
            row["id"]: row["run_id"] for statement, given in asked for row in self._database.ask(statement, **given)
        }

    def attempts(self, block_run_ids: Iterable[int]) -> dict[int, list[Attempt]]:
        """Every attempt of those block runs with its outputs, first to last, by block run id."""
        ids = sorted(set(block_run_ids))
        found: dict[int, list[Attempt]] = {}
        with self._database.read() as connection:
            for first in range(0, len(ids), AT_ONCE):
                for attempt in _attempts(connection, ids[first : first + AT_ONCE]):
                    found.setdefault(attempt.block_run_id, []).append(attempt)
        return found

    def completed_attempts(self, block_run_ids: Iterable[int]) -> dict[int, Attempt]:
        """The attempt whose outputs stand for each of those block runs, by block run id; others are left out."""
        found = self.attempts(block_run_ids)
        return {block_run: tries[-1] for block_run, tries in found.items() if tries[-1].status is BlockStatus.COMPLETED}

    def is_committing(self, attempt: str, epoch: int) -> bool:
        """Whether the outputs of that attempt (a uid) are still to be committed, and its run is held under that epoch."""
        return bool(self._database.ask(_COMMITTING, attempt=attempt, epoch=epoch))

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

    def events(self, run_id: int) -> list[Event]:
        """Everything that happened in the run, in the order it was recorded."""
        return [rows.event(row) for row in self._database.ask(_EVENTS, run=run_id)]

    def events_after(self, run_id: int, after: int, limit: int) -> list[Event]:
        """The run's events with ids above `after`, in the order they were recorded, at most `limit`."""
        return [rows.event(row) for row in self._database.ask(_EVENTS_AFTER, run=run_id, after=after, most=limit)]


def _of_run(column: sa.Column[Any], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(column == sa.bindparam("run", type_=column.type))


_BY_ID, _BY_UID = Statement(_of_run(runs.c.id, *rows.RUN)), Statement(_of_run(runs.c.uid, *rows.RUN))
_BLOCK_RUNS = Statement(_of_run(block_runs.c.run_id, *rows.BLOCK_RUN).order_by(block_runs.c.id))
_BLOCK_RUN = Statement(
    sa.select(*rows.BLOCK_RUN).where(block_runs.c.id == sa.bindparam("id", type_=block_runs.c.id.type))
)
_EVENTS = Statement(_of_run(events.c.run_id, *rows.EVENT).order_by(events.c.id))
_EVENTS_AFTER = Statement(
    _of_run(events.c.run_id, *rows.EVENT)
    .where(events.c.id > sa.bindparam("after", type_=events.c.id.type))
    .order_by(events.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_COMMITTING = Statement(
    sa.select(attempts.c.id)
    .select_from(attempts.join(block_runs).join(runs, block_runs.c.run_id == runs.c.id))
    .where(attempts.c.uid == sa.bindparam("attempt", type_=attempts.c.uid.type))
    .where(attempts.c.status == BlockStatus.COMMITTING.value)
    .where(runs.c.epoch == sa.bindparam("epoch", type_=runs.c.epoch.type))
)
_MINE = sa.and_(claims.OPEN, runs.c.owner == sa.bindparam("owner", type_=runs.c.owner.type))
_OWNED = Statement(sa.select(runs.c.id, runs.c.admitted_at).where(_MINE).order_by(runs.c.id))
_ASKED = Statement(
    sa.select(runs.c.id, runs.c.cancel_requested_at)
    .where(_MINE, runs.c.cancel_requested_at.is_not(None))
    .order_by(runs.c.id)
)
_STILL_OPEN = Plural(lambda ids: sa.select(runs.c.id).where(runs.c.id.in_(ids), claims.OPEN))
_RUNS_OF = Plural(lambda ids: sa.select(block_runs.c.id, block_runs.c.run_id).where(block_runs.c.id.in_(ids)))
_ATTEMPTS = Plural(
    lambda ids: (
        sa.select(*rows.ATTEMPT)
        .where(attempts.c.block_run_id.in_(ids))
        .order_by(attempts.c.block_run_id, attempts.c.number)
    )
)
_OUTPUTS = Plural(
    lambda ids: (
        sa.select(outputs)
        .join(attempts)
        .where(attempts.c.block_run_id.in_(ids))
        .order_by(outputs.c.attempt_id, outputs.c.place)
    )
)


def _still_open(connection: sa.Connection, run_ids: Sequence[int]) -> list[int]:
    return [run_id for (run_id,) in Script(connection).ask(*_STILL_OPEN.of(run_ids)).rows]


def _attempts(connection: sa.Connection, block_run_ids: Sequence[int]) -> Iterator[Attempt]:
    with Script(connection) as script:
        tries, kept = script.say(*_ATTEMPTS.of(block_run_ids)), script.say(*_OUTPUTS.of(block_run_ids))
    returned: dict[int, list[Output]] = {}
    for row in kept.named:
        returned.setdefault(row["attempt_id"], []).append(rows.output(row))
    for row in tries.named:
        yield rows.attempt(row, returned.get(row["id"], []))
