"""Triggers, which Mage calls pipeline schedules: listed, looked at, made, changed, deleted; and those in projects' files."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, page
from headrace.api.mage.events import shapes as events
from headrace.api.mage.resources import Resource
from headrace.api.mage.triggers import shapes
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import in_code, sorting, trigger_fields, triggers
from headrace.store.triggers import Wanted

schedules = Resource("pipeline_schedule", "pipeline_schedules")
written = Resource("pipeline_trigger", "pipeline_triggers")
RESOURCES = (schedules, written)

FILTERS = ("tag[]", "schedule_type[]", "schedule_interval[]", "status[]", "global_data_product_uuid", "order_by")
ORDERS = {"name": "name", "pipeline_uuid": "pipeline", "status": "status", "schedule_type": "type"}
# What others than owners say of a trigger; Mage passes over what else they do, without a word.
CREATED = frozenset({
    "description", "name", "repo_path", "schedule_interval", "schedule_type", "start_time", "status", "tags", "variables",
})  # fmt: skip
CHANGED = CREATED | {"event_matchers", "id", "last_enabled_at", "rotate_token", "settings", "sla"}


@schedules.list("/pipeline_schedules", query=FILTERS, shape=shapes.ListedSchedule)
def list_all(asked: Asked) -> Many:
    """Triggers"""
    order = asked.query.text("order_by") or asked.query.text("order_by[]") or ""
    return _listed(asked, _wanted(asked, None, "created_at" if order == "created_at" else ORDERS.get(order, "id")))


@schedules.list("/pipelines/{pipeline}/pipeline_schedules", query=FILTERS, shape=shapes.ListedSchedule)
def list_of_pipeline(asked: Asked) -> Many:
    """Triggers of a pipeline"""
    return _listed(asked, _wanted(asked, asked.path("pipeline"), "newest"))


@schedules.create("/pipelines/{pipeline}/pipeline_schedules", shape=shapes.Schedule)
def create(asked: Asked) -> shapes.Schedule:
    """Make a trigger"""
    given = asked.given if asked.owns else {name: each for name, each in asked.given.items() if name in CREATED}
    definition = trigger_fields.over(_blank(asked, given), _said(asked, given))
    active = trigger_fields.is_active(given.get("status") or "inactive")
    made = triggers.create(asked.home, asked.project.path, asked.path("pipeline"), definition, active=active)
    auditing.touch(asked.request, "pipeline_schedules", made.id)
    return _told(asked, made)


@schedules.detail("/pipeline_schedules/{trigger_id}", query=("global_data_product_uuid",), shape=shapes.ShownSchedule)
def show(asked: Asked) -> Any:
    """A trigger"""
    found = _found(asked)
    if asked.query.form == "with_runtime_average":
        count, average = triggers.count(asked.home, found), triggers.average(asked.home, found)
        return shapes.averaged(_told(asked, found), found, count, average)
    return _shown(asked, found)


@schedules.update("/pipeline_schedules/{trigger_id}", shape=shapes.ShownSchedule)
def update(asked: Asked) -> shapes.ShownSchedule:
    """Change a trigger"""
    given, found = _changes(asked), _found(asked)
    if given.get("rotate_token"):
        triggers.rotate(asked.home, found)
    if "status" in given or given.keys() & trigger_fields.NAMES:
        active = trigger_fields.is_active(given["status"]) if "status" in given else None
        definition = trigger_fields.over(found.definition, _said(asked, given))
        triggers.change(asked.home, found, definition, active=active)
    return _shown(asked, _found(asked))


@schedules.delete("/pipeline_schedules/{trigger_id}", shape=shapes.Schedule)
def delete(asked: Asked) -> shapes.Schedule:
    """Delete a trigger"""
    found = _found(asked)
    told = _told(asked, found)
    triggers.delete(asked.home, found)
    return told


@written.list("/pipelines/{pipeline}/pipeline_triggers", shape=shapes.PipelineTrigger)
def list_written(asked: Asked) -> Many:
    """Triggers that are written in a pipeline's file"""
    found = in_code.listed(asked.home, asked.project.path, asked.path("pipeline"))
    return Many([shapes.in_file(each) for each in found], {})


@written.create("/pipelines/{pipeline}/pipeline_triggers", shape=shapes.PipelineTrigger)
def write(asked: Asked) -> shapes.PipelineTrigger:
    """Write a trigger into its pipeline's file"""
    given = asked.given.get("pipeline_schedule_id")
    if isinstance(given, bool) or not isinstance(given, int):
        raise errors.BadField(field="pipeline_schedule_id", given=given, expected="the id of a trigger")
    found = triggers.adopt(asked.home, triggers.find(asked.home, str(given)))
    return shapes.of_trigger(found, triggers.place(asked.home, found)[1])


def _listed(asked: Asked, wanted: Wanted | None) -> Many:
    if wanted is None:
        return page([], 0, more=False)
    limit, offset = asked.query.limit(), asked.query.offset
    found = triggers.page(asked.home, wanted, limit, offset)
    tokens = sorting.tokens_for(asked.home, asked.caller, [each.trigger for each in found.rows])
    matchers = events.by_trigger(triggers.matchers(asked.home, asked.project.id))
    folder = str(asked.project.path)
    rows = [
        shapes.listed(
            shapes.schedule_of(each.trigger, each.pipeline, folder, tokens.get(each.trigger.id)),
            each,
            matchers.get(each.trigger.id, []),
        )
        for each in found.rows
    ]
    return page(rows, found.count, more=offset + len(rows) < found.count)


def _wanted(asked: Asked, pipeline: str | None, order: str) -> Wanted | None:
    """None: no trigger is like that."""
    query = asked.query
    types, statuses = query.several("schedule_type"), query.several("status")
    if (
        query.text("global_data_product_uuid")
        or _is_none(types, shapes.TYPES)
        or _is_none(statuses, trigger_fields.STATUSES)
    ):
        return None
    return Wanted(
        project_id=asked.project.id,
        pipeline=pipeline,
        types=tuple(each for each in types or () if each in shapes.TYPES),
        intervals=tuple(query.several("schedule_interval") or ()),
        active=_active(statuses),
        tags=frozenset(query.several("tag") or ()),
        order=order,
    )


def _is_none(given: Sequence[str] | None, known: Sequence[str]) -> bool:
    """Whether only what is unknown was asked for."""
    return given is not None and not any(each in known for each in given)


def _active(statuses: Sequence[str] | None) -> bool | None:
    known = set(statuses or ()) & set(trigger_fields.STATUSES)
    return "active" in known if len(known) == 1 else None


def _changes(asked: Asked) -> Mapping[str, Any]:
    """What is changed; of somebody who says what only an owner may, Mage takes the status alone."""
    given = asked.given
    if asked.owns or given.keys() <= CHANGED:
        return given
    return {name: value for name, value in given.items() if name == "status"}


def _blank(asked: Asked, given: Mapping[str, Any]) -> Definition:
    """A trigger of that name. RecordIncomplete without one."""
    if not given.get("name"):
        raise errors.RecordIncomplete(key="name", value=given.get("name"))
    return Definition(name=fields.text(asked, "name"), type=TriggerType.API)


def _said(asked: Asked, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a trigger, its start time as ISO 8601; one that says no type is time's if it has an interval."""
    if "name" in given and not given["name"]:
        raise errors.RecordIncomplete(key="name", value=given["name"])
    said = dict(given)
    if "start_time" in said:
        start = fields.moment(asked, "start_time")
        said["start_time"] = start and start.isoformat()
    if not said.get("schedule_type"):
        said.pop("schedule_type", None)
        said |= {"schedule_type": "time"} if said.get("schedule_interval") else {}
    return said


def _found(asked: Asked) -> Trigger:
    return triggers.find(asked.home, str(asked.id("trigger_id")))


def _told(asked: Asked, trigger: Trigger) -> shapes.Schedule:
    row, pipeline = triggers.place(asked.home, trigger)
    token = sorting.tokens_for(asked.home, asked.caller, [trigger]).get(trigger.id)
    return shapes.schedule_of(trigger, pipeline, str(row.path), token)


def _shown(asked: Asked, trigger: Trigger) -> shapes.ShownSchedule:
    row, _ = triggers.place(asked.home, trigger)
    matchers = events.by_trigger(triggers.matchers(asked.home, row.id))
    return shapes.shown(_told(asked, trigger), trigger, matchers.get(trigger.id, []))
