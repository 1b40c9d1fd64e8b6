"""Removals: what the tables have of runs is looked at under lock, and deleted, some runs at a time."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace.model.output import CLEANED
from headrace.model.retention import Ended
from headrace.store.script import Plural, Script
from headrace.store.tables import attempts, backfills, block_runs, events, keys, outputs, run_datasets, runs

Rows = Counter[str]  # how many, by the name of their table
Place = tuple[
    int | None, str
]  # a path relative to the home, after the id of the pipeline that it is of, if it is of one

FINAL = runs.c.ended_at.is_not(None)


def free(connection: sa.Connection, those: Sequence[Ended], *, lock: bool) -> list[Ended]:
    """Those of the runs that are as they were seen, and that nothing needs; with `lock` they stay so until the commit."""
    if not those:
        return []
    asking, ids = (_FREE_LOCKED if lock else _FREE).of([run.id for run in those])
    found = {run_id: (status, ended_at) for run_id, status, ended_at in Script(connection).ask(asking, ids).rows}
    return [run for run in those if found.get(run.id) == (run.status, run.ended_at)]


def same(connection: sa.Connection, those: Sequence[Ended], *, lock: bool) -> list[Ended]:
    """As `free`, of the runs that are as they were seen, whoever needs them."""
    asking = sa.select(runs.c.id, runs.c.ended_at).where(runs.c.id.in_(_ids(those)), FINAL).order_by(runs.c.id)
    asking = asking.with_for_update(skip_locked=True) if lock else asking
    found = {row.id: row.ended_at for row in connection.execute(asking)}
    return [run for run in those if found.get(run.id) == run.ended_at]


def delete(connection: sa.Connection, those: Collection[Ended]) -> Rows:
    """All that the tables have of the runs goes: how many rows of each."""
    if not those:
        return Rows()
    with Script(connection) as script:
        told = {table: script.say(*deletion.of(_ids(those))) for table, deletion in _DELETIONS.items()}
    return Rows({table: answer.count for table, answer in told.items()})


def count(connection: sa.Connection, those: Collection[Ended]) -> Rows:
    """What `delete` would delete."""
    if not those:
        return Rows()
    with Script(connection) as script:
        told = {table: script.say(*counting.of(_ids(those))) for table, counting in _COUNTS.items()}
    return Rows({table: answer.rows[0][0] for table, answer in told.items()})


def clear_outputs(connection: sa.Connection, those: Collection[Ended], at: datetime) -> int:
    """Nothing but the rows is left of what the runs have returned: how many there were."""
    gone = {"codec": CLEANED, "extra": {"cleaned_at": at.isoformat()}, "profile": None}
    of_them = outputs.c.attempt_id.in_(_attempts_of(_ids(those)))
    cleared = connection.execute(sa.update(outputs).where(of_them, outputs.c.codec != CLEANED).values(gone))
    connection.execute(sa.update(runs).where(runs.c.id.in_(_ids(those))).values(outputs_cleaned_at=at))
    return cleared.rowcount


def note_logs_cleared(connection: sa.Connection, those: Collection[Ended], at: datetime) -> None:
    """What the attempts of the runs have written until now is to go."""
    connection.execute(sa.update(runs).where(runs.c.id.in_(_ids(those))).values(logs_cleaned_at=at))


def kept_places(connection: sa.Connection, those: Collection[Ended]) -> list[Place]:
    """Where the outputs lie that have not been cleared."""
    kept = sa.and_(outputs.c.attempt_id == attempts.c.id, outputs.c.codec != CLEANED)
    found = connection.execute(_tries(those).where(sa.select(outputs.c.id).where(kept).exists()))
    return [(pipeline, f"outputs/{run}/{attempt}") for pipeline, run, attempt in found]


def log_places(connection: sa.Connection, those: Collection[Ended]) -> list[Place]:
    """Where the logs of the attempts so far lie."""
    found = connection.execute(_tries(those))
    return [(pipeline, f"logs/{run}/{attempt}.jsonl") for pipeline, run, attempt in found]


def _ids(those: Iterable[Ended]) -> list[int]:
    return [run.id for run in those]


def _tries(those: Iterable[Ended]) -> sa.Select[Any, Any, Any]:
    """The attempts of the runs: the pipeline's id, the run's uid and the attempt's."""
    found = runs.join(block_runs, block_runs.c.run_id == runs.c.id).join(attempts)
    query = sa.select(runs.c.pipeline_id, runs.c.uid, attempts.c.uid).select_from(found)
    return query.where(runs.c.id.in_(_ids(those)))


def _attempts_of(ids: Iterable[Any]) -> sa.Select[int]:
    return sa.select(attempts.c.id).join(block_runs).where(block_runs.c.run_id.in_(ids))


def _block_runs_of(ids: Iterable[Any]) -> sa.Select[int]:
    return sa.select(block_runs.c.id).where(block_runs.c.run_id.in_(ids))


def _uids_of(ids: Iterable[Any]) -> sa.Select[str]:
    return sa.select(runs.c.uid).where(runs.c.id.in_(ids))


# What the tables have of runs, in an order in which nothing names what has gone before it.
_OF_RUNS: dict[sa.Table, Callable[[Iterable[Any]], sa.ColumnElement[bool]]] = {
    outputs: lambda ids: outputs.c.attempt_id.in_(_attempts_of(ids)),
    attempts: lambda ids: attempts.c.block_run_id.in_(_block_runs_of(ids)),
    block_runs: lambda ids: block_runs.c.run_id.in_(ids),
    events: lambda ids: events.c.run_id.in_(ids),
    run_datasets: lambda ids: run_datasets.c.run_id.in_(ids),
    keys: lambda ids: keys.c.run_uid.in_(_uids_of(ids)),
    runs: lambda ids: runs.c.id.in_(ids),
}


def _deleting(table: sa.Table) -> Plural:
    return Plural(lambda ids: sa.delete(table).where(_OF_RUNS[table](ids)))


def _counting(table: sa.Table) -> Plural:
    return Plural(lambda ids: sa.select(sa.func.count()).select_from(table).where(_OF_RUNS[table](ids)))


_DELETIONS = {table.name: _deleting(table) for table in _OF_RUNS}
_COUNTS = {table.name: _counting(table) for table in _OF_RUNS}

_SOURCE, _USER = block_runs.alias("source"), block_runs.alias("used")
_USED = (  # by another run, which goes before it does
    sa.select(_SOURCE.c.id)
    .join(_USER, _USER.c.reused_from == _SOURCE.c.id)
    .where(_SOURCE.c.run_id == runs.c.id, _USER.c.run_id != runs.c.id)
    .exists()
)
_FILLED = (  # for a backfill that goes on, which looks at what its runs have come to
    sa.select(backfills.c.id)
    .where(backfills.c.id == runs.c.backfill_id, sa.text("backfills.status IN ('running', 'paused')"))
    .exists()
)


def _freedom(ids: Iterable[Any]) -> sa.Select[Any, Any, Any]:
    unneeded = sa.and_(FINAL, runs.c.retry_request.is_(None), ~_USED, ~_FILLED)
    return sa.select(runs.c.id, runs.c.status, runs.c.ended_at).where(runs.c.id.in_(ids), unneeded).order_by(runs.c.id)


_FREE = Plural(_freedom)
_FREE_LOCKED = Plural(lambda ids: _freedom(ids).with_for_update(skip_locked=True, of=runs))
