"""A run comes into being: once for each key, once for each fire time of a trigger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.run import Occasion, Run, RunSettings, RunStatus
from headrace.store import admission, endings, rows
from headrace.store.columns import Moment
from headrace.store.script import Plural, Script, Statement, insertion
from headrace.store.tables import keys, runs, triggers


@dataclass(frozen=True, slots=True)
class Key:
    """A name that whoever asks gives to what is asked, so that asking twice does it once; `request` is its hash."""

    key: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is needed for a run to exist. `blocks` maps each block to the block run whose outputs it reuses, or None.

    One that is `refused` is there to be seen: it is cancelled from the beginning, for that reason.
    """

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
    backfill_id: int | None = None
    occasion: Occasion = field(default_factory=Occasion)
    event_variables: Mapping[str, Any] | None = None
    sla_at: datetime | None = None
    refused: str | None = None

    @property
    def scope(self) -> str:
        """Within what its key is unique: its trigger, or its pipeline where a hand starts it."""
        return scope(self.pipeline_id, self.trigger_id)


def scope(pipeline_id: int, trigger_id: int | None) -> str:
    """Within what the keys of that trigger's runs are unique, or of those that a hand starts of that pipeline."""
    return f"trigger {trigger_id}" if trigger_id else f"pipeline {pipeline_id}"


@dataclass(frozen=True, slots=True)
class Created:
    """The run that was asked for; `made` says whether it is new, or was there under the same key or fire time."""

    run: Run
    made: bool


def create(connection: sa.Connection, new: NewRun, at: datetime, owner: str | None) -> Created:
    """See `Runs.create`. IntegrityError when somebody makes it at the same time: asked again, his is found."""
    held = _held(connection, new)
    owner = None if held else owner
    if earlier := _earlier(connection, new):
        return Created(earlier, False)
    if new.refused:
        return Created(_refused(connection, new, at), True)
    places = admission.places(connection, [new.pipeline_id], lock=True) if owner else None
    admitted_at = at if places and places.take(new) else None
    return Created(_insert(connection, new, at, owner, admitted_at, held=held), True)


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of fire times: how many runs are new, and the ids of those that the engine which fired has itself."""

    new: int
    own: Sequence[int] = ()


def create_fired(
    connection: sa.Connection, fired: Sequence[NewRun], at: datetime, owner: str | None = None, room: int = 0
) -> Fired:
    """Runs of the fire times of active triggers, whose rows are locked. A fire time has one run.

    At most `room` of them are for the engine of that name, those that their limits admit; the others for any.
    """
    there = _fired(connection, fired)
    new = [each for each in fired if (each.trigger_id, each.fire_time) not in there]
    plain = [(each, identity.new()) for each in new if not each.refused]
    own = _admitted(connection, plain, room) if owner else set[str]()
    taken = {"owner": owner, "epoch": 1, "admitted_at": at}
    with Script(connection) as script:
        script.say_of_each(RUN, [_row(run, uid, at) | (taken if uid in own else {}) for run, uid in plain])
        script.say_of_each(rows.NEW_BLOCK, [block for run, uid in plain for block in _blocks(run, uid, at)])
        script.say_of_each(rows.NEW_EVENT, [_event(run, uid, at) for run, uid in plain])
    for each in new:
        if each.refused:
            _refused(connection, each, at)
    ids = connection.scalars(sa.select(runs.c.id).where(runs.c.uid.in_(own)).order_by(runs.c.id)) if own else ()
    return Fired(len(new), list(ids))


def _admitted(connection: sa.Connection, plain: Sequence[tuple[NewRun, str]], room: int) -> set[str]:
    """The uids of the first of those runs that their limits admit, at most `room` of them."""
    places = admission.places(connection, {run.pipeline_id for run, _ in plain}, lock=True)
    admitted = set[str]()
    for run, uid in plain:
        if len(admitted) < room and places.take(run):
            admitted.add(uid)
    return admitted


def _fired(connection: sa.Connection, fired: Sequence[NewRun]) -> set[tuple[int, datetime]]:
    """Which of those fire times, by trigger, have a run."""
    asked, ids = _FIRED.of({each.trigger_id for each in fired if each.trigger_id is not None})
    since = min(each.fire_time for each in fired if each.fire_time is not None)
    return set(Script(connection).ask(asked, {**ids, "since": since}).rows)


def _held(connection: sa.Connection, new: NewRun) -> bool:
    """Whether its trigger is paused, which stays as it is until the commit; TriggerNotFound for one that was deleted."""
    if new.trigger_id is None:
        return False
    (found,) = Script(connection).ask(_TRIGGER, {"trigger": new.trigger_id}).named
    if found["deleted_at"]:
        raise errors.TriggerNotFound(trigger=new.trigger_id)
    return not found["active"]


def _refused(connection: sa.Connection, new: NewRun, at: datetime) -> Run:
    run = _insert(connection, new, at, None, None, held=False)
    endings.close(connection, run.id, None, RunStatus.CANCELLED, new.refused or "", at, None)
    return rows.run(Script(connection).ask(_MADE, {"uid": run.uid}).named[0])


def _earlier(connection: sa.Connection, new: NewRun) -> Run | None:
    """The run that stands for this one; KeyReused when its key stands for something else."""
    if new.key is not None and (found := keyed(connection, new.scope, new.key)):
        return found
    if new.fire_time is not None:
        return _only(connection, sa.and_(runs.c.trigger_id == new.trigger_id, runs.c.fire_time == new.fire_time))
    return None


def keyed(connection: sa.Connection, scope: str, key: Key) -> Run | None:
    """The run that has the key; KeyReused when it stands for something else."""
    found = connection.execute(sa.select(keys).where(keys.c.scope == scope, keys.c.key == key.key)).first()
    if found and found.request != key.request:
        raise errors.KeyReused(key=key.key)
    return _only(connection, runs.c.uid == found.run_uid) if found else None


def _only(connection: sa.Connection, that: sa.ColumnElement[bool]) -> Run | None:
    row = connection.execute(sa.select(*rows.RUN).where(that)).mappings().first()
    return rows.run(row) if row else None


def _insert(
    connection: sa.Connection, new: NewRun, at: datetime, owner: str | None, admitted_at: datetime | None, *, held: bool
) -> Run:
    uid = identity.new()
    owned = {"owner": owner, "epoch": 1 if owner else 0, "admitted_at": admitted_at, "held": held}
    with Script(connection) as script:
        script.say(RUN, _row(new, uid, at) | owned)
        script.say_of_each(rows.NEW_BLOCK, _blocks(new, uid, at))
        script.say(rows.NEW_EVENT, _event(new, uid, at))
        if new.key is not None:
            key = {"scope": new.scope, "key": new.key.key, "request": new.key.request}
            script.say(_KEY, {**key, "run_uid": uid, "created_at": at})
        made = script.say(_MADE, {"uid": uid})
    return rows.run(made.named[0])


def _row(new: NewRun, uid: str, at: datetime) -> dict[str, Any]:
    """Its row, for any engine to claim."""
    nobody = {"owner": None, "epoch": 0, "admitted_at": None, "held": False}
    made = {"uid": uid, "status": RunStatus.INITIAL, "created_at": at}
    return {name: getattr(new, name) for name in _GIVEN} | made | nobody


def _blocks(new: NewRun, uid: str, at: datetime) -> list[dict[str, Any]]:
    return [rows.new_block(uid, block, reused, at=at) for block, reused in new.blocks.items()]


def _event(new: NewRun, uid: str, at: datetime) -> dict[str, Any]:
    event = {"of_run": uid, "block": None, "attempt": None, "at": at, "kind": "run.create", "status": "initial"}
    return event | {"reason": new.reason}


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
    "backfill_id",
    "occasion",
    "event_variables",
    "sla_at",
)
RUN = insertion(runs, *_GIVEN, "uid", "status", "created_at", "owner", "epoch", "admitted_at", "held")
_KEY = insertion(keys, "scope", "key", "request", "run_uid", "created_at")
_TRIGGER = Statement(
    sa.select(triggers.c.active, triggers.c.deleted_at)
    .where(triggers.c.id == sa.bindparam("trigger", type_=triggers.c.id.type))
    .with_for_update(read=True)
)
_FIRED = Plural(
    lambda ids: sa.select(runs.c.trigger_id, runs.c.fire_time).where(
        runs.c.trigger_id.in_(ids), runs.c.fire_time >= sa.bindparam("since", type_=Moment)
    )
)
_MADE = Statement(sa.select(*rows.RUN).where(runs.c.uid == sa.bindparam("uid", type_=runs.c.uid.type)))
