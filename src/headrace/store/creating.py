"""A run comes into being: once for each key, once for each fire time of a trigger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.run import Run, RunSettings, RunStatus
from headrace.store import admission, rows
from headrace.store.script import Script, Statement, insertion
from headrace.store.tables import keys, runs


@dataclass(frozen=True, slots=True)
class Key:
    """A name that whoever asks gives to what is asked, so that asking twice does it once; `request` is its hash."""

    key: str
    request: str


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
    trigger_id: int | None = None
    fire_time: datetime | None = None
    settings: RunSettings = field(default_factory=RunSettings)
    key: Key | None = None

    @property
    def scope(self) -> str:
        """Within what its key is unique: its trigger, or its pipeline where a hand starts it."""
        return f"trigger {self.trigger_id}" if self.trigger_id else f"pipeline {self.pipeline_id}"


@dataclass(frozen=True, slots=True)
class Created:
    """The run that was asked for; `made` says whether it is new, or was there under the same key or fire time."""

    run: Run
    made: bool


def create(connection: sa.Connection, new: NewRun, at: datetime, owner: str | None) -> Created:
    """See `Runs.create`. IntegrityError when somebody makes it at the same time: asked again, his is found."""
    if earlier := _earlier(connection, new):
        return Created(earlier, False)
    places = admission.places(connection, [new.pipeline_id], lock=True) if owner else None
    admitted_at = at if places and places.take(new) else None
    return Created(_insert(connection, new, at, owner, admitted_at), True)


def _earlier(connection: sa.Connection, new: NewRun) -> Run | None:
    """The run that stands for this one; KeyReused when its key stands for something else."""
    if new.key is not None:
        query = sa.select(keys).where(keys.c.scope == new.scope, keys.c.key == new.key.key)
        found = connection.execute(query).first()
        if found and found.request != new.key.request:
            raise errors.KeyReused(key=new.key.key)
        if found:
            return _only(connection, runs.c.uid == found.run_uid)
    if new.fire_time is not None:
        return _only(connection, sa.and_(runs.c.trigger_id == new.trigger_id, runs.c.fire_time == new.fire_time))
    return None


def _only(connection: sa.Connection, that: sa.ColumnElement[bool]) -> Run | None:
    row = connection.execute(sa.select(*rows.RUN).where(that)).mappings().first()
    return rows.run(row) if row else None


def _insert(
    connection: sa.Connection, new: NewRun, at: datetime, owner: str | None, admitted_at: datetime | None
) -> Run:
    uid = identity.new()
    columns = {name: getattr(new, name) for name in _GIVEN} | {
        "uid": uid,
        "status": RunStatus.INITIAL,
        "created_at": at,
        "owner": owner,
        "epoch": 1 if owner else 0,
        "admitted_at": admitted_at,
    }
    blocks = [rows.new_block(uid, block, reused, at=at) for block, reused in new.blocks.items()]
    event = {"of_run": uid, "block": None, "attempt": None, "at": at, "kind": "run.create", "status": "initial"}
    with Script(connection) as script:
        script.say(_RUN, columns)
        script.say_of_each(rows.NEW_BLOCK, blocks)
        script.say(rows.NEW_EVENT, {**event, "reason": new.reason})
        if new.key is not None:
            key = {"scope": new.scope, "key": new.key.key, "request": new.key.request}
            script.say(_KEY, {**key, "run_uid": uid, "created_at": at})
        made = script.say(_MADE, {"uid": uid})
    return rows.run(made.named[0])


_GIVEN = (
    "pipeline_id",
    "version_id",
    "snapshot_id",
    "variables",
    "selection",
    "execution_date",
    "reason",
    "trigger_id",
    "fire_time",
    "settings",
)
_RUN = insertion(runs, *_GIVEN, "uid", "status", "created_at", "owner", "epoch", "admitted_at")
_KEY = insertion(keys, "scope", "key", "request", "run_uid", "created_at")
_MADE = Statement(sa.select(*rows.RUN).where(runs.c.uid == sa.bindparam("uid", type_=runs.c.uid.type)))
