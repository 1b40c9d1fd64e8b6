"""Backfills are planned, started, paused, resumed and cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace import clock, errors, project
from headrace.app import App
from headrace.model import backfill as ranges
from headrace.model import terms
from headrace.model.run import RunStatus
from headrace.model.slot import Slot
from headrace.model.trigger import (
    FINAL_BACKFILL,
    Backfill,
    BackfillStatus,
    Definition,
    TriggerSettings,
    TriggerType,
    Which,
)
from headrace.operations import asking, sight
from headrace.store.backfills import NewBackfill, PlacedBackfill
from headrace.store.projects import ProjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a backfill is to be."""

    name: str
    start: datetime
    end: datetime
    interval_type: str = "day"
    interval_units: int = 1
    which: Which = Which.MISSING
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: TriggerSettings = field(default_factory=TriggerSettings)


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs that a backfill would make, and those dates of its range that it passes over, with the reason.

    Its `hash` names just this plan; None for that of a backfill which nobody has written down.
    """

    dates: Sequence[datetime]
    passed_over: Mapping[datetime, str]
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A backfill with what one would ask of it: how many of its runs have each status, and which dates it misses.

    `missing` are the dates of its plan whose latest run has not completed, with that run's status; None where no run
    was made yet.
    """

    backfill: Backfill
    project: str
    folder: Path
    pipeline: str
    counts: Mapping[str, int]
    missing: Mapping[datetime, str | None]


def check(folder: Path, pipeline: str, asked: Asked) -> None:
    """Raises the BadInput for which there cannot be such a backfill, if that can be known without the home."""
    _refuse_wrong(asked)
    asking.check(asking.Asked(folder, pipeline, asked.variables))


def create(app: App, folder: Path, pipeline: str, asked: Asked) -> Backfill:
    """Writes it down; nothing is started. Raises BadBackfill, BadTrigger, and what a run of the pipeline would."""
    _refuse_wrong(asked)
    sight.refuse_unseen(app, folder, pipeline)
    at = clock.now()
    pin = app.maker.pin(app.maker.keep(project.open(folder).path), pipeline, at)
    return app.store.backfills.create(NewBackfill(pipeline_id=pin.pinned.pipeline_id, **_kept(asked)), at)


def change(app: App, backfill: Backfill, asked: Asked) -> Backfill:
    """It is to be so from now on; BackfillRefused while it is under way. BadBackfill, BadTrigger."""
    _refuse_wrong(asked)
    return _after(app, backfill, app.store.backfills.change(backfill, _kept(asked), clock.now()), "changed")


def delete(app: App, backfill: Backfill) -> None:
    """It is gone; its runs stay. One that is under way is cancelled first."""
    if backfill.status in (BackfillStatus.RUNNING, BackfillStatus.PAUSED):
        backfill = cancel(app, backfill)
    if not app.store.backfills.delete(backfill):
        raise errors.BackfillRefused(backfill=backfill.id, deed="deleted", why="it was started again meanwhile")


def page(
    app: App, project_id: int, pipeline: str | None, limit: int, offset: int = 0
) -> tuple[list[PlacedBackfill], int]:
    """At most `limit` of the project's backfills, the newest first, after the first `offset`; and how many there are."""
    return app.store.backfills.page(project_id, pipeline, limit, offset)


def dates(backfill: Backfill) -> Sequence[Slot]:
    """The slots of its range."""
    return ranges.slots(backfill.start_time, backfill.end_time, backfill.interval_type, backfill.interval_units)


def plan(app: App, backfill: Backfill) -> Plan:
    """What starting it now would make."""
    found = _planned(app, backfill.pipeline_id, dates(backfill), backfill.which)
    return replace(found, hash=ranges.plan_hash(found.dates, str(backfill.id), backfill.which))


def foresee(app: App, folder: Path, pipeline: str, asked: Asked) -> Plan:
    """What such a backfill would make if it were started now. Nothing is written down; raises what `check` does."""
    sight.refuse_unseen(app, folder, pipeline)
    check(folder, pipeline, asked)
    slots = ranges.slots(asked.start, asked.end, asked.interval_type, asked.interval_units)
    return _planned(app, app.store.projects.pipeline(project.open(folder).path, pipeline), slots, asked.which)


def start(app: App, backfill: Backfill, *, planned: str | None = None) -> Backfill:
    """Makes what is planned, from now on. PlanChanged when that is not the plan of the hash that was `planned`.

    One that is going on already, or of whose dates none is left, is refused with BackfillRefused.
    """
    if backfill.status in (BackfillStatus.RUNNING, BackfillStatus.PAUSED):
        raise errors.BackfillRefused(backfill=backfill.id, deed="started", why=f"it is {backfill.status.value}")
    found = plan(app, backfill)
    if planned is not None and planned != found.hash:
        raise errors.PlanChanged(backfill=backfill.id, planned=planned, now=found.hash, count=len(found.dates))
    if not found.dates:
        raise errors.BackfillRefused(backfill=backfill.id, deed="started", why="there is no date to make a run for")
    at = clock.now()
    landed = app.store.backfills.start(backfill, found.dates, _trigger(app, backfill, at), at)
    return _after(app, backfill, landed, "started")


def pause(app: App, backfill: Backfill) -> Backfill:
    """Nothing more of it begins until it is resumed; what runs goes on."""
    return _after(app, backfill, app.store.backfills.pause(backfill, clock.now()), "paused")


def resume(app: App, backfill: Backfill) -> Backfill:
    return _after(app, backfill, app.store.backfills.resume(backfill, clock.now()), "resumed")


def cancel(app: App, backfill: Backfill) -> Backfill:
    """It makes no more runs, and those that are not final are stopped."""
    return _after(app, backfill, app.store.backfills.cancel(backfill, clock.now()), "cancelled")


def get(app: App, backfill_id: int) -> Backfill:
    """BackfillNotFound if there is none of that id."""
    return app.store.backfills.get(backfill_id)


def place(app: App, backfill: Backfill) -> tuple[ProjectRow, str]:
    """Its project, and its pipeline's name."""
    return app.store.projects.names(backfill.pipeline_id)


def counts(app: App, backfill: Backfill) -> Mapping[str, int]:
    """How many of its runs have each status."""
    return app.store.backfills.counts(backfill.id)


def show(app: App, backfill: Backfill) -> Shown:
    row, pipeline = app.store.projects.names(backfill.pipeline_id)
    latest = app.store.backfills.latest_of(backfill.id)
    missing = {date: latest.get(date) for date in backfill.dates or () if latest.get(date) != RunStatus.COMPLETED}
    return Shown(backfill, row.name, row.path, pipeline, counts(app, backfill), missing)


def latest(
    app: App, limit: int = 100, *, before: int | None = None, pipeline: str | None = None
) -> list[PlacedBackfill]:
    """The newest first, at most `limit`."""
    return app.store.backfills.list(pipeline=pipeline, limit=limit, before=before)


def _refuse_wrong(asked: Asked) -> None:
    """BadBackfill, BadTrigger."""
    ranges.slots(asked.start, asked.end, asked.interval_type, asked.interval_units)
    terms.refuse_wrong(_definition(asked.name, asked.variables, asked.settings))


def _kept(asked: Asked) -> dict[str, Any]:
    """By the names under which it is kept."""
    return {
        "name": asked.name,
        "start_time": asked.start,
        "end_time": asked.end,
        "interval_type": asked.interval_type,
        "interval_units": asked.interval_units,
        "which": asked.which,
        "variables": asked.variables,
        "settings": asked.settings,
    }


def _planned(app: App, pipeline_id: int | None, slots: Sequence[Slot], which: Which) -> Plan:
    """The plan for those slots, with what is known of the pipeline's runs; nothing is known of one that has no id."""
    first, last = slots[0].execution_date, slots[-1].execution_date
    known = app.store.backfills.latest(pipeline_id, first, last) if pipeline_id is not None else {}
    dates = [slot.execution_date for slot in slots]
    passed = {date: why for date in dates if (why := _passed_over(which, known.get(date, ())))}
    return Plan([date for date in dates if date not in passed], passed)


def _passed_over(which: Which, statuses: Sequence[str]) -> str | None:
    """Why that date gets no run; None when it gets one."""
    match which:
        case Which.ALL:
            return None
        case Which.MISSING:
            return "it has a completed run" if RunStatus.COMPLETED in statuses else _going(statuses)
        case Which.FAILED:
            return None if statuses and statuses[-1] == RunStatus.FAILED else "its latest run has not failed"


def _going(statuses: Sequence[str]) -> str | None:
    going = (RunStatus.INITIAL, RunStatus.RUNNING)
    return "a run of it is under way" if any(status in going for status in statuses) else None


def _trigger(app: App, backfill: Backfill, at: datetime) -> int:
    """What its runs are of; the same at each start."""
    definition = _definition(backfill.name, backfill.variables, backfill.settings)
    if backfill.trigger_id is not None:
        return app.registry.change(backfill.trigger_id, definition, at, active=False).id
    named = app.store.triggers.find(backfill.pipeline_id, definition.name)
    if named:  # of a start that did not come to its end, or of another backfill of that name
        definition = _definition(f"{backfill.name} ({backfill.id})", backfill.variables, backfill.settings)
        named = app.store.triggers.find(backfill.pipeline_id, definition.name)
    return named.id if named else app.registry.create(backfill.pipeline_id, definition, at, active=False).id


def _definition(name: str, variables: Mapping[str, Any], settings: TriggerSettings) -> Definition:
    return Definition(name=f"Backfill {name}", type=TriggerType.BACKFILL, variables=variables, settings=settings)


def _after(app: App, seen: Backfill, landed: bool, deed: str) -> Backfill:
    """The backfill as it is now; BackfillRefused where what was asked did not land."""
    found = app.store.backfills.get(seen.id)
    if landed:
        return found
    ended = "; it has ended" if found.status in FINAL_BACKFILL else ""
    raise errors.BackfillRefused(backfill=seen.id, deed=deed, why=f"it is {found.status.value}{ended}")
