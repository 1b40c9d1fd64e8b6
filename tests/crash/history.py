"""A history: all that is left of some runs when everything has come to rest, to be judged by the invariants.

Rows are read by plain SQL and not through the store, so that a fault of the store does not hide itself.
"""

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from tests.crash.mill import Mill

from headrace import outputs
from headrace.model.output import Output


@dataclass(frozen=True, kw_only=True)
class Run:
    id: int
    uid: str
    pipeline: str
    status: str
    reason: str = ""
    ended: bool = True
    variables: Mapping[str, Any] = field(default_factory=dict)
    trigger: int | None = None
    fire_time: Any = None


@dataclass(frozen=True, kw_only=True)
class BlockRun:
    id: int
    run_id: int
    block: str
    status: str
    attempt: int = 0
    reused: bool = False


@dataclass(frozen=True, kw_only=True)
class Attempt:
    uid: str
    block_run_id: int
    number: int
    status: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    id: int
    run_id: int
    block: str | None
    attempt: int | None
    kind: str
    status: str
    reason: str = ""
    at: Any = None  # the moment of the turn that wrote it


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many runs of a trigger the database says there are in a status; `trigger` is None for those by hand."""

    pipeline: str
    trigger: int | None
    status: str
    runs: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An output of an attempt."""

    attempt: str
    output: Output


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the ledger; `place` is where it stands."""

    place: int
    run: str
    block: str
    attempt: str
    number: int
    what: str  # began, ended, raised, overlap, over
    pid: int = 0
    at: float = 0.0
    recorded: bool | None = None
    read: Sequence[Mapping[str, str]] = ()
    nonce: str = ""
    limit: str = ""


@dataclass(frozen=True, kw_only=True)
class History:
    """What is left. `accepted` are the ids of runs whose creation was told to somebody."""

    mill: Mill = field(default_factory=Mill)
    accepted: Sequence[int] = ()
    runs: Sequence[Run] = ()
    block_runs: Sequence[BlockRun] = ()
    attempts: Sequence[Attempt] = ()
    events: Sequence[Event] = ()
    outputs: Sequence[Kept] = ()
    tallies: Sequence[Tally] = ()
    ledger: Sequence[Line] = ()
    load: Callable[[Output], tuple[Any, str | None]] = lambda _: (
        None,
        None,
    )  # an output's value and hash, from the disk

    @cached_property
    def run_of(self) -> Mapping[int, Run]:
        return {run.id: run for run in self.runs}

    @cached_property
    def block_run_of(self) -> Mapping[int, BlockRun]:
        return {row.id: row for row in self.block_runs}

    @cached_property
    def attempt_of(self) -> Mapping[str, Attempt]:
        return {attempt.uid: attempt for attempt in self.attempts}

    @cached_property
    def events_of(self) -> Mapping[int, Sequence[Event]]:
        """By run, in their order."""
        return by(sorted(self.events, key=lambda event: event.id), lambda event: event.run_id)

    @cached_property
    def lines_of(self) -> Mapping[str, Sequence[Line]]:
        """By attempt, in their order."""
        return by(self.ledger, lambda line: line.attempt)

    def name(self, attempt: Attempt) -> str:
        row = self.block_run_of[attempt.block_run_id]
        return f"run {row.run_id}, {row.block}, attempt {attempt.number}"


def by(many: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for each in many:
        found[key(each)].append(each)
    return dict(found)


_QUERIES = {
    Run: """SELECT r.id, r.uid, p.name AS pipeline, r.status, r.reason, r.ended_at IS NOT NULL AS ended, r.variables,
        r.trigger_id AS trigger, r.fire_time FROM runs r JOIN pipelines p ON p.id = r.pipeline_id ORDER BY r.id""",
    BlockRun: """SELECT id, run_id, block, status, attempt, reused_from IS NOT NULL AS reused
        FROM block_runs ORDER BY id""",
    Attempt: "SELECT uid, block_run_id, number, status, reason FROM attempts ORDER BY id",
    Event: "SELECT id, run_id, block, attempt, kind, status, reason, at FROM events ORDER BY id",
    Tally: """SELECT p.name AS pipeline, t.trigger_id AS trigger, t.status, CAST(sum(t.runs) AS bigint) AS runs
        FROM tallies t JOIN pipelines p ON p.id = t.pipeline_id GROUP BY p.name, t.trigger_id, t.status""",
}
_OUTPUTS = "SELECT a.uid, o.* FROM outputs o JOIN attempts a ON a.id = o.attempt_id ORDER BY o.id"


def read(mill: Mill, database: str, home: Path, place: Path, accepted: Sequence[int] = ()) -> History:
    """The history in a database (a path or a URL), a home and a ledger."""
    ask = Asking(database)
    found = {kind: [_row(kind, row) for row in ask(query)] for kind, query in _QUERIES.items()}
    return History(
        mill=mill,
        accepted=accepted,
        runs=found[Run],
        block_runs=found[BlockRun],
        attempts=found[Attempt],
        events=found[Event],
        tallies=found[Tally],
        outputs=[Kept(attempt=row["uid"], output=_output(row)) for row in ask(_OUTPUTS)],
        ledger=read_ledger(place),
        load=lambda output: (outputs.load(output, home), outputs.profile(output, home, 60.0).hash),
    )


class Asking:
    """Plain questions to a database, each over a connection of its own."""

    def __init__(self, database: str) -> None:
        self._database = database

    def __call__(self, query: str) -> list[dict[str, Any]]:
        with contextlib.closing(self._connect()) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _connect(self) -> Any:
        if self._database.startswith("postgresql:"):
            return psycopg.connect(self._database, autocommit=True, connect_timeout=10)
        return sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)


def read_ledger(place: Path) -> list[Line]:
    """Nothing where no block has begun."""
    if not (place / "ledger").exists():
        return []
    written = (place / "ledger").read_text().splitlines()
    return [Line(place=number, **json.loads(line)) for number, line in enumerate(written)]


def _row(kind: type, row: dict[str, Any]) -> Any:
    if kind is Run:
        row |= {"variables": json.loads(row["variables"]), "ended": bool(row["ended"])}
    return kind(**row)


def _output(row: Mapping[str, Any]) -> Output:
    names = {each.name for each in fields(Output)}
    documents = {"schema", "profile", "extra"}
    facts = {
        name: json.loads(value) if name in documents and value is not None else value
        for name, value in row.items()
        if name in names
    }
    if facts["schema"] is not None:
        facts["schema"] = tuple(facts["schema"])
    return Output(**facts)
