"""Triggers: written down, changed, paused and found. What fires them has its own file: `firing`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import RunStatus
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.store import creating, firing, limits, rows, rulebook, seals
from headrace.store.columns import Undecoded
from headrace.store.creating import NewRun
from headrace.store.database import About, Database
from headrace.store.firing import Firing
from headrace.store.reach import Row
from headrace.store.rulebook import Ruled
from headrace.store.script import Plural
from headrace.store.seals import Resealed
from headrace.store.tables import gaps, pipelines, projects, rules, runs, triggers

NAMED = 10_000  # ids that a statement names, at most
RUNTIMES = 7  # runs that a trigger's usual runtime is told from

Read = Callable[[Mapping[Any, Any], Ruled], Trigger]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a trigger has got: see `Trigger.considered` and `due_at`."""

    considered: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A trigger's token: as it is kept, and the hash that a caller's is compared with."""

    sealed: str
    hash: str


@dataclass(frozen=True, slots=True)
class Label:
    """What is told of a trigger beside its runs; its token is sealed."""

    id: int
    pipeline_id: int
    name: str
    type: str
    token: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A trigger, with the names of its project and pipeline."""

    trigger: Trigger
    project: str
    pipeline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which triggers of a project a list is of; None and () leave open what they would say. Those of backfills count."""

    project_id: int
    pipeline: str | None = None
    types: tuple[str, ...] = ()
    intervals: tuple[str, ...] = ()
    active: bool | None = None
    tags: frozenset[str] = frozenset()  # any of them
    order: str = "id"  # or one of ORDERS


@dataclass(frozen=True, slots=True)
class Matcher:
    """A rule on payloads, under the id it is kept by, and its trigger, among whose rules it has that place."""

    id: int
    trigger: Trigger
    rule: Rule
    place: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Fire times of a trigger that got no run, from the first to the last of them."""

    id: int
    trigger_id: int
    reason: str
    first: datetime
    last: datetime
    count: int
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the latest run of a trigger stands."""

    id: int
    status: RunStatus


class Triggers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        pipeline_id: int,
        definition: Definition,
        token: Sealed,
        standing: Standing,
        at: datetime,
        *,
        active: bool,
        in_code: bool = False,
        last_enabled_at: datetime | None = None,
        begins: Sequence[NewRun] = (),
    ) -> Trigger:
        """A new trigger of that pipeline, and the runs that it begins at once. TriggerExists when it has one of that name."""
        row = _columns(definition) | {
            "uid": identity.new(),
            "pipeline_id": pipeline_id,
            "token": token.sealed,
            "token_hash": token.hash,
            "active": active,
            "last_enabled_at": last_enabled_at or (at if active else None),
            "considered": standing.considered,
            "due_at": standing.due_at,
            "in_code": in_code,
            "created_at": at,
            "updated_at": at,
        }
        try:
            with self._database.write(Row(pipelines, pipeline_id)) as connection:
                made = sa.insert(triggers).values(row).returning(triggers.c.id)
                trigger_id = connection.execute(made).scalar_one()
                rulebook.write(connection, trigger_id, definition.rules, at)
                limits.write_own(connection, trigger_id, pipeline_id, definition.settings.pipeline_run_limit)
                _begin(connection, trigger_id, begins, at)
                self._ring(connection)
                return _one(connection, triggers.c.id == trigger_id, trigger_id, decoded)
        except exc.IntegrityError as error:
            raise errors.TriggerExists(pipeline=self._pipeline(pipeline_id), name=definition.name) from error

    def get(self, trigger: int | str, *, bare: bool = False) -> Trigger:
        """The trigger of that id or uid, one that was deleted among them; TriggerNotFound if there is none.

        RowUnreadable for one that cannot be decoded, or, with `bare`, what can be told of it all the same.
        """
        column = triggers.c.id if isinstance(trigger, int) else triggers.c.uid
        with self._database.read() as connection:
            return _one(connection, column == trigger, trigger, _trigger if bare else decoded)

    def find(self, pipeline_id: int, name: str) -> Trigger | None:
        """The trigger of that name, if the pipeline has one."""
        with self._database.read() as connection:
            named = (triggers.c.pipeline_id == pipeline_id, triggers.c.name == name)
            found = _those(connection, _THERE, *named, read=_trigger)
        return found[0] if found else None

    def list(
        self,
        *,
        project: str | None = None,
        pipeline: str | None = None,
        name: str | None = None,
        limit: int = 1000,
        after: int = 0,
    ) -> "list[Placed]":
        """Those with an id above `after`, the oldest first; of that project's, pipeline's and own name, where given.

        The triggers of backfills are not among them.
        """
        asked = ((projects.c.name, project), (pipelines.c.name, pipeline), (triggers.c.name, name))
        named = [column == given for column, given in asked if given]
        return self._placed(_PLACED.where(triggers.c.id > after, *named).limit(limit))

    def of_project(self, project_id: int) -> "list[Placed]":
        """All triggers of the project, but those of backfills."""
        return self._placed(_PLACED.where(projects.c.id == project_id))

    def page(self, wanted: Wanted, limit: int, offset: int) -> "tuple[list[Placed], int]":
        """At most `limit` of those triggers, after the first `offset`, in their order; and how many there are."""
        found = (
            sa.select(triggers.c.id, triggers.c.tags).select_from(triggers.join(pipelines)).where(*_those_of(wanted))
        )
        with self._database.read() as connection:
            listed = connection.execute(found.order_by(*ORDERS[wanted.order])).all()
        ids = [row.id for row in listed if not wanted.tags or not wanted.tags.isdisjoint(row.tags)]
        shown = ids[offset : offset + limit]
        those = [triggers.c.id.in_(shown)] if len(shown) <= NAMED else _those_of(wanted)
        placed = {each.trigger.id: each for each in self._placed(_PLACED_ANY.where(*those))}
        return [placed[each] for each in shown if each in placed], len(ids)

    def matchers(self, project_id: int, matcher_id: int | None = None) -> "list[Matcher]":
        """The rules on payloads of the project's triggers, the oldest first; or the one of that id."""
        query = sa.select(rules, triggers.c.id.label("of")).select_from(rules.join(triggers).join(pipelines))
        query = query.where(rules.c.kind == RuleKind.PAYLOAD, pipelines.c.project_id == project_id, _THERE)
        if matcher_id is not None:
            query = query.where(rules.c.id == matcher_id)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(rules.c.id)).mappings().all()
            theirs = {each.id: each for each in _those(connection, triggers.c.id.in_([row["of"] for row in found]))}
        return [Matcher(row["id"], theirs[row["of"]], rulebook.rule(row), row["place"]) for row in found]

    def _placed(self, query: sa.Select[Any]) -> "list[Placed]":
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
            ruled = rulebook.of(connection, [row["id"] for row in found])
        return [Placed(_trigger(row, ruled), row["project"], row["pipeline"]) for row in found]

    def change(
        self,
        seen: Trigger,
        definition: Definition,
        standing: Standing,
        at: datetime,
        *,
        active: bool,
        in_code: bool | None = None,
        last_enabled_at: datetime | None = None,
        begins: Sequence[NewRun] = (),
    ) -> Trigger | None:
        """The trigger as it is from now on, with the runs that it begins at once; None, and nothing was changed, when it is not as it was `seen` any more.

        Its runs that have not begun wait while it is paused. TriggerExists when another of its pipeline has the name.
        """
        enabled = last_enabled_at or (at if active and not seen.active else seen.last_enabled_at)
        row = _columns(definition) | {
            "active": active,
            "last_enabled_at": enabled,
            "considered": standing.considered,
            "due_at": standing.due_at,
            "in_code": seen.in_code if in_code is None else in_code,
            "fault": None,
            "updated_at": at,
        }
        same = sa.and_(triggers.c.id == seen.id, triggers.c.updated_at == seen.updated_at, _THERE)
        try:
            with self._database.write(Row(triggers, seen.id)) as connection:
                if not connection.execute(sa.update(triggers).where(same).values(row)).rowcount:
                    return None
                if definition.rules != seen.definition.rules:
                    rulebook.write(connection, seen.id, definition.rules, at)
                limits.write_own(connection, seen.id, seen.pipeline_id, definition.settings.pipeline_run_limit)
                firing.hold(connection, seen.id, held=not active)
                _begin(connection, seen.id, begins, at)
                self._ring(connection)
                return _one(connection, triggers.c.id == seen.id, seen.id, decoded)
        except exc.IntegrityError as error:
            raise errors.TriggerExists(pipeline=self._pipeline(seen.pipeline_id), name=definition.name) from error

    def rotate(self, trigger_id: int, token: Sealed, at: datetime) -> None:
        """The token is that from now on; the one before is worth nothing."""
        values = {"token": token.sealed, "token_hash": token.hash, "updated_at": at}
        with self._database.write(Row(triggers, trigger_id)) as connection:
            connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id, _THERE).values(values))

    def token(self, trigger_id: int) -> Sealed:
        """The trigger's token; TriggerNotFound for one that is not there, or was deleted."""
        query = sa.select(triggers.c.token, triggers.c.token_hash).where(triggers.c.id == trigger_id, _THERE)
        with self._database.read() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise errors.TriggerNotFound(trigger=trigger_id)
        return Sealed(*found)

    def labels(self, trigger_ids: Collection[int]) -> "dict[int, Label]":
        """What tells those of the triggers that are there apart, by id."""
        if not trigger_ids:
            return {}
        asked, ids = _LABELS.of(trigger_ids)
        return {row["id"]: Label(**row) for row in self._database.ask(asked, **ids)}

    def sealed_otherwise(self, begins: str, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """The id and sealed token of those beyond that id whose seal does not begin like that; deleted ones have one, too."""
        query = sa.select(triggers.c.id, triggers.c.token)
        query = query.where(triggers.c.id > after, seals.otherwise(triggers.c.token, begins))
        with self._database.read() as connection:
            return [(each, token) for each, token in connection.execute(query.order_by(triggers.c.id).limit(limit))]

    def reseal(self, changes: Iterable[Resealed]) -> int:
        """The tokens stay; see `seals.reseal`."""
        return seals.reseal(self._database, triggers.c.token, changes)

    def delete(self, trigger_id: int, at: datetime) -> bool:
        """It begins no more runs. Those it has begun stay; those that had not started are asked to be cancelled."""
        gone = {"active": False, "due_at": None, "deleted_at": at, "updated_at": at}
        waiting = sa.and_(runs.c.trigger_id == trigger_id, runs.c.ended_at.is_(None), runs.c.started_at.is_(None))
        with self._database.write(Row(triggers, trigger_id)) as connection:
            landed = connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id, _THERE).values(gone))
            if landed.rowcount:
                connection.execute(sa.delete(rules).where(rules.c.trigger_id == trigger_id))
                limits.write_own(connection, trigger_id, 0, None)
                connection.execute(sa.update(runs).where(waiting).values(cancel_requested_at=at, held=False))
                self._ring(connection)
        return landed.rowcount == 1

    def gaps(self, trigger_id: int, limit: int = 20) -> "list[Gap]":
        """The latest fire times of the trigger that got no run, the newest first."""
        query = sa.select(gaps).where(gaps.c.trigger_id == trigger_id).order_by(gaps.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [Gap(**row) for row in connection.execute(query).mappings()]

    def last_runs(self, trigger_ids: Iterable[int]) -> "dict[int, LastRun]":
        """The latest run of each of those triggers that has one, by trigger."""
        theirs = runs.alias()
        newest = sa.select(sa.func.max(theirs.c.id)).where(theirs.c.trigger_id == triggers.c.id).scalar_subquery()
        columns = (triggers.c.id.label("of"), runs.c.id, runs.c.status)
        query = sa.select(*columns).join_from(triggers, runs, runs.c.id == newest)
        with self._database.read() as connection:
            found = connection.execute(query.where(triggers.c.id.in_(list(trigger_ids))))
            return {row.of: LastRun(row.id, RunStatus(row.status)) for row in found}

    def runtimes(self, trigger_id: int) -> "list[float]":
        """How many seconds the latest completed runs of the trigger took, at most seven."""
        taken = sa.select(runs.c.started_at, runs.c.ended_at).where(runs.c.trigger_id == trigger_id)
        completed = taken.where(runs.c.status == "completed").order_by(runs.c.id.desc()).limit(RUNTIMES)
        with self._database.read() as connection:
            found = connection.execute(completed).all()
        return [(ended - started).total_seconds() for started, ended in found]

    def exists(self, trigger_id: int) -> bool:
        """Whether there is one of that id that was not deleted."""
        return bool(self.labels([trigger_id]))

    def has_runs(self, trigger_id: int) -> bool:
        query = sa.select(runs.c.id).where(runs.c.trigger_id == trigger_id).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def due(self, at: datetime, limit: int) -> "list[Trigger]":
        """Those that are due by then, the longest due first; one that cannot be decoded is laid aside with its fault."""
        return firing.due(self._database, at, limit, decoded)

    def lay_aside(self, trigger_id: int, fault: str) -> None:
        """It is not looked at any more, for that reason, until somebody changes it."""
        firing.lay_aside(self._database, trigger_id, fault)

    def has_open_runs(self, trigger_id: int) -> bool:
        """Whether a run of the trigger is not final."""
        return firing.has_open_run(self._database, trigger_id)

    def next_due(self) -> datetime | None:
        """When the next of them is due."""
        return firing.next_due(self._database)

    def perpetual(self) -> "list[firing.Perpetual]":
        """The active triggers that are always on or fire once, and what their runs have come to."""
        return firing.perpetual(self._database, decoded)

    def firing(self) -> AbstractContextManager[Firing]:
        """A transaction in which triggers fire."""
        return firing.begin(self._database)

    def _ring(self, connection: sa.Connection) -> None:
        """What waits for a trigger may go on now, and what is due may be another."""
        for about in About:
            self._database.ring(connection, about)

    def _pipeline(self, pipeline_id: int) -> str:
        query = sa.select(pipelines.c.name).where(pipelines.c.id == pipeline_id)
        with self._database.read() as connection:
            return connection.scalar(query) or ""


_THERE = triggers.c.deleted_at.is_(None)
_LABELS = Plural(
    lambda ids: sa.select(*(triggers.c[each.name] for each in fields(Label))).where(triggers.c.id.in_(ids), _THERE)
)
_LISTED = sa.and_(_THERE, triggers.c.type != TriggerType.BACKFILL)
_PLACED_ANY = (
    sa.select(triggers, projects.c.name.label("project"), pipelines.c.name.label("pipeline"))
    .select_from(triggers.join(pipelines).join(projects))
    .where(_THERE)
    .order_by(triggers.c.id)
)
_PLACED = _PLACED_ANY.where(_LISTED)
ORDERS: Mapping[str, Sequence[sa.ColumnElement[Any]]] = {
    "id": (triggers.c.id,),
    "newest": (triggers.c.id.desc(),),
    "created_at": (triggers.c.created_at.desc(), triggers.c.id.desc()),
    "name": (triggers.c.name, triggers.c.id),
    "pipeline": (pipelines.c.name, triggers.c.id),
    "status": (triggers.c.active.desc(), triggers.c.id),
    "type": (triggers.c.type, triggers.c.id),
}


def _those_of(wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    yield _THERE
    yield pipelines.c.project_id == wanted.project_id
    if wanted.pipeline is not None:
        yield pipelines.c.name == wanted.pipeline
    if wanted.types:
        yield triggers.c.type.in_(wanted.types)
    if wanted.intervals:
        yield triggers.c.interval.in_(wanted.intervals)
    if wanted.active is not None:
        yield triggers.c.active == wanted.active


def _columns(definition: Definition) -> dict[str, Any]:
    given = {each.name: getattr(definition, each.name) for each in fields(Definition) if each.name != "rules"}
    return given | {"settings": msgspec.to_builtins(definition.settings), "tags": list(definition.tags)}


def _begin(connection: sa.Connection, trigger_id: int, begins: Iterable[NewRun], at: datetime) -> None:
    for new in begins:
        creating.create(connection, replace(new, trigger_id=trigger_id), at, None)


def _one(connection: sa.Connection, that: sa.ColumnElement[bool], trigger: int | str, read: Read) -> Trigger:
    if found := _those(connection, that, read=read):
        return found[0]
    raise errors.TriggerNotFound(trigger=trigger)


def _those(connection: sa.Connection, *those: sa.ColumnElement[bool], read: Read | None = None) -> list[Trigger]:
    found = connection.execute(sa.select(triggers).where(*those).order_by(triggers.c.id)).mappings().all()
    ruled = rulebook.of(connection, [row["id"] for row in found])
    return [(read or _trigger)(row, ruled) for row in found]


def _trigger(row: Mapping[Any, Any], ruled: Ruled) -> Trigger:
    """The trigger; of one that cannot be decoded what can be told all the same, with that as its fault."""
    try:
        return decoded(row, ruled)
    except errors.RowUnreadable as error:
        known = {each.name: row[each.name] for each in fields(Trigger) if each.name != "definition"}
        told: dict[str, Any] = {n: None if isinstance(value, Undecoded) else value for n, value in known.items()}
        told |= {"due_at": None, "fault": str(error)}
        definition = Definition(name=row["name"], type=TriggerType(row["type"]), interval=row["interval"])
        return Trigger(**told, definition=definition)


def decoded(row: Mapping[Any, Any], ruled: Ruled) -> Trigger:
    """The trigger as a value; RowUnreadable when something of it cannot be decoded."""
    name = f"trigger {row['id']}"
    given = {each.name: row[each.name] for each in fields(Trigger) if each.name != "definition"}
    written = {each.name: row[each.name] for each in fields(Definition) if each.name != "rules"}
    for column, value in {**given, **written}.items():
        if isinstance(value, Undecoded):
            raise errors.RowUnreadable(row=name, why=f"its {column}: {value.why}")
    definition = rows.convert(written, Definition, name)
    return Trigger(**given, definition=replace(definition, rules=tuple(map(rulebook.rule, ruled.get(row["id"], ())))))
