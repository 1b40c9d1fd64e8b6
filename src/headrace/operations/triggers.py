"""Triggers are written down, looked at, changed, paused and resumed; and runs of them are asked for."""

import contextlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace import clock, errors, project, vault
from headrace.app import App
from headrace.engine import calls
from headrace.engine.calls import Call
from headrace.model import firing, schedule, terms
from headrace.model.query import Query
from headrace.model.run import RunStatus
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import asking, in_code, sight
from headrace.operations.asking import Asked
from headrace.store.creating import Created
from headrace.store.projects import ProjectRow
from headrace.store.triggers import Gap, LastRun, Matcher, Wanted

UPCOMING = 5  # fire times that are shown with a trigger
LATEST = 7  # completed runs that tell how long one takes
MOST = 1_000_000  # triggers of a project
LONGEST_ID = 19  # digits of a number that no row has


@dataclass(frozen=True, slots=True)
class Listed:
    """A trigger in a list: when it fires next, and how its latest run stands, where there are such."""

    trigger: Trigger
    project: str
    pipeline: str
    upcoming: datetime | None
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A trigger with what one would ask of it: its next fire times, its latest gaps, how its latest run stands."""

    trigger: Trigger
    project: str
    folder: Path
    pipeline: str
    upcoming: Sequence[datetime]
    gaps: Sequence[Gap]
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class Tallied:
    """A trigger in a list: how many of its runs have each status, and how its latest run stands."""

    trigger: Trigger
    pipeline: str
    counts: Mapping[str, int]
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some triggers of a list, and how many it has in all."""

    rows: Sequence[Tallied]
    count: int


def check(folder: Path, pipeline: str, definition: Definition) -> None:
    """Raises the BadInput for which there cannot be such a trigger, if that can be known without the home."""
    terms.refuse_wrong(definition)
    asking.check(Asked(folder, pipeline, definition.variables))


def create(app: App, folder: Path, pipeline: str, definition: Definition, *, active: bool) -> Trigger:
    """A new trigger of that pipeline. Raises BadTrigger, BadSchedule, TriggerExists, and what a run of it would.

    Where its pipeline's file is to have it, also BadTriggers and TriggersUnwritable.
    """
    terms.refuse_wrong(definition)
    sight.refuse_unseen(app, folder, pipeline)
    sight.refuse_unseen_rules(app, folder, definition.rules)
    at = clock.now()
    kept = app.maker.keep(project.open(folder).path)
    pin = app.maker.pin(kept, pipeline, at)
    if written := in_code.is_wanted(folder, pipeline):
        in_code.refuse_taken(folder, pipeline, definition.name)
    made = app.registry.create(pin.pinned.pipeline_id, definition, at, active=active and not written)
    return _adopted(app, made, at, active=active) if written else made


def find(app: App, named: str) -> Trigger:
    """The trigger of that id, or of that name, or of that name after `PIPELINE/`.

    TriggerNotFound when there is none; AmbiguousTrigger, which names them, when there are several.
    """
    if named.isascii() and named.isdigit() and len(named) < LONGEST_ID:
        found = app.store.triggers.get(int(named), bare=True)
        return found if app.store.triggers.exists(found.id) else _nothing(named)
    pipeline, _, name = named.partition("/")
    known = app.store.triggers
    found = known.list(name=named) or (known.list(pipeline=pipeline, name=name) if pipeline and name else [])
    if len(found) > 1:
        those = ", ".join(f"{each.trigger.id} ({each.project}/{each.pipeline})" for each in found)
        raise errors.AmbiguousTrigger(trigger=named, those=those)
    return found[0].trigger if found else _nothing(named)


def latest(
    app: App, limit: int = 1000, *, project: str | None = None, pipeline: str | None = None, after: int = 0
) -> list[Listed]:
    """At most `limit` triggers, the oldest first, those newer than the trigger `after`; none of backfills.

    Of that project's and pipeline's name, where one is given.
    """
    found = app.store.triggers.list(project=project, pipeline=pipeline, limit=limit, after=after)
    last = app.store.triggers.last_runs(each.trigger.id for each in found)
    return [
        Listed(each.trigger, each.project, each.pipeline, _next(each.trigger), last.get(each.trigger.id))
        for each in found
    ]


def page(app: App, wanted: Wanted, limit: int, offset: int = 0) -> Page:
    """At most `limit` of those triggers, after the first `offset`."""
    placed, count = app.store.triggers.page(wanted, limit, offset)
    ids = [each.trigger.id for each in placed]
    last, counts = app.store.triggers.last_runs(ids), app.store.tallies.of_triggers(ids)
    return Page(
        [Tallied(each.trigger, each.pipeline, counts[each.trigger.id], last.get(each.trigger.id)) for each in placed],
        count,
    )


def by_pipeline(app: App, wanted: Wanted) -> Mapping[str, Sequence[Trigger]]:
    """All those triggers, by the names of their pipelines."""
    theirs: dict[str, list[Trigger]] = {}
    for each in app.store.triggers.page(wanted, MOST, 0)[0]:
        theirs.setdefault(each.pipeline, []).append(each.trigger)
    return theirs


def next_fire(trigger: Trigger) -> datetime | None:
    """When the trigger fires next, or would if it were active; None for one that has no such time."""
    definition = trigger.definition
    if definition.type is not TriggerType.TIME or definition.interval in (schedule.ONCE, schedule.ALWAYS_ON):
        return None
    try:
        return next(iter(firing.preview(definition, clock.now(), 1)), None)
    except errors.BadSchedule:  # what was written into the database by another hand
        return None


def average(app: App, trigger: Trigger) -> float | None:
    """How many seconds its latest completed runs took, seven at most, from when they were made; None without any."""
    completed = Query(trigger=trigger.id, statuses=frozenset({RunStatus.COMPLETED}))
    found = app.store.runs.page(completed, LATEST, None).runs
    taken = [(each.run.ended_at - each.run.created_at).total_seconds() for each in found if each.run.ended_at]
    return statistics.fmean(taken) if taken else None


def count(app: App, trigger: Trigger) -> int:
    """How many runs it has begun."""
    return app.store.tallies.total(Query(trigger=trigger.id))


def matchers(app: App, project_id: int, matcher_id: int | None = None) -> Sequence[Matcher]:
    """The rules on payloads of the project's triggers, the oldest first; or the one of that id."""
    return app.store.triggers.matchers(project_id, matcher_id)


def show(app: App, trigger: Trigger) -> Shown:
    row, pipeline = app.store.projects.names(trigger.pipeline_id)
    known = app.store.triggers
    last = known.last_runs([trigger.id]).get(trigger.id)
    times = upcoming(trigger, UPCOMING)
    return Shown(trigger, row.name, row.path, pipeline, times, known.gaps(trigger.id), last)


def upcoming(trigger: Trigger, count: int) -> list[datetime]:
    """When an active trigger fires from now on, at most so many times; nothing for one that is paused or laid aside."""
    if not trigger.active or (trigger.fault and trigger.due_at is None):
        return []
    now = clock.now()
    try:
        return firing.preview(trigger.definition, max(trigger.considered or now, now), count)
    except errors.BadSchedule:  # what was written into the database by another hand
        return []


def preview(definition: Definition, count: int, after: datetime | None = None) -> list[datetime]:
    """When such a trigger would fire after that moment, or after now, at most so many times. BadTrigger, BadSchedule."""
    terms.refuse_wrong(definition)
    return firing.preview(definition, after or clock.now(), count)


def change(app: App, trigger: Trigger, definition: Definition, *, active: bool | None = None) -> Trigger:
    """The trigger is defined so from now on, and active or paused, as it is where that is not said.

    Only what comes due later is run by it. TriggerChanged where it is not defined any more as it was seen; TriggerExists
    for a name that another has.
    """
    terms.refuse_wrong(definition)
    sight.refuse_unseen_rules(app, app.store.projects.names(trigger.pipeline_id)[0].path, definition.rules)
    return _changed(app, trigger, definition if definition != trigger.definition else None, active=active)


def pause(app: App, trigger: Trigger) -> Trigger:
    """It begins no runs, and those that have not begun wait, until it is resumed."""
    return _changed(app, trigger, None, active=False)


def resume(app: App, trigger: Trigger) -> Trigger:
    """It is active from now on. What passed while it was paused stays a gap."""
    return _changed(app, trigger, None, active=True)


def delete(app: App, trigger: Trigger) -> None:
    """It begins no more runs. Those that it has begun stay; those that have not started are cancelled."""
    _refuse_of_backfill(trigger)
    in_code.remove(app, trigger)
    app.store.triggers.delete(trigger.id, clock.now())


def adopt(app: App, trigger: Trigger) -> Trigger:
    """The trigger is in its project's file from now on, and the two are kept in step."""
    _refuse_of_backfill(trigger)
    return in_code.adopt(app, trigger, clock.now())


def place(app: App, trigger: Trigger) -> tuple[ProjectRow, str]:
    """Its project, and its pipeline's name."""
    return app.store.projects.names(trigger.pipeline_id)


def token(app: App, trigger: Trigger) -> str:
    """What a caller of the trigger has to know."""
    return app.registry.token(trigger.id)


def rotate(app: App, trigger: Trigger) -> str:
    """A new token; the one before is worth nothing from now on."""
    token = vault.new_token()
    in_code.write_token(app, trigger, token)
    app.registry.accept(trigger.id, token, clock.now())
    return token


def run(app: App, trigger: Trigger, call: Call) -> Created:
    """A run of the trigger, whatever its type, for somebody who may: as `headrace triggers run`, or a session's call."""
    trigger = app.store.triggers.get(trigger.id)
    once = trigger.definition.type is TriggerType.TIME and trigger.definition.interval == schedule.ONCE
    return _run(app, trigger, call, activates=once, reason="by hand")


def call(app: App, trigger_id: int, given: str, body: Mapping[str, Any] | None, key: str | None = None) -> Created:
    """A run of an API trigger for whoever knows its token.

    `body` has the run's own variables under `pipeline_run`, and the event variables beside it, by the names of the Mage
    format. Raises BadToken, also for a trigger that is not there; NotCallable, KeyReused, BadCall.
    """
    try:
        known = app.store.triggers.token(trigger_id)
    except errors.TriggerNotFound:
        known = None
    if not vault.same(given, known.hash if known else "") or known is None:
        raise errors.BadToken(trigger=trigger_id)
    trigger = app.store.triggers.get(trigger_id)
    if trigger.definition.type is not TriggerType.API:
        raise errors.NotCallable(trigger=trigger.definition.name, type=trigger.definition.type.value)
    return _run(app, trigger, calls.read(body, key), activates=True, reason="by a call")


def _run(app: App, trigger: Trigger, call: Call, *, activates: bool, reason: str) -> Created:
    """Moved by this app's engine at once if it has room, else by any."""
    now, owner = clock.now(), app.taker()
    created = app.calls.run(trigger, call, now, activates=activates, reason=reason, owner=owner)
    app.bring(created)
    return created


def _adopted(app: App, made: Trigger, at: datetime, *, active: bool) -> Trigger:
    """The new trigger is in the file before it begins anything; one that cannot be is none."""
    try:
        return in_code.adopt(app, made, at, active=active)
    except errors.HeadraceError:
        with contextlib.suppress(errors.HeadraceError):
            in_code.remove(app, replace(made, in_code=True))
        app.store.triggers.delete(made.id, at)
        raise


def _changed(app: App, seen: Trigger, definition: Definition | None, *, active: bool | None) -> Trigger:
    """The trigger as it is then, in its project's file as well if it is in one. None leaves what others say of it."""
    _refuse_of_backfill(seen)
    at, trigger = clock.now(), find(app, str(seen.id))
    if definition is not None:
        _refuse_other(app, seen, trigger, definition.name)
    in_code.write(app, trigger, definition, at, active=active)
    return app.registry.change(trigger.id, definition, at, was=definition and seen.definition, active=active)


def _refuse_other(app: App, seen: Trigger, trigger: Trigger, name: str) -> None:
    """Before a file is written: TriggerChanged, and TriggerExists for a name that is another's."""
    if trigger.definition != seen.definition:
        raise errors.TriggerChanged(trigger=trigger.id)
    if name != trigger.definition.name and app.store.triggers.find(trigger.pipeline_id, name):
        raise errors.TriggerExists(pipeline=place(app, trigger)[1], name=name)


def _next(trigger: Trigger) -> datetime | None:
    return next(iter(upcoming(trigger, 1)), None)


def _refuse_of_backfill(trigger: Trigger) -> None:
    """What a backfill has made for its runs is left to it."""
    if trigger.definition.type is TriggerType.BACKFILL:
        raise errors.TriggerOfBackfill(trigger=trigger.definition.name)


def _nothing(named: str) -> Trigger:
    raise errors.TriggerNotFound(trigger=named)
