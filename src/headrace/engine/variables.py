"""The keyword arguments of a block: variables by precedence, with what the run itself says over them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from headrace.model.pipeline import Block, Pipeline
from headrace.model.run import BlockRun, Run

_MOMENTS = ("interval_start_datetime", "interval_end_datetime", "interval_start_datetime_previous")
_INTERVAL = (*_MOMENTS, "interval_seconds")


def of(pipeline: Pipeline, block: Block, run: Run, row: BlockRun, project_path: str) -> dict[str, Any]:
    """Pipeline variables < the trigger's < the run's < what the run says (the names and values of Mage 0.9.80's scheduler).

    Event variables fill only what is missing then. `logger` and `context` are not here: only the process that runs the
    block can make them.
    """
    given = {**pipeline.variables, **run.occasion.variables, **run.variables}
    return {
        **(run.event_variables or {}),
        **given,
        **_said_by_run(run),
        **_interval(run),
        "configuration": dict(block.configuration),
        "pipeline_uuid": pipeline.name,
        "block_uuid": block.uuid,
        "repo_path": project_path,
        "retry": {"attempts": row.failures + 1},
    }


def _said_by_run(run: Run) -> Mapping[str, Any]:
    date = run.execution_date
    return {
        "ds": date.strftime("%Y-%m-%d"),
        "hr": date.strftime("%H"),
        "env": "prod",
        "event": {**_mapping(run.variables.get("event")), **(run.event_variables or {})},
        "execution_date": date,
        "execution_partition": run.variables.get("execution_partition") or _partition(run),
        "pipeline_run_id": run.id,
        "trigger_name": run.occasion.trigger,
    }


def _partition(run: Run) -> str:
    """The text by which the Mage format tells apart what runs leave behind."""
    if run.trigger_id is None:
        return run.execution_date.strftime("%Y%m%dT%H%M%S_%f")
    return f"{run.trigger_id}/{run.execution_date:%Y%m%dT%H%M%S}"


def _interval(run: Run) -> Mapping[str, Any]:
    """What stretch of time the run is about: as its variables have it, else as its trigger fires; or nothing."""
    if any(name in run.variables for name in _INTERVAL):
        return {name: _moment(run.variables[name]) for name in _MOMENTS if name in run.variables}
    slot = run.occasion.slot
    if run.occasion.interval is None or slot is None or slot.interval_end is None:
        return {}
    return {
        "interval_start_datetime": slot.execution_date,
        "interval_end_datetime": slot.interval_end,
        "interval_seconds": slot.interval_seconds,
        "interval_start_datetime_previous": slot.previous,
    }


def _moment(written: Any) -> Any:
    """The moment that a text says; what says none is left as it was given."""
    try:
        return datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return written


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
