"""Together: what `PUT /api/pipelines/:uuid` has done with runs of the pipeline."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.model.query import Query
from headrace.model.run import RunStatus
from headrace.operations import together

ACTIONS = ("cancelled", "retry", "retry_incomplete_block_runs")
OPEN = frozenset({RunStatus.INITIAL, RunStatus.RUNNING})


def carry_out(asked: Asked, pipeline: str, fields: Mapping[str, Any]) -> None:
    """What the `status` among the fields says, which is one of ACTIONS. BadField, and what refuses the deed."""
    home, of = asked.home, Query(project=asked.project.name, pipeline=pipeline)
    match fields["status"]:
        case "cancelled":
            together.cancel(home, _to_cancel(asked, of, fields))
        case "retry":
            for run_id in _named(fields):
                together.anew(home, run_id)
        case _:
            together.retry(home, together.found(home, _with(of, statuses=frozenset({RunStatus.FAILED}))))


def _to_cancel(asked: Asked, of: Query, fields: Mapping[str, Any]) -> Iterable[int]:
    """Those that are named, else the open ones of the trigger that is named, else of the pipeline."""
    if "pipeline_runs" in fields:
        return _named(fields)
    trigger = fields.get("pipeline_schedule_id")
    if trigger is not None and (not isinstance(trigger, int) or isinstance(trigger, bool)):
        raise errors.BadField(field="pipeline_schedule_id", given=trigger, expected="the id of a trigger")
    return together.found(asked.home, _with(of, trigger=trigger, statuses=OPEN))


def _with(of: Query, *, statuses: frozenset[RunStatus], trigger: int | None = None) -> Query:
    return Query(project=of.project, pipeline=of.pipeline, trigger=trigger, statuses=statuses)


def _named(fields: Mapping[str, Any]) -> list[int]:
    """The ids of the runs. BadField."""
    given: Any = fields.get("pipeline_runs")
    runs = cast("list[Any]", given) if isinstance(given, list) else [None]
    ids = [cast("dict[str, Any]", run).get("id") if isinstance(run, dict) else None for run in runs]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
        raise errors.BadField(field="pipeline_runs", given=given, expected="a list of objects that have an id")
    return cast("list[int]", ids)
