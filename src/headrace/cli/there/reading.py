"""What a client was told, as the values that operations give: a run as `operations.runs` shows it, and so on.

Ids that only the server's own database has are nought.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from headrace.cli.there.likeness import alike, counted
from headrace.client import values
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import Attempt, BlockRun, Event, Occasion, Reopening, Run
from headrace.model.trigger import Backfill, Definition, Trigger
from headrace.operations.backfills import Plan
from headrace.operations.backfills import Shown as ShownBackfill
from headrace.operations.retrying import Retry
from headrace.operations.runs import Shown
from headrace.operations.triggers import Listed as ListedTrigger
from headrace.operations.triggers import Shown as ShownTrigger
from headrace.store.backfills import PlacedBackfill
from headrace.store.triggers import Gap, LastRun

UNKNOWN = 0


def run(told: values.Run) -> Run:
    ids = {"pipeline_id": UNKNOWN, "version_id": UNKNOWN, "snapshot_id": UNKNOWN}
    return alike(Run, told, **ids, occasion=Occasion(trigger=told.trigger))


def shown(told: values.WholeRun) -> Shown:
    return Shown(
        run=run(told),
        project=told.project,
        folder=Path(told.folder),
        pipeline=pipeline(told),
        version=told.version,
        snapshot=told.snapshot,
        code=Path(told.code),
        home=Path(told.home),
        blocks=tuple(block_run(told.id, each) for each in told.blocks),
        attempts={each.block: [attempt(each.id, one) for one in each.attempts] for each in told.blocks},
        reused={each.block: each.reused_from_run for each in told.blocks if each.reused_from_run is not None},
        events=tuple(alike(Event, each, run_id=told.id) for each in told.events),
        abandoned=told.abandoned,
    )


def pipeline(told: values.WholeRun) -> Pipeline:
    """The pipeline of a run, as far as the run is about it."""
    blocks = [
        Block(each.block, BlockType(each.type), upstream=each.upstream_blocks) for each in told.blocks if each.type
    ]
    return Pipeline(told.pipeline, blocks=tuple(blocks))


def block_run(run_id: int, told: values.BlockRun) -> BlockRun:
    """`reused_from` is the run whose outputs it uses, where it uses some: which block run of that is not told."""
    number = told.attempts[-1].number if told.attempts else 0
    return alike(BlockRun, told, run_id=run_id, attempt=number, reused_from=told.reused_from_run)


def attempt(block_run_id: int, told: values.Attempt) -> Attempt:
    kept = outputs(told.outputs)
    return alike(Attempt, told, id=UNKNOWN, block_run_id=block_run_id, outputs=kept)


def retry(run_told: values.WholeRun, told: values.Retry) -> Retry:
    again = tuple(each for each in told.again if each not in told.added)
    reopening = Reopening(again, told.added, UNKNOWN, UNKNOWN, "")
    return alike(Retry, told, run=run(run_told), pipeline=pipeline(run_told), reopening=reopening)


def trigger(told: values.Trigger) -> Trigger:
    """`due_at` is when it fires next: when else it is to be looked at is not told."""
    definition = alike(Definition, told)
    return alike(Trigger, told, pipeline_id=UNKNOWN, definition=definition, considered=None, due_at=_first(told.next))


def listed_trigger(told: values.Trigger) -> ListedTrigger:
    return ListedTrigger(trigger(told), told.project, told.pipeline, _first(told.next), _last_run(told))


def shown_trigger(told: values.Trigger) -> ShownTrigger:
    gaps = [alike(Gap, each, trigger_id=told.id) for each in told.gaps]
    times = told.next if isinstance(told.next, tuple) else ()
    return ShownTrigger(trigger(told), told.project, Path(told.folder), told.pipeline, times, gaps, _last_run(told))


def backfill(told: values.Backfill) -> Backfill:
    dates = None if told.dates is None else counted(told.dates)
    return alike(Backfill, told, dates=dates)


def placed_backfill(told: values.Backfill) -> PlacedBackfill:
    return PlacedBackfill(backfill(told), told.project, told.pipeline, told.runs)


def shown_backfill(told: values.Backfill) -> ShownBackfill:
    missing = {each.date: each.status for each in told.missing}
    return ShownBackfill(backfill(told), told.project, Path(told.folder), told.pipeline, told.runs, missing)


def plan(told: values.Plan) -> Plan:
    return Plan(told.dates, {each.date: each.why for each in told.passed_over}, told.plan)


def _last_run(told: values.Trigger) -> LastRun | None:
    return alike(LastRun, told.last_run) if told.last_run else None


def _first(times: Sequence[datetime] | datetime | None) -> datetime | None:
    return times if isinstance(times, datetime) else next(iter(times or ()), None)


def outputs(told: Sequence[values.Output]) -> tuple[Output, ...]:
    return tuple(_output(each) for each in told)


def _output(told: values.Output) -> Output:
    """One without a path is kept in the database."""
    return alike(Output, told, path=told.path or "", extra={} if told.path else {"document": None})
