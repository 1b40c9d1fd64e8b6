"""Rows become values of the model, and values become the columns of rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.output import Output
from headrace.model.pipeline import Pipeline
from headrace.model.run import (
    Attempt,
    BlockRun,
    BlockStatus,
    Event,
    Failure,
    Occasion,
    Reopening,
    Run,
    RunSettings,
    RunStatus,
    TestResult,
)
from headrace.store import tables
from headrace.store.columns import Undecoded
from headrace.store.script import insertion

RUN = [tables.runs.c[name] for name in Run.__dataclass_fields__]
BLOCK_RUN = [tables.block_runs.c[name] for name in BlockRun.__dataclass_fields__]
ATTEMPT = [tables.attempts.c[name] for name in Attempt.__dataclass_fields__ if name != "outputs"]
EVENT = [tables.events.c[name] for name in Event.__dataclass_fields__]

Columns = Mapping[Any, Any]
T = TypeVar("T")
LONG_AGO = datetime.min.replace(tzinfo=UTC)
_OBJECTS: Mapping[str, Any] = {"variables": {}, "selection": {}, "event_variables": None}  # and what stands for none
_RECORDS: Mapping[str, Any] = {"settings": RunSettings, "occasion": Occasion}


def run(columns: Columns) -> Run:
    given = _fields(Run, columns)
    given["status"] = RunStatus(columns["status"])
    row = f"run {columns['id']}"
    for name, nothing in _OBJECTS.items():
        if not isinstance(given[name], dict) and given[name] is not nothing:
            raise errors.RowUnreadable(row=row, why=f"its {name} is no object")
    given |= {name: convert(columns[name], kind, row) for name, kind in _RECORDS.items()}
    return Run(**given)


def bare_run(columns: Columns) -> Run:
    """A run of which something cannot be decoded, as far as a list needs it: with nothing in its place."""
    objects = {name: columns[name] if isinstance(columns[name], dict) else none for name, none in _OBJECTS.items()}
    records = {name: _legible(columns[name], kind) for name, kind in _RECORDS.items()}
    return run({**columns, **_legible_moments(columns), **objects, **records})


def bare_block_run(columns: Columns) -> BlockRun:
    """A block run of which something cannot be decoded, as far as a list needs it."""
    return block_run({**columns, **_legible_moments(columns)})


def _legible(document: Any, kind: Any) -> Any:
    try:
        convert(document, kind, "document")
    except errors.RowUnreadable:
        return {}
    return document


def _legible_moments(columns: Columns) -> dict[str, datetime]:
    """In place of those that are none."""
    return {name: LONG_AGO for name, value in columns.items() if isinstance(value, Undecoded)}


def block_run(columns: Columns) -> BlockRun:
    given = _fields(BlockRun, columns)
    given["status"] = BlockStatus(columns["status"])
    return BlockRun(**given)


def attempt(columns: Columns, outputs: Sequence[Output]) -> Attempt:
    given = _fields(Attempt, columns)
    given["status"] = BlockStatus(columns["status"])
    row = f"attempt {columns['uid']}"
    given["failure"] = convert(columns["failure"], Failure, row) if columns["failure"] else None
    given["tests"] = convert(columns["tests"] or [], tuple[TestResult, ...], row)
    given["outputs"] = tuple(outputs)
    return Attempt(**given)


def output(columns: Columns) -> Output:
    given = _fields(Output, columns)
    given["schema"] = None if columns["schema"] is None else tuple(columns["schema"])
    return Output(**given)


def event(columns: Columns) -> Event:
    return Event(**_fields(Event, columns))


def pipeline(version_id: int, content: Any) -> Pipeline:
    return convert(content, Pipeline, f"version {version_id}")


def reopening(run_id: int, request: Any) -> Reopening:
    return convert(request, Reopening, f"retry request of run {run_id}")


def new_block(run: str, block: str, reused_from: int | None = None, *, at: datetime) -> dict[str, Any]:
    """For `NEW_BLOCK`: a block run of the run of that uid, `initial`, or `completed` when it reuses another's outputs."""
    reused = reused_from is not None
    return {
        "of_run": run,
        "uid": identity.new(),
        "block": block,
        "status": BlockStatus.COMPLETED if reused else BlockStatus.INITIAL,
        "reason": "reused" if reused else "created",
        "attempt": 0,
        "failures": 0,
        "ended_at": at if reused else None,
        "reused_from": reused_from,
    }


_OF_RUN = sa.select(tables.runs.c.id).where(tables.runs.c.uid == sa.bindparam("of_run")).scalar_subquery()
_BLOCK = ("uid", "block", "status", "reason", "attempt", "failures", "ended_at", "reused_from")
NEW_BLOCK = insertion(tables.block_runs, *_BLOCK, run_id=_OF_RUN)
NEW_EVENT = insertion(tables.events, "block", "attempt", "at", "kind", "status", "reason", run_id=_OF_RUN)


def _fields(kind: Any, columns: Columns) -> dict[str, Any]:
    found = {name: columns[name] for name in kind.__dataclass_fields__ if name in columns}
    if Undecoded in map(type, found.values()):
        name, value = next((name, each) for name, each in found.items() if isinstance(each, Undecoded))
        raise errors.RowUnreadable(
            row=f"{kind.__name__} {columns.get('id')}", why=f"its {name} is no {name}: {value.why}"
        )
    return found


def convert(document: Any, kind: type[T], row: str) -> T:
    """The document as a value of that kind; RowUnreadable when it is none."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        why = document.why if isinstance(document, Undecoded) else error
        raise errors.RowUnreadable(row=row, why=why) from error
