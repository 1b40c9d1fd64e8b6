"""Writes a turn: guarded moves, attempts and outputs, and an event for each move, in the caller's transaction.

Several moves of one row in a turn become one update, from the row before the first to the row after the last. All
rows of a table go to the database in one statement, for a statement costs more than what it does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace import errors
from headrace.model import progress
from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run
from headrace.store.changes import AttemptBegun, AttemptEnded, AttemptStarted, BlockMoved, Change, Profiled, RunMoved
from headrace.store.tables import attempts, block_runs, events, outputs, runs

Columns = dict[str, Any]


def write(connection: sa.Connection, epochs: Mapping[int, int], changes: Sequence[Change]) -> dict[int, datetime]:
    """Writes them all, and says which of the runs somebody has asked to cancel, and when.

    MoveRefused when an epoch is not held any more, a guard matches no row, or a move does not follow from the last.
    """
    cancels = _hold(connection, epochs) if epochs else {}
    moved = [change for change in changes if isinstance(change, RunMoved | BlockMoved)]
    ended = [change for change in changes if isinstance(change, AttemptEnded)]
    _insert(connection, attempts, [_begun(change.attempt) for change in changes if isinstance(change, AttemptBegun)])
    _move_runs(connection, [change for change in moved if isinstance(change, RunMoved)])
    _move_blocks(connection, [change for change in moved if isinstance(change, BlockMoved)])
    _update(connection, "attempts", _STARTED, [_started(each) for each in changes if isinstance(each, AttemptStarted)])
    _update(connection, "attempts", _ENDED, list(map(_ended, ended)))
    _keep_outputs(connection, [change.attempt for change in ended])
    _keep_profiles(connection, [change for change in changes if isinstance(change, Profiled)])
    _insert(connection, events, list(map(_event, moved)))
    return cancels


def _hold(connection: sa.Connection, epochs: Mapping[int, int]) -> dict[int, datetime]:
    """Takes the rows of the runs, so that their epochs stay as they are until this is committed."""
    found = {row.id: row for row in connection.execute(_HELD, {"held": list(epochs)})}
    for run_id, epoch in epochs.items():
        if run_id not in found or found[run_id].epoch != epoch:
            raise errors.MoveRefused(move="the turn", subject=f"run {run_id} at epoch {epoch}")
    return {run_id: row.cancel_requested_at for run_id, row in found.items() if row.cancel_requested_at}


def _move_runs(connection: sa.Connection, moved: Sequence[RunMoved]) -> None:
    """Sets what the moves set and nothing more: a cancel may have been asked since the run was read."""
    sets: dict[int, set[str]] = {}
    folded: dict[int, tuple[Run, Run]] = {}
    for change in moved:
        first, last = folded.get(change.run.id, (change.run, change.run))
        folded[first.id] = first, _follow(progress.run_moved, last, change.move)
        sets.setdefault(first.id, {"status", "reason"}).update(change.move.sets)
    for run_id, (first, last) in folded.items():
        guard = {"at_id": run_id, "at_epoch": first.epoch, "at_status": first.status}
        _update(connection, "runs", tuple(sorted(sets[run_id])), [guard | _to(last, sets[run_id])])


def _move_blocks(connection: sa.Connection, moved: Sequence[BlockMoved]) -> None:
    folded: dict[int, tuple[BlockRun, BlockRun]] = {}
    for change in moved:
        first, last = folded.get(change.row.id, (change.row, change.row))
        folded[first.id] = first, _follow(progress.moved, last, change.move)
    many = [
        {"at_id": first.id, "at_attempt": first.attempt, "at_status": first.status} | _to(last, _MOVED)
        for first, last in folded.values()
    ]
    _update(connection, "block_runs", _MOVED, many)


def _follow(moved: Any, row: Any, move: Any) -> Any:
    try:
        return moved(row, move)
    except ValueError as error:
        raise errors.MoveRefused(move=move.name, subject=str(error)) from error


def _to(row: Any, names: Iterable[str]) -> Columns:
    return {f"to_{name}": getattr(row, name) for name in names}


_HELD = (
    sa.select(runs.c.id, runs.c.epoch, runs.c.cancel_requested_at)
    .where(runs.c.id.in_(sa.bindparam("held", expanding=True)))
    .with_for_update()
)
_MOVED = ("status", "reason", "attempt", "failures", "retry_at", "started_at", "ended_at", "reused_from")
_STARTED = ("status", "reason", "started_at")
_ENDED = (
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
)
_GUARDS = {
    "runs": (runs, ("id", "epoch", "status")),
    "block_runs": (block_runs, ("id", "attempt", "status")),
    "attempts": (attempts, ("uid", "epoch", "status")),
}


@cache
def _guarded(table_name: str, sets: tuple[str, ...]) -> sa.Update:
    table, guards = _GUARDS[table_name]
    matches = [table.c[name] == sa.bindparam(f"at_{name}", type_=table.c[name].type) for name in guards]
    return (
        sa.update(table)
        .where(*matches)
        .values({name: sa.bindparam(f"to_{name}", type_=table.c[name].type) for name in sets})
    )


def _update(connection: sa.Connection, table: str, sets: tuple[str, ...], many: Sequence[Columns]) -> None:
    """Each of them lands on its one row, or none does."""
    if many and connection.execute(_guarded(table, sets), many).rowcount != len(many):
        keys = [each.get("at_id") or each.get("at_uid") for each in many]
        raise errors.MoveRefused(move=f"to {many[0]['to_status']}", subject=f"{table} {keys}")


def _insert(connection: sa.Connection, table: sa.Table, many: Sequence[Columns]) -> None:
    if many:
        connection.execute(_insertion(table), many)


@cache
def _insertion(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


def _begun(attempt: Attempt) -> Columns:
    return {
        "uid": attempt.uid,
        "block_run_id": attempt.block_run_id,
        "number": attempt.number,
        "epoch": attempt.epoch,
        "status": attempt.status,
        "reason": attempt.reason,
        "started_at": attempt.started_at,
        "single": attempt.single,
        "rows_in": attempt.rows_in,
        "log_lines": 0,
    }


def _started(change: AttemptStarted) -> Columns:
    return _at(change.attempt, BlockStatus.QUEUED) | _to(change.attempt, _STARTED)


def _ended(change: AttemptEnded) -> Columns:
    tests = {"to_tests": msgspec.to_builtins(change.attempt.tests) or None}
    return _at(change.attempt, change.was) | _to(change.attempt, _ENDED) | tests


def _at(attempt: Attempt, status: BlockStatus) -> Columns:
    return {"at_uid": attempt.uid, "at_epoch": attempt.epoch, "at_status": status}


_OUTPUT = tuple(Output.__dataclass_fields__)
_OUTPUTS = sa.insert(outputs).values(
    attempt_id=sa.select(attempts.c.id).where(attempts.c.uid == sa.bindparam("of_attempt")).scalar_subquery(),
    place=sa.bindparam("place"),
    **{name: sa.bindparam(name, type_=outputs.c[name].type) for name in _OUTPUT},
)
_PROFILES = (
    sa.update(outputs)
    .where(
        outputs.c.path == sa.bindparam("of_path"),
        outputs.c.attempt_id
        == sa.select(attempts.c.id).where(attempts.c.uid == sa.bindparam("of_attempt")).scalar_subquery(),
    )
    .values(
        profile=sa.bindparam("to_profile", type_=outputs.c.profile.type),
        hash=sa.bindparam("to_hash", type_=outputs.c.hash.type),
    )
)


def _keep_outputs(connection: sa.Connection, ended: Iterable[Attempt]) -> None:
    many = [
        {"of_attempt": attempt.uid, "place": place, **{name: getattr(each, name) for name in _OUTPUT}}
        for attempt in ended
        for place, each in enumerate(attempt.outputs)
    ]
    if many:
        connection.execute(_OUTPUTS, many)


def _keep_profiles(connection: sa.Connection, profiled: Iterable[Profiled]) -> None:
    many = [
        {"of_attempt": change.attempt, "of_path": each.path, "to_profile": each.profile, "to_hash": each.hash}
        for change in profiled
        for each in change.outputs
    ]
    if many:
        connection.execute(_PROFILES, many)


def _event(change: RunMoved | BlockMoved) -> Columns:
    move = change.move
    if isinstance(change, RunMoved):
        key: Columns = {"run_id": change.run.id, "block": None, "attempt": None, "kind": f"run.{move.name}"}
    else:
        attempt = move.sets.get("attempt", change.row.attempt)
        row = change.row
        key = {"run_id": row.run_id, "block": row.block, "attempt": attempt, "kind": f"block.{move.name}"}
    return {**key, "at": move.at, "status": move.to, "reason": move.reason}
