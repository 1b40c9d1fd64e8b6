"""Writes a turn: guarded moves, attempts and outputs, and an event for each move, in the caller's transaction.

Several moves of one row in a turn become one update, from the row before the first to the row after the last. All
rows of a table go to the database in one statement, for a statement costs more than what it does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace import errors
from headrace.model.dataset import Operation
from headrace.model.output import Output
from headrace.model.run import FINAL_RUN, Attempt, BlockRun, BlockStatus
from headrace.model.transitions import BlockMove, RunMove
from headrace.store import bookmarks, ends, written
from headrace.store.bookmarks import Bookmark
from headrace.store.changes import (
    AttemptBegun,
    AttemptCommits,
    AttemptDelayed,
    AttemptEnded,
    AttemptStarted,
    AttemptWaits,
    BlockMoved,
    Change,
    Profiled,
    RunMoved,
)
from headrace.store.script import Answer, Plural, Script, Statement, insertion
from headrace.store.tables import attempts, block_runs, events, outputs, runs
from headrace.store.written import Written

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Landed:
    """What writing a turn has brought to light."""

    cancels: dict[int, datetime]  # the runs that somebody has asked to cancel, and when
    heard: bool  # whether some trigger listens for the end of one of the runs, or for a version that was recorded


def write(connection: sa.Connection, epochs: Mapping[int, int], changes: Sequence[Change]) -> Landed:
    """Writes them all.

    MoveRefused when an epoch is not held any more, a guard matches no row, or a move does not follow from the last.
    """
    held, writing = _Held(epochs), _Writing(Script(connection))
    try:
        with writing.script as script:
            held.take(script)
            writing.write(changes)
    except Exception:
        held.check()  # of what is not held any more, nothing else needs to be said
        raise
    held.check()
    writing.check()
    return Landed(held.cancels(), writing.heard())


class _Held:
    """The rows of the runs that a turn is about. Once taken, their epochs stay as they are until the commit."""

    def __init__(self, epochs: Mapping[int, int]) -> None:
        self._epochs = epochs
        self._answer: Answer | None = None
        self._found: dict[int, tuple[int, datetime | None]] = {}

    def take(self, script: Script) -> None:
        if self._epochs:
            self._answer = script.say(*_HOLDING.of(self._epochs))

    def check(self) -> None:
        """MoveRefused for a run that is not at its epoch any more."""
        if self._answer and self._answer.came:
            self._found = {run_id: (epoch, asked) for run_id, epoch, asked in self._answer.rows}
            for run_id, epoch in self._epochs.items():
                if run_id not in self._found or self._found[run_id][0] != epoch:
                    raise errors.MoveRefused(move="the turn", subject=f"run {run_id} at epoch {epoch}")

    def cancels(self) -> dict[int, datetime]:
        return {run_id: asked for run_id, (_, asked) in self._found.items() if asked}


_HOLDING = Plural(
    lambda ids: (
        sa.select(runs.c.id, runs.c.epoch, runs.c.cancel_requested_at)
        .where(runs.c.id.in_(ids))
        .order_by(runs.c.id)
        .with_for_update()
    )
)


class _Writing:
    """What a turn changes, said to the database, and the updates of which every one must land."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._guarded: list[tuple[Answer, str, list[Columns]]] = []
        self._ends: Answer | None = None
        self._versions: written.Record | None = None

    def write(self, changes: Sequence[Change]) -> None:
        of: dict[type, list[Any]] = {}
        for change in changes:
            of.setdefault(type(change), []).append(change)
        ended, commits = of.get(AttemptEnded, []), of.get(AttemptCommits, [])
        self._say(_ATTEMPTS, [_begun(change.attempt) for change in of.get(AttemptBegun, ())])
        self._move_runs(of.get(RunMoved, ()))
        self._move_blocks(of.get(BlockMoved, ()))
        self._update("attempts", _STARTED, [_started(change) for change in of.get(AttemptStarted, ())])
        self._update("attempts", _WAITS, [_waits(change) for change in of.get(AttemptWaits, ())])
        self._update("attempts", _DELAYED, [_delayed(change) for change in of.get(AttemptDelayed, ())])
        self._update("attempts", _REPORTED, [_reported(change) for change in (*ended, *commits)])
        self._keep_outputs(ended, commits)
        self._say(_PROFILES, [columns for change in of.get(Profiled, ()) for columns in _profiled(change)])
        self._say(_EVENTS, [_event(change) for change in changes if isinstance(change, RunMoved | BlockMoved)])
        self._ends = self._say(ends.NOTE, [_end(each) for each in of.get(RunMoved, ()) if each.move.to in FINAL_RUN])
        if versions := of.get(Written):
            self._versions = written.Record(self.script, versions)
        if moved := of.get(Bookmark):
            self._move_bookmarks(moved, of.get(Written, ()))

    def _move_bookmarks(self, moved: list[Bookmark], versions: Sequence[Written]) -> None:
        loads = {each.attempt for each in moved}
        replaced = [each for each in versions if each.operation == Operation.REPLACE and each.attempt in loads]
        if replaced:
            bookmarks.forget(self.script, [each.dataset for each in replaced])
        bookmarks.move(self.script, moved)

    def _keep_outputs(self, ended: Sequence[AttemptEnded], commits: Sequence[AttemptCommits]) -> None:
        """Those of attempts that commit are written down before: then only what came of the commit is added, or,
        where nothing came of it, they go."""
        new, settled = [change.attempt for change in commits], list[Attempt]()
        for change in ended:
            (settled if change.was is BlockStatus.COMMITTING else new).append(change.attempt)
        self._say(_OUTPUTS, [columns for attempt in new for columns in _kept(attempt)])
        self._say(_EXTRAS, [columns for attempt in settled for columns in _extras(attempt)])
        self._say(_DROPS, [{"of_attempt": attempt.uid} for attempt in settled if not attempt.outputs])

    def check(self) -> None:
        """Each update landed on its one row, or the turn is refused."""
        for answer, table, many in self._guarded:
            if answer.count != len(many):
                keys = [each.get("at_id") or each.get("at_uid") for each in many]
                raise errors.MoveRefused(move=f"to {many[0]['to_status']}", subject=f"{table} {keys}")
        if self._versions:
            self._versions.check()

    def heard(self) -> bool:
        """Whether some trigger listens for the end of one of the runs, or for a version that was recorded."""
        ends = self._ends is not None and self._ends.count > 0
        return ends or (self._versions is not None and self._versions.heard())

    def _move_runs(self, moved: Iterable[RunMoved]) -> None:
        """Sets what the moves set and nothing more: a cancel may have been asked since the run was read."""
        folded: dict[int, Columns] = {}
        for change in moved:
            run, move = change.run, change.move
            columns = folded.setdefault(run.id, {"at_id": run.id, "at_epoch": run.epoch, "at_status": run.status})
            status = columns.get("to_status", run.status)
            if status not in move.start:
                raise errors.MoveRefused(move=move.name, subject=f"run {run.id}, which is {status}")
            _fold(columns, move)
        alike: dict[tuple[str, ...], list[Columns]] = {}
        for columns in folded.values():
            names = tuple(sorted(name.removeprefix("to_") for name in columns if name.startswith("to_")))
            alike.setdefault(names, []).append(columns)
        for names, many in alike.items():
            self._update("runs", names, many)

    def _move_blocks(self, moved: Iterable[BlockMoved]) -> None:
        folded: dict[int, Columns] = {}
        for change in moved:
            row, move = change.row, change.move
            columns = folded.get(row.id) or folded.setdefault(row.id, _from(row))
            status, attempt = columns["to_status"], columns["to_attempt"]
            if status not in move.start or attempt != move.attempt:
                subject = f"{row.block}, which is {status} at attempt {attempt}"
                raise errors.MoveRefused(move=f"{move.name} of {move.attempt}", subject=subject)
            _fold(columns, move)
        reopened = [columns for columns in folded.values() if "to_reused_from" in columns]
        self._update("block_runs", (*_MOVED, "reused_from"), reopened)
        self._update("block_runs", _MOVED, [columns for columns in folded.values() if "to_reused_from" not in columns])

    def _update(self, table: str, sets: tuple[str, ...], many: list[Columns]) -> None:
        if answer := self._say(_guarded(table, sets), many):
            self._guarded.append((answer, table, many))

    def _say(self, statement: Statement, many: list[Columns]) -> Answer | None:
        return self.script.say_of_each(statement, many) if many else None


def _from(row: BlockRun) -> Columns:
    return {"at_id": row.id, "at_attempt": row.attempt, "at_status": row.status, **_to(row, _MOVED)}


def _fold(columns: Columns, move: RunMove | BlockMove) -> None:
    """What the row is to be once the move has landed, too."""
    columns["to_status"], columns["to_reason"] = move.to, move.reason
    for name, value in move.sets.items():
        columns[f"to_{name}"] = value


def _to(row: Any, names: Iterable[str]) -> Columns:
    return {f"to_{name}": getattr(row, name) for name in names}


_MOVED = ("status", "reason", "attempt", "failures", "retry_at", "started_at", "ended_at")
_STARTED = ("status", "reason", "started_at")
_WAITS = ("status", "waiting")
_DELAYED = ("status", "failure")
_REPORTED = (
    "status",
    "reason",
    "started_at",
    "ended_at",
    "single",
    "failure",
    "tests",
    "seconds",
    "cpu_seconds",
    "peak_bytes",
    "log_lines",
    "waiting",
)
_GUARDS = {
    "runs": (runs, ("id", "epoch", "status")),
    "block_runs": (block_runs, ("id", "attempt", "status")),
    "attempts": (attempts, ("uid", "epoch", "status")),
}


@cache
def _guarded(table_name: str, sets: tuple[str, ...]) -> Statement:
    table, guards = _GUARDS[table_name]
    matches = [table.c[name] == sa.bindparam(f"at_{name}", type_=table.c[name].type) for name in guards]
    values = {name: sa.bindparam(f"to_{name}", type_=table.c[name].type) for name in sets}
    return Statement(sa.update(table).where(*matches).values(values))


_BEGUN = ("uid", "block_run_id", "number", "epoch", "status", "reason", "started_at", "single", "rows_in")
_ATTEMPTS = insertion(attempts, *_BEGUN, "log_lines")
_EVENTS = insertion(events, "run_id", "block", "attempt", "at", "kind", "status", "reason")
_OUTPUT = tuple(Output.__dataclass_fields__)
_OF_ATTEMPT = sa.select(attempts.c.id).where(attempts.c.uid == sa.bindparam("of_attempt")).scalar_subquery()
_OUTPUTS = insertion(outputs, "place", *_OUTPUT, attempt_id=_OF_ATTEMPT)
_THIS_OUTPUT = (outputs.c.path == sa.bindparam("of_path"), outputs.c.attempt_id == _OF_ATTEMPT)
_EXTRAS = Statement(
    sa.update(outputs).where(*_THIS_OUTPUT).values(extra=sa.bindparam("to_extra", type_=outputs.c.extra.type))
)
_DROPS = Statement(sa.delete(outputs).where(outputs.c.attempt_id == _OF_ATTEMPT))
_PROFILES = Statement(
    sa.update(outputs)
    .where(*_THIS_OUTPUT)
    .values({name: sa.bindparam(f"to_{name}", type_=outputs.c[name].type) for name in ("profile", "hash")})
)


def _begun(attempt: Attempt) -> Columns:
    return {name: getattr(attempt, name) for name in _BEGUN} | {"log_lines": 0}


def _started(change: AttemptStarted) -> Columns:
    return _at(change.attempt, BlockStatus.QUEUED) | _to(change.attempt, _STARTED)


def _waits(change: AttemptWaits) -> Columns:
    return _at(change.attempt, BlockStatus.RUNNING) | _to(change.attempt, _WAITS)


def _delayed(change: AttemptDelayed) -> Columns:
    return _at(change.attempt, BlockStatus.COMMITTING) | _to(change.attempt, _DELAYED)


def _reported(change: AttemptEnded | AttemptCommits) -> Columns:
    was = change.was if isinstance(change, AttemptEnded) else BlockStatus.RUNNING
    tests = {"to_tests": msgspec.to_builtins(change.attempt.tests) or None}
    return _at(change.attempt, was) | _to(change.attempt, _REPORTED) | tests


def _at(attempt: Attempt, status: BlockStatus) -> Columns:
    return {"at_uid": attempt.uid, "at_epoch": attempt.epoch, "at_status": status}


def _kept(attempt: Attempt) -> Iterator[Columns]:
    for place, each in enumerate(attempt.outputs):
        yield {"of_attempt": attempt.uid, "place": place} | {name: getattr(each, name) for name in _OUTPUT}


def _extras(attempt: Attempt) -> Iterator[Columns]:
    for each in attempt.outputs:
        yield {"of_attempt": attempt.uid, "of_path": each.path, "to_extra": each.extra}


def _profiled(change: Profiled) -> Iterator[Columns]:
    for each in change.outputs:
        found = {"to_profile": each.profile, "to_hash": each.hash}
        yield {"of_attempt": change.attempt, "of_path": each.path} | found


def _end(change: RunMoved) -> Columns:
    run, move = change.run, change.move
    return ends.of(
        run_id=run.id,
        run_uid=run.uid,
        pipeline_id=run.pipeline_id,
        execution_date=run.execution_date,
        status=move.to.value,
        reason=move.reason,
        at=move.at,
    )


def _event(change: RunMoved | BlockMoved) -> Columns:
    move = change.move
    if isinstance(change, RunMoved):
        key: Columns = {"run_id": change.run.id, "block": None, "attempt": None, "kind": f"run.{move.name}"}
    else:
        attempt = move.sets.get("attempt", change.row.attempt)
        row = change.row
        key = {"run_id": row.run_id, "block": row.block, "attempt": attempt, "kind": f"block.{move.name}"}
    return {**key, "at": move.at, "status": move.to, "reason": move.reason}
