"""An archive: runs that ended some days ago, written into a store's tables as they are, with what they left on the disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headrace import identity
from headrace.store import tables
from headrace.store.database import Database
from headrace.store.projects import Pinned

FINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Old:
    """A run of the archive: its ids, and those of its block runs and attempts by block."""

    id: int
    uid: str
    blocks: Mapping[str, int]
    tries: Mapping[str, str]


class Archive:
    def __init__(self, database: Database, home: Path, at: datetime) -> None:
        self.database = database
        self.home = home
        self.at = at

    def add(
        self,
        pins: Pinned,
        days: float,
        status: str = "completed",
        blocks: Mapping[str, str | int] | None = None,
        *,
        key: str | None = None,
        **more: Any,
    ) -> Old:
        """A run that ended so many days ago. Each of its blocks has a status, or the id of the block run that it reuses."""
        ended_at = self.at - timedelta(days=days) if status in FINAL else None
        with self.database.write() as connection:
            run_id, uid = _run(connection, pins, status, ended_at, self.at, more)
            made = {name: _block(connection, run_id, name, given, self.at) for name, given in (blocks or {}).items()}
            if key:
                row = {"scope": "pipeline", "key": key, "request": "x", "run_uid": uid, "created_at": self.at}
                connection.execute(sa.insert(tables.keys).values(row))
        tries = {name: attempt for name, (_, attempt) in made.items() if attempt}
        for attempt in tries.values():
            self.write(f"outputs/{uid}/{attempt}/value.json", "{}")
            self.write(f"logs/{uid}/{attempt}.jsonl", "line\n")
        return Old(run_id, uid, {name: block for name, (block, _) in made.items()}, tries)

    def write(self, path: str, text: str) -> Path:
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_text(text)
        return self.home / path

    def files(self) -> set[str]:
        """Every file of runs, relative to the home."""
        found = [file for kind in ("outputs", "logs") for file in (self.home / kind).rglob("*") if file.is_file()]
        return {str(file.relative_to(self.home)) for file in found}

    def ids(self, table: sa.Table = tables.runs) -> set[int]:
        with self.database.read() as connection:
            return set(connection.scalars(sa.select(table.c.id)))

    def put(self, table: sa.Table, row_id: int, **columns: Any) -> None:
        """Sets these columns of that row."""
        with self.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == row_id).values(columns))

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.database.read() as connection:
            every = tables.metadata.sorted_tables
            return {each.name: connection.scalar(sa.select(sa.func.count()).select_from(each)) or 0 for each in every}


def _run(
    connection: sa.Connection,
    pins: Pinned,
    status: str,
    ended_at: datetime | None,
    at: datetime,
    more: Mapping[str, Any],
) -> tuple[int, str]:
    uid = identity.new()
    row = {
        "uid": uid,
        "pipeline_id": pins.pipeline_id,
        "version_id": pins.version_id,
        "snapshot_id": pins.snapshot_id,
        "status": status,
        "reason": "x",
        "ended_at": ended_at,
        "variables": {},
        "selection": {},
        "execution_date": at,
        "created_at": ended_at or at,
        "owner": "gone" if status == "running" else None,
        "epoch": 1,
        **more,
    }
    run_id: int = connection.execute(sa.insert(tables.runs).values(row).returning(tables.runs.c.id)).scalar_one()
    event = {"run_id": run_id, "at": at, "kind": "run.create", "status": "initial", "reason": "x"}
    connection.execute(sa.insert(tables.events).values(event))
    return run_id, uid


def _block(connection: sa.Connection, run_id: int, name: str, given: str | int, at: datetime) -> tuple[int, str | None]:
    """The id of the block run, and the uid of its attempt if it has one."""
    reused = isinstance(given, int)
    status = "completed" if reused else given
    row = {"uid": identity.new(), "run_id": run_id, "block": name, "status": status, "reason": "x", "failures": 0}
    row |= {"attempt": 0 if reused else 1, "reused_from": given if reused else None}
    row |= {"ended_at": None if status in ("initial", "running") else at}
    made = sa.insert(tables.block_runs).values(row).returning(tables.block_runs.c.id)
    block_id: int = connection.execute(made).scalar_one()
    return block_id, None if reused else _attempt(connection, block_id, str(status), at)


def _attempt(connection: sa.Connection, block_id: int, status: str, at: datetime) -> str:
    uid = identity.new()
    row = {"uid": uid, "block_run_id": block_id, "number": 1, "epoch": 1, "status": status, "reason": "x"}
    row |= {"started_at": at, "single": True, "log_lines": 1, "ended_at": None if status == "running" else at}
    made = sa.insert(tables.attempts).values(row).returning(tables.attempts.c.id)
    attempt_id: int = connection.execute(made).scalar_one()
    if status == "completed":
        run_uid = sa.select(tables.runs.c.uid).join(tables.block_runs).where(tables.block_runs.c.id == block_id)
        path = f"outputs/{connection.scalar(run_uid)}/{uid}/value.json"
        output = {"attempt_id": attempt_id, "place": 0, "name": "output_0", "kind": "dict", "codec": "json"}
        rest = {"path": path, "bytes": 2, "extra": {}}
        connection.execute(sa.insert(tables.outputs).values({**output, **rest}))
    return uid
