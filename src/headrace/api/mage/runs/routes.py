"""Pipeline runs: listed, looked at, begun by who has a session, cancelled, run again, deleted."""

from collections.abc import Callable
from typing import Any

from anyio import to_thread

from headrace import errors
from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.envelopes import page as enveloped
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import filters, shapes, waiting
from headrace.engine.calls import Call
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.model.sorting import Sorting
from headrace.operations import cancelling, deleting, pipelines, retrying, runs, sorting, triggers
from headrace.operations.asking import Again
from headrace.operations.sorting import Row
from headrace.store.creating import Created

pipeline_runs = Resource("pipeline_run", "pipeline_runs")

WRITES_OF_NEW = (
    "backfill_id",
    "event_variables",
    "execution_date",
    "pipeline_schedule_id",
    "pipeline_uuid",
    "variables",
)
WRITES = ("from_block_uuid", "pipeline_run_action", "status")
BASIC = "with_basic_details"


@pipeline_runs.list("/pipeline_runs", query=filters.LISTED, shape=shapes.ListedPipelineRun)
def list_all(asked: Asked) -> Many:
    """Runs, those of the latest dates first."""
    wanted = filters.asked_for(asked)
    return _page(asked, wanted, grouped=asked.query.text("pipeline_uuid") is not None)


@pipeline_runs.list(
    "/pipeline_schedules/{trigger_id}/pipeline_runs", query=filters.LISTED, shape=shapes.ListedPipelineRun
)
def list_of_trigger(asked: Asked) -> Many:
    """Runs of a trigger, those of the latest dates first."""
    trigger_id = asked.id("trigger_id")
    if not asked.home.store.triggers.exists(trigger_id):
        raise errors.TriggerNotFound(trigger=trigger_id)
    return _page(asked, filters.asked_for(asked, trigger_id=trigger_id), grouped=True)


@pipeline_runs.list("/pipelines/{pipeline}/pipeline_runs", query=filters.LISTED, shape=shapes.ListedPipelineRun)
def list_of_pipeline(asked: Asked) -> Many:
    """Runs of a pipeline, those of the latest dates first."""
    return _page(asked, filters.asked_for(asked, pipeline=asked.path("pipeline")), grouped=True)


@pipeline_runs.detail("/pipeline_runs/{run_id}", shape=shapes.ShownPipelineRun)
def show(asked: Asked) -> shapes.ShownPipelineRun | shapes.BasicPipelineRun:
    """A run with its block runs."""
    row = sorting.one(asked.home, asked.caller, asked.id("run_id"))
    if asked.query.form == BASIC:
        return shapes.basic(row)
    return shapes.shown(row, *_pipeline(asked, row))


@pipeline_runs.create("/pipeline_schedules/{trigger_id}/pipeline_runs", writes=WRITES_OF_NEW, shape=shapes.PipelineRun)
def create(asked: Asked) -> shapes.PipelineRun:
    """Begin a run of a trigger, whatever its type."""
    trigger = triggers.find(asked.home, str(asked.id("trigger_id")))
    return told(asked, triggers.run(asked.home, trigger, _call(asked)))


@pipeline_runs.create("/pipeline_runs", writes=WRITES_OF_NEW, shape=shapes.PipelineRun)
def create_of_body(asked: Asked) -> shapes.PipelineRun:
    """Begin a run of the trigger that the body names."""
    given = asked.given.get("pipeline_schedule_id")
    if not isinstance(given, int) or isinstance(given, bool):
        raise errors.BadField(field="pipeline_schedule_id", given=given, expected="the id of a trigger")
    return told(asked, triggers.run(asked.home, triggers.find(asked.home, str(given)), _call(asked)))


@pipeline_runs.update("/pipeline_runs/{run_id}", writes=WRITES, shape=shapes.PipelineRun)
async def update(asked: Asked) -> shapes.PipelineRun:
    """Cancel a run, or have blocks of it run again; whatever else is written changes nothing."""
    run = await to_thread.run_sync(runs.get, asked.home, asked.id("run_id"))
    if asked.given.get("status") == RunStatus.CANCELLED.value:
        await cancel(asked, run)
    elif asked.given.get("pipeline_run_action") == "retry_blocks":
        await _retry(asked, run, fields.text_if_any(asked, "from_block_uuid") or None)
    return shapes.run(await to_thread.run_sync(sorting.one, asked.home, asked.caller, run.id))


@pipeline_runs.delete("/pipeline_runs/{run_id}", shape=shapes.PipelineRun)
async def delete(asked: Asked) -> shapes.PipelineRun:
    """Delete a run with all that is kept of it; one that has not ended is cancelled before."""
    row = await to_thread.run_sync(sorting.one, asked.home, asked.caller, asked.id("run_id"))
    await cancel(asked, row.run)
    await to_thread.run_sync(deleting.delete, asked.home, row.run.id)
    return shapes.run(row)


async def cancel(asked: Asked, run: Run) -> None:
    """It is final then, or nearly so; one that was final stays as it is."""
    if run.status not in FINAL_RUN:
        async with waiting.moves(asked, run.id) as until:
            await to_thread.run_sync(cancelling.ask, asked.home, run.id)
            await until(lambda now: now.status in FINAL_RUN)


async def _retry(asked: Asked, run: Run, start: str | None) -> None:
    """What had not completed, and with `start` that block and all below it. Nothing is left to do for a run that goes
    on or has completed, unless a block is named. RunNotResumable, BlockNotFound.
    """
    if start is None and run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        return
    planned = await to_thread.run_sync(retrying.plan, asked.home, Again(run.id, start))
    asked.feed.reopened(run.id)
    async with waiting.moves(asked, run.id) as until:
        await to_thread.run_sync(retrying.ask, asked.home, planned)
        await until(lambda now: now.status is RunStatus.RUNNING or (now.epoch > run.epoch and now.status in FINAL_RUN))


def told(asked: Asked, created: Created, shape: Callable[[Row], Any] = shapes.run) -> Any:
    """The run that was begun."""
    auditing.touch(asked.request, "pipeline_runs", created.run.id, created.run.id)
    return shape(sorting.begun(asked.home, asked.caller, created.run))


def _call(asked: Asked) -> Call:
    """What is asked for of a run of a trigger. BadField."""
    return Call(
        variables=fields.mapping(asked, "variables") or {},
        event_variables=fields.mapping(asked, "event_variables"),
        execution_date=fields.moment(asked, "execution_date"),
        key=asked.request.headers.get("idempotency-key"),
    )


def _page(asked: Asked, wanted: Sorting | None, *, grouped: bool) -> Many:
    further = _uuids(asked)
    if wanted is None:
        return enveloped((), 0, more=False, **further)
    grouped = filters.groups(asked, within=grouped)
    rows, count, more = filters.page(asked, wanted, grouped=grouped)
    listed = [shapes.listed(row, *_pipeline(asked, row)) for row in rows]
    return enveloped(listed, count, more=more, **further)


def _pipeline(asked: Asked, row: Row) -> tuple[str | None, list[str] | None]:
    """The type and the tags of its pipeline as the run has it, where they are asked for."""
    query = asked.query
    kind = query.flag("include_pipeline_type") or query.text("pipeline_type") is not None
    tags = query.flag("include_pipeline_tags")
    if not kind and not tags:
        return None, None
    found = asked.home.store.projects.version(row.run.version_id)
    return found.type if kind else None, list(found.tags) if tags else None


def _uuids(asked: Asked) -> dict[str, list[str]]:
    if not asked.query.flag("include_pipeline_uuids"):
        return {}
    return {"pipeline_uuids": [each.name for each in pipelines.listed_in(asked.home, asked.project.path)]}
