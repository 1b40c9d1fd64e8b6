"""Backfills as Mage's clients know them: each key, in its order, of its type."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.model import slot
from headrace.model.run import RunStatus
from headrace.model.slot import Slot
from headrace.model.trigger import Backfill, BackfillStatus
from headrace.operations import documents, trigger_fields


class RunDate(TypedDict):
    """The date of a run that a backfill makes."""

    ds: str
    execution_date: str
    hr: str
    interval_end_datetime: str | None
    interval_seconds: float | None
    interval_start_datetime: str
    interval_start_datetime_previous: str | None


class MageBackfill(TypedDict):
    """A backfill; the last three keys are there when they are asked for."""

    block_uuid: None
    completed_at: str | None
    created_at: str
    end_datetime: str
    failed_at: None
    interval_type: str
    interval_units: int
    metrics: None
    name: str
    pipeline_schedule_id: int | None
    pipeline_uuid: str
    settings: dict[str, Any] | None
    start_datetime: str
    started_at: str | None
    status: str | None
    updated_at: str
    variables: dict[str, Any] | None
    id: int
    total_run_count: NotRequired[int]
    run_status_counts: NotRequired[dict[str, int]]
    pipeline_run_dates: NotRequired[list[RunDate]]


def backfill(found: Backfill, pipeline: str, counts: Mapping[str, int]) -> MageBackfill:
    """What is told of a backfill everywhere."""
    completed = found.status is BackfillStatus.COMPLETED
    return {
        "block_uuid": None,
        "completed_at": dates.spaced(found.ended_at) if completed else None,
        "created_at": dates.spaced(found.created_at),
        "end_datetime": dates.spaced(found.end_time),
        "failed_at": None,
        "interval_type": found.interval_type,
        "interval_units": found.interval_units,
        "metrics": None,
        "name": found.name,
        "pipeline_schedule_id": found.trigger_id,
        "pipeline_uuid": pipeline,
        "settings": trigger_fields.plain_settings(found.settings) or None,
        "start_datetime": dates.spaced(found.start_time),
        "started_at": dates.spaced(found.started_at),
        "status": status(found, counts),
        "updated_at": dates.spaced(found.updated_at),
        "variables": documents.masked(found.variables) or None,
        "id": found.id,
    }


def counted(base: MageBackfill, dates_of: Sequence[Slot], counts: Mapping[str, int]) -> MageBackfill:
    return {**base, "total_run_count": len(dates_of), "run_status_counts": {**counts}}


def previewed(base: MageBackfill, shown: Sequence[Slot]) -> MageBackfill:
    return {**base, "pipeline_run_dates": [run_date(each) for each in shown]}


def run_date(of: Slot) -> RunDate:
    told = slot.variables(of)
    return {
        "ds": told["ds"],
        "execution_date": told["execution_date"],
        "hr": told["hr"],
        "interval_end_datetime": told["interval_end_datetime"],
        "interval_seconds": told["interval_seconds"],
        "interval_start_datetime": told["interval_start_datetime"],
        "interval_start_datetime_previous": told["interval_start_datetime_previous"],
    }


def status(found: Backfill, counts: Mapping[str, int]) -> str | None:
    """Mage's word: null until it is started, `initial` until a run of it has; it has none for one that is paused."""
    match found.status:
        case BackfillStatus.INITIAL:
            return None
        case BackfillStatus.RUNNING | BackfillStatus.PAUSED:
            return (
                "running" if any(counts.get(each) for each in RunStatus if each is not RunStatus.INITIAL) else "initial"
            )
        case _:
            return found.status.value
