"""Triggers as Mage's clients know them: each key, in its order, of its type."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.api.mage.events.shapes import EventMatcher
from headrace.model import schedule
from headrace.model.run import RunStatus
from headrace.model.trigger import Trigger, TriggerType
from headrace.operations import documents, trigger_fields, triggers
from headrace.operations.in_code import Written
from headrace.operations.triggers import Tallied

TOKEN_HIDDEN = "[API_TOKEN_PLACEHOLDER]"  # noqa: S105 - what stands for a token
TYPES = (TriggerType.TIME, TriggerType.API, TriggerType.EVENT)  # that Mage has a word for
IN_PROGRESS = (RunStatus.INITIAL, RunStatus.RUNNING)


class Schedule(TypedDict):
    created_at: str
    description: str | None
    global_data_product_uuid: None
    id: int
    last_enabled_at: str | None
    name: str
    pipeline_uuid: str
    repo_path: str | None
    schedule_interval: str | None
    schedule_type: str | None
    settings: dict[str, Any] | None
    sla: int | None
    start_time: str | None
    status: str
    token: str
    updated_at: str
    variables: dict[str, Any] | None


class ShownSchedule(Schedule):
    event_matchers: list[EventMatcher]
    next_pipeline_run_date: str | None
    tags: list[str]


class ListedSchedule(Schedule):
    event_matchers: list[EventMatcher]
    last_pipeline_run_status: str | None
    next_pipeline_run_date: str | None
    pipeline_in_progress_runs_count: int | None
    pipeline_runs_count: int | None
    tags: list[str]


class AveragedSchedule(Schedule):
    next_pipeline_run_date: str | None
    pipeline_runs_count: int
    runtime_average: float | None
    tags: list[str]


class PipelineTrigger(TypedDict):
    """A trigger as it is written in its project's file."""

    envs: list[str]
    name: str
    pipeline_uuid: str
    schedule_interval: str | None
    schedule_type: str
    settings: dict[str, Any] | None
    sla: int | None
    start_time: str | None
    status: str
    variables: dict[str, Any] | None


class Within(TypedDict):
    """A trigger, within its pipeline."""

    id: int
    name: str
    created_at: str
    updated_at: str
    pipeline_uuid: str
    schedule_interval: str | None
    schedule_type: str | None
    start_time: str | None
    status: str


def schedule_of(trigger: Trigger, pipeline: str, folder: str, token: str | None) -> Schedule:
    """What is told of a trigger everywhere."""
    definition = trigger.definition
    backfills = definition.type is TriggerType.BACKFILL
    return {
        "created_at": dates.spaced(trigger.created_at),
        "description": definition.description or None,
        "global_data_product_uuid": None,
        "id": trigger.id,
        "last_enabled_at": None if backfills else dates.spaced(trigger.last_enabled_at),
        "name": definition.name,
        "pipeline_uuid": pipeline,
        "repo_path": None if backfills else folder,
        "schedule_interval": _interval(trigger),
        "schedule_type": _type(trigger),
        "settings": trigger_fields.plain_settings(definition.settings) or None,
        "sla": definition.sla,
        "start_time": dates.spaced(trigger.created_at if backfills else definition.start_time),
        "status": _status(active=trigger.active),
        "token": token or TOKEN_HIDDEN,
        "updated_at": dates.spaced(trigger.updated_at),
        "variables": _variables(definition.variables),
    }


def shown(base: Schedule, trigger: Trigger, matchers: list[EventMatcher]) -> ShownSchedule:
    """The detail of a trigger, with its tags in their order."""
    return {
        **base,
        "event_matchers": matchers,
        "next_pipeline_run_date": dates.spaced(triggers.next_fire(trigger)),
        "tags": sorted(trigger.definition.tags),
    }


def listed(base: Schedule, row: Tallied, matchers: list[EventMatcher]) -> ListedSchedule:
    """A trigger in a list; what would count its runs is null while it has none."""
    made = sum(row.counts.values())
    going = sum(row.counts.get(status, 0) for status in IN_PROGRESS)
    return {
        **base,
        "event_matchers": matchers,
        "last_pipeline_run_status": row.last.status.value if row.last else None,
        "next_pipeline_run_date": dates.spaced(triggers.next_fire(row.trigger)),
        "pipeline_in_progress_runs_count": going if made else None,
        "pipeline_runs_count": made or None,
        "tags": [*row.trigger.definition.tags],
    }


def averaged(base: Schedule, trigger: Trigger, count: int, seconds: float | None) -> AveragedSchedule:
    """`runtime_average` is in seconds."""
    return {
        **base,
        "next_pipeline_run_date": dates.spaced(triggers.next_fire(trigger)),
        "pipeline_runs_count": count,
        "runtime_average": None if seconds is None else round(seconds, 2),
        "tags": sorted(trigger.definition.tags),
    }


def within(trigger: Trigger, pipeline: str) -> Within:
    """Its dates have a T there."""
    return {
        "id": trigger.id,
        "name": trigger.definition.name,
        "created_at": dates.with_t(trigger.created_at),
        "updated_at": dates.with_t(trigger.updated_at),
        "pipeline_uuid": pipeline,
        "schedule_interval": _interval(trigger),
        "schedule_type": _type(trigger),
        "start_time": dates.with_t(trigger.definition.start_time),
        "status": _status(active=trigger.active),
    }


def in_file(written: Written) -> PipelineTrigger:
    definition = written.definition
    return {
        "envs": [*written.envs],
        "name": definition.name,
        "pipeline_uuid": written.pipeline,
        "schedule_interval": definition.interval,
        "schedule_type": definition.type.value,
        "settings": trigger_fields.plain_settings(definition.settings) or None,
        "sla": definition.sla,
        "start_time": dates.spaced(definition.start_time),
        "status": _status(active=written.active),
        "variables": _variables(definition.variables),
    }


def of_trigger(trigger: Trigger, pipeline: str) -> PipelineTrigger:
    """A trigger as it has just been written in its project's file."""
    return in_file(Written(trigger.definition, trigger.active, trigger.last_enabled_at, None, (), pipeline, 0))


def _interval(trigger: Trigger) -> str | None:
    """A backfill's trigger has one in Mage, which nothing comes of."""
    return schedule.ONCE if trigger.definition.type is TriggerType.BACKFILL else trigger.definition.interval


def _type(trigger: Trigger) -> str | None:
    kind = trigger.definition.type
    return None if kind is TriggerType.BACKFILL else kind.value


def _status(*, active: bool) -> str:
    return "active" if active else "inactive"


def _variables(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    return documents.masked(variables) or None
