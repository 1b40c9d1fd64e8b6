"""Retention: what has become old is found, and goes in small transactions.

Whatever was decided is looked at again under lock by the transaction that acts on it: a run that somebody has
reopened, or asked to reopen, or whose outputs another run has come to use, stays. What somebody else has locked is
passed over, so any number of cleaners may go on at once.

The transaction that deletes rows writes down what lies on the disk for them, its remains; that is taken away afterwards,
and then it is settled. So whoever dies in between leaves nothing that the next one does not know of, and a folder that
this database knows nothing of is nobody's to take away.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model.output import CLEANED
from headrace.model.retention import Ended
from headrace.model.rule import RuleKind
from headrace.model.run import BlockStatus, RunStatus
from headrace.store import removals
from headrace.store.database import Database
from headrace.store.reach import Row
from headrace.store.removals import Place, Rows
from headrace.store.script import Plural, Script, Statement, insertion
from headrace.store.tables import (
    attempts,
    block_runs,
    gaps,
    lineages,
    occurrences,
    outputs,
    pipelines,
    projects,
    remains,
    runs,
    snapshots,
    tokens,
    versions,
)

KINDS = ("outputs", "logs")  # folders of the home in which each run has one of its own


@dataclass(frozen=True, slots=True)
class Page:
    """Final runs in the order of their ends; `after` is where the next page begins, None after the last."""

    runs: Sequence[Ended]
    after: tuple[Any, int] | None


@dataclass(frozen=True, slots=True)
class Remains:
    """A file or folder to be taken away: its path relative to the home, and the pipeline that it was of, if of one."""

    id: int
    pipeline_id: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The runs of which something went, or would go, the rows that went with them, and where more lies on the disk."""

    runs: Sequence[Ended] = ()
    rows: Rows = field(default_factory=Rows)
    places: Sequence[Place] = ()


class Retention:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ended(self, before: datetime, limit: int, after: tuple[Any, int] | None = None) -> Page:
        """The next runs that have ended before then, at most `limit`, the longest ended first."""
        query = sa.select(*_SEEN).where(removals.FINAL, runs.c.ended_at < before).order_by(runs.c.ended_at, runs.c.id)
        if after is not None:
            query = query.where(sa.tuple_(_ENDED, runs.c.id) > sa.tuple_(sa.literal(after[0], _RAW), after[1]))
        with self._database.read() as connection:
            found = connection.execute(query.limit(limit)).mappings().all()
        last = (found[-1]["place"], found[-1]["id"]) if len(found) == limit else None
        return Page([_ended(row) for row in found], last)

    def edge(self, pipeline_id: int, newest: int, *, failed: bool) -> int:
        """The id from which on the runs are the newest so many of the pipeline that failed, or of all others.

        0 when it has no more than those. The newest one counts in any case: a database may give the id of its last row
        again, once that is gone.
        """
        asked = _FAILED_EDGE if failed else _EDGE
        found = self._database.ask(asked, pipeline=pipeline_id, place=max(newest, 1) - 1)
        return found[0]["id"] if found else 0

    def newest_completed(self, pipeline_id: int) -> int | None:
        """The id of the pipeline's newest completed run."""
        return _only(self._database.ask(_COMPLETED, pipeline=pipeline_id))

    def newest_of(self, trigger_id: int) -> int | None:
        """The id of the trigger's newest run, which says that it has fired."""
        return _only(self._database.ask(_FIRED, trigger=trigger_id))

    def newest_with(self, pipeline_id: int, block: str) -> int | None:
        """The id of the newest run in which that block completed by running: others may come to use its outputs."""
        return _only(self._database.ask(_HOLDER, pipeline=pipeline_id, block=block))

    def blocks(self, run_ids: Collection[int]) -> set[str]:
        """The blocks that have completed by running in those runs."""
        if not run_ids:
            return set()
        with self._database.read() as connection:
            return {block for (block,) in Script(connection).ask(*_BLOCKS.of(run_ids)).rows}

    def remove(self, those: Sequence[Ended], *, dry: bool = False) -> Removed:
        """Those of the runs that are as they were seen and that nothing needs go, with all that is kept of them.

        A `dry` one says what would go, as in all that follow.
        """
        with self._acting(dry=dry) as connection:
            free = removals.free(connection, those, lock=not dry)
            places = [(run.pipeline_id, f"{kind}/{run.uid}") for run in free for kind in KINDS]
            if dry:
                return Removed(free, removals.count(connection, free), places)
            _leave(connection, places)
            return Removed(free, removals.delete(connection, free), places)

    def forget(self, run_id: int) -> Sequence[Remains] | None:
        """As `remove`, of one run that somebody wants gone: what is to be taken away. None when it is not free.

        RunNotFound if there is none.
        """
        with self._database.write(Row(runs, run_id)) as connection:
            found = connection.execute(sa.select(*_SEEN).where(runs.c.id == run_id)).mappings().first()
            if found is None:
                raise errors.RunNotFound(run=run_id)
            free = removals.free(connection, [_ended(found)], lock=True)
            if not free:
                return None
            places = [(run.pipeline_id, f"{kind}/{run.uid}") for run in free for kind in KINDS]
            left = connection.execute(sa.insert(remains).returning(remains), _rows(places)).mappings().all()
            removals.delete(connection, free)
            return [Remains(**row) for row in left]

    def clear_outputs(self, those: Sequence[Ended], at: datetime, *, dry: bool = False) -> Removed:
        """As `remove`, but only what the runs have returned goes; that it was there, and when it was cleaned, stays."""
        with self._acting(dry=dry) as connection:
            free = removals.free(connection, those, lock=not dry)
            places = removals.kept_places(connection, free)
            if dry:
                return Removed(free, Rows(outputs=removals.count(connection, free)["outputs"]), places)
            _leave(connection, places)
            return Removed(free, Rows(outputs=removals.clear_outputs(connection, free, at)), places)

    def clear_logs(self, those: Sequence[Ended], at: datetime, *, dry: bool = False) -> Removed:
        """As `remove`, but only the logs of the runs go, those of their attempts so far; nobody needs them."""
        with self._acting(dry=dry) as connection:
            same = removals.same(connection, those, lock=not dry)
            places = removals.log_places(connection, same)
            if not dry:
                _leave(connection, places)
                removals.note_logs_cleared(connection, same, at)
            return Removed(same, places=places)

    def remains(self, after: int, limit: int) -> list[Remains]:
        """What is to be taken away, in the order in which it was written down, from the id `after` on."""
        return [Remains(**row) for row in self._database.ask(_REMAINS, after=after, most=limit)]

    def settle(self, ids: Collection[int]) -> None:
        """The remains of those ids are there no more."""
        if ids:
            with self._database.write() as connection:
                connection.execute(sa.delete(remains).where(remains.c.id.in_(ids)))

    def named(self, uids: Collection[str]) -> dict[str, set[str]]:
        """For each of those runs, by uid, that is final: the uids of the attempts whose outputs stand for something."""
        kept = sa.and_(outputs.c.attempt_id == attempts.c.id, outputs.c.codec != CLEANED)
        query = sa.select(runs.c.uid, attempts.c.uid.label("attempt")).select_from(
            runs.outerjoin(block_runs, block_runs.c.run_id == runs.c.id)
            .outerjoin(attempts, attempts.c.block_run_id == block_runs.c.id)
            .outerjoin(outputs, kept)
        )
        query = query.add_columns(outputs.c.id.label("output")).where(runs.c.uid.in_(uids), removals.FINAL)
        found: dict[str, set[str]] = {}
        with self._database.read() as connection:
            for uid, attempt, output in connection.execute(query):
                found.setdefault(uid, set()).update([attempt] if output is not None else [])
        return found

    def laid_out(self, hashes: Collection[str]) -> set[str]:
        """Those of the hashes that are of snapshots."""
        query = sa.select(snapshots.c.hash).where(snapshots.c.hash.in_(hashes))
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def drop_snapshots(self, before: datetime, limit: int, *, dry: bool = False) -> list[str]:
        """Snapshots that no run has, last pinned before then, but for the latest of each project: their hashes."""
        return self._drop_code(snapshots, snapshots.c.project_id, runs.c.snapshot_id, before, limit, dry=dry)

    def drop_versions(self, before: datetime, limit: int, *, dry: bool = False) -> int:
        """As `drop_snapshots`, of versions and pipelines: how many."""
        return len(self._drop_code(versions, versions.c.pipeline_id, runs.c.version_id, before, limit, dry=dry))

    def drop_occurrences(self, before: datetime, limit: int, *, dry: bool = False) -> int:
        """Those handled before then, but for files of a rule that is there: it is to tell of each of them once."""
        old = sa.and_(occurrences.c.handled_at.is_not(None), occurrences.c.handled_at < before)
        guards = sa.and_(occurrences.c.kind == RuleKind.FILE, occurrences.c.rule_id.is_not(None))
        return self._drop(occurrences, sa.and_(old, ~guards), limit, dry=dry)

    def drop_gaps(self, before: datetime, limit: int, *, dry: bool = False) -> int:
        """Those noticed before then, but for the latest of each trigger, which the next may extend: how many."""
        later = gaps.alias()
        newer = sa.select(later.c.id).where(later.c.trigger_id == gaps.c.trigger_id, later.c.id > gaps.c.id).exists()
        return self._drop(gaps, sa.and_(gaps.c.noticed_at < before, newer), limit, dry=dry)

    def drop_tokens(self, before: datetime, limit: int, *, dry: bool = False) -> int:
        """Those that have let nobody in since then, but for one that was revoked and ends by nothing else: how many.

        Whoever starts the server may say that one again, and it is known by its row that it is to let nobody in.
        """
        revoked = sa.and_(
            tokens.c.revoked_at < before, sa.or_(tokens.c.expires_at.is_not(None), tokens.c.user_id.is_not(None))
        )
        return self._drop(tokens, sa.or_(revoked, tokens.c.expires_at < before), limit, dry=dry)

    def names(self, pipeline_ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """The names of the project and of the pipeline, for each of those pipelines."""
        query = sa.select(pipelines.c.id, projects.c.name, pipelines.c.name).select_from(pipelines.join(projects))
        with self._database.read() as connection:
            found = connection.execute(query.where(pipelines.c.id.in_(pipeline_ids)))
            return {pipeline: (project, name) for pipeline, project, name in found}

    def _drop_code(
        self, table: sa.Table, of: sa.Column[int], pinned: sa.Column[int], before: datetime, limit: int, *, dry: bool
    ) -> list[str]:
        """Nothing goes while a run is asked to go on: the request may name what no run has yet.

        Who pins a row has marked it as used, within the day: see `Projects.pin`. The last row of the table stays, for
        its id would be given again.
        """
        later = table.alias()
        newer = sa.select(later.c.id).where(later.c[of.name] == of, later.c.used_at > table.c.used_at).exists()
        has = sa.select(runs.c.id).where(pinned == table.c.id).exists()
        asked = sa.select(runs.c.id).where(runs.c.retry_request.is_not(None)).exists()
        last = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        free = sa.and_(table.c.used_at < before, newer, ~has, ~asked, table.c.id < last)
        some = sa.select(table.c.id, table.c.hash).where(free).order_by(table.c.id).limit(limit)
        with self._acting(dry=dry) as connection:
            found = connection.execute(some).all()
            if dry:
                return [row.hash for row in found]
            these = sa.and_(table.c.id.in_([row.id for row in found]), table.c.used_at < before)  # as it is once locked
            if table is versions:
                locked = list(connection.scalars(sa.select(table.c.id).where(these).with_for_update()))
                connection.execute(sa.delete(lineages).where(lineages.c.version_id.in_(locked)))
                these = table.c.id.in_(locked)
            gone = list(connection.scalars(sa.delete(table).where(these).returning(table.c.hash)))
            _leave(connection, [(None, f"versions/{each}") for each in gone if table is snapshots])
            return gone

    def _drop(self, table: sa.Table, old: sa.ColumnElement[bool], limit: int, *, dry: bool) -> int:
        some = sa.select(table.c.id).where(old).limit(limit)
        with self._acting(dry=dry) as connection:
            if dry:
                return connection.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0
            return connection.execute(sa.delete(table).where(table.c.id.in_(some))).rowcount

    def _acting(self, *, dry: bool = False) -> AbstractContextManager[sa.Connection]:
        return self._database.read() if dry else self._database.write()


_RAW = sa.types.NullType()
_ENDED = sa.type_coerce(runs.c.ended_at, _RAW)  # as the driver has it: one that cannot be decoded has its place too
_SEEN = (
    *(runs.c[name] for name in ("id", "uid", "pipeline_id", "trigger_id", "status", "ended_at")),
    _ENDED.label("place"),
    *(
        sa.or_(column.is_(None), column < runs.c.ended_at).label(name)
        for name, column in (("has_outputs", runs.c.outputs_cleaned_at), ("has_logs", runs.c.logs_cleaned_at))
    ),
)


def _ended(row: Mapping[Any, Any]) -> Ended:
    ended_at = row["ended_at"] if isinstance(row["ended_at"], datetime) else None
    return Ended(
        id=row["id"],
        uid=row["uid"],
        pipeline_id=row["pipeline_id"],
        trigger_id=row["trigger_id"],
        status=RunStatus(row["status"]),
        ended_at=ended_at,
        has_outputs=bool(row["has_outputs"]),
        has_logs=bool(row["has_logs"]),
    )


def _leave(connection: sa.Connection, those: Sequence[Place]) -> None:
    """Writes down that this is to be taken away from the disk."""
    with Script(connection) as script:
        script.say_of_each(_LEAVE, _rows(those))


def _rows(those: Sequence[Place]) -> list[dict[str, Any]]:
    return [{"pipeline_id": pipeline, "path": path} for pipeline, path in those]


def _only(found: list[dict[str, Any]]) -> int | None:
    return found[0]["id"] if found else None


_LEAVE = insertion(remains, "pipeline_id", "path")
_REMAINS = Statement(
    sa.select(remains)
    .where(remains.c.id > sa.bindparam("after", type_=remains.c.id.type))
    .order_by(remains.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)

_PIPELINE = sa.bindparam("pipeline", type_=runs.c.pipeline_id.type)
_NEWEST = sa.select(runs.c.id).where(runs.c.pipeline_id == _PIPELINE).order_by(runs.c.id.desc()).limit(1)
_PLACE = sa.bindparam("place", type_=sa.Integer)
_EDGE = Statement(_NEWEST.where(runs.c.status != RunStatus.FAILED).offset(_PLACE))
_FAILED_EDGE = Statement(_NEWEST.where(runs.c.status == RunStatus.FAILED).offset(_PLACE))
_COMPLETED = Statement(_NEWEST.where(runs.c.status == RunStatus.COMPLETED))
_FIRED = Statement(
    sa.select(runs.c.id)
    .where(runs.c.trigger_id == sa.bindparam("trigger", type_=runs.c.trigger_id.type))
    .order_by(runs.c.id.desc())
    .limit(1)
)
_RAN = sa.and_(block_runs.c.status == BlockStatus.COMPLETED, block_runs.c.reused_from.is_(None))
_HOLDER = Statement(
    _NEWEST.join(block_runs, block_runs.c.run_id == runs.c.id).where(
        block_runs.c.block == sa.bindparam("block", type_=sa.Text), _RAN
    )
)
_BLOCKS = Plural(lambda ids: sa.select(block_runs.c.block).where(block_runs.c.run_id.in_(ids), _RAN).distinct())
