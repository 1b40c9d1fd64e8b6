"""Started: a run of another pipeline, as the block sees it that has started it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec

from headrace import errors
from headrace.model.run import Run, RunStatus
from headrace.worker import running, wire

LARGEST = 8 * 2**20  # bytes of JSON that the variables of a run may be in all


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """The run when it was last told of; the names are those of Mage 0.9.80. `status` is a text, and so is its `value`."""

    id: int
    uid: str
    pipeline_uuid: str
    status: RunStatus
    reason: str  # why it is there
    variables: Mapping[str, Any]
    execution_date: datetime
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None  # of a run that completed
    pipeline_schedule_id: int | None


def start(request: wire.StartRun) -> PipelineRun:
    """Has the run started, and waits for as long as the request says.

    Raises RunNotStarted, which says why, and CannotAsk where no block runs.
    """
    if running.ask is None:
        raise errors.CannotAsk
    answer = running.ask(request)
    if isinstance(answer, wire.Declined):
        raise errors.RunNotStarted(pipeline=request.pipeline, why=answer.why)
    assert isinstance(answer, wire.Told)  # noqa: S101 - nothing else answers such a request
    return _seen(answer.run, answer.pipeline)


def plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables as a run keeps them: what JSON has, moments as text in ISO 8601, numbers of numpy as numbers.

    CannotPass names the variable that is something else, or by which they are too large.
    """
    found: dict[str, Any] = {}
    size = 0
    for name, value in variables.items():
        try:
            document = msgspec.json.encode(value, enc_hook=_unwrapped)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            raise errors.CannotPass(name=name, why=error) from error
        size += len(document)
        if size > LARGEST:
            raise errors.CannotPass(name=name, why=f"all of them are to have {LARGEST} bytes at most")
        found[name] = msgspec.json.decode(document)
    return found


def _unwrapped(value: Any) -> Any:
    """The number or text within a scalar of numpy; TypeError for what is none."""
    kind = cast("type[Any]", type(value))
    if kind.__module__ == "numpy" and not getattr(value, "shape", None):
        return value.item()
    raise TypeError(f"a {kind.__module__}.{kind.__qualname__} is not something that JSON has")


def _seen(run: Run, pipeline: str) -> PipelineRun:
    return PipelineRun(
        id=run.id,
        uid=run.uid,
        pipeline_uuid=pipeline,
        status=run.status,
        reason=run.reason,
        variables=run.variables,
        execution_date=run.execution_date,
        created_at=run.created_at,
        started_at=run.started_at,
        completed_at=run.ended_at if run.status is RunStatus.COMPLETED else None,
        pipeline_schedule_id=run.trigger_id,
    )
