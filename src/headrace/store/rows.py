"""Rows become values of the model, and values become the columns of rows."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Event, Failure, Run, RunStatus, TestResult
from headrace.store import tables

RUN = [tables.runs.c[name] for name in Run.__dataclass_fields__]
BLOCK_RUN = [tables.block_runs.c[name] for name in BlockRun.__dataclass_fields__]
ATTEMPT = [tables.attempts.c[name] for name in Attempt.__dataclass_fields__ if name != "outputs"]
EVENT = [tables.events.c[name] for name in Event.__dataclass_fields__]

Columns = Mapping[Any, Any]


def run(columns: Columns) -> Run:
    given = _fields(Run, columns)
    given["status"] = RunStatus(columns["status"])
    return Run(**given)


def block_run(columns: Columns) -> BlockRun:
    given = _fields(BlockRun, columns)
    given["status"] = BlockStatus(columns["status"])
    return BlockRun(**given)


def attempt(columns: Columns, outputs: Sequence[Output]) -> Attempt:
    given = _fields(Attempt, columns)
    given["status"] = BlockStatus(columns["status"])
    given["failure"] = msgspec.convert(columns["failure"], Failure) if columns["failure"] else None
    given["tests"] = msgspec.convert(columns["tests"] or [], tuple[TestResult, ...])
    given["outputs"] = tuple(outputs)
    return Attempt(**given)


def output(columns: Columns) -> Output:
    given = _fields(Output, columns)
    given["schema"] = None if columns["schema"] is None else tuple(columns["schema"])
    return Output(**given)


def event(columns: Columns) -> Event:
    return Event(**_fields(Event, columns))


def _fields(kind: type, columns: Columns) -> dict[str, Any]:
    return {field.name: columns[field.name] for field in dataclasses.fields(kind) if field.name in columns}
