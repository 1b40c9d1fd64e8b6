"""Many runs are cancelled, run again, or begun anew together."""

import contextlib
from collections.abc import Iterable, Iterator

from headrace import errors
from headrace.app import App
from headrace.engine.calls import Call
from headrace.model.query import Query
from headrace.model.run import Run
from headrace.model.trigger import FINAL_BACKFILL, Trigger, TriggerType
from headrace.operations import asking, cancelling, listing, retrying, runs, starting, triggers
from headrace.operations.asking import Again
from headrace.store.creating import Created


def cancel(app: App, those: Iterable[int]) -> None:
    """Each is asked to be cancelled; nothing is left to do for one that is final. RunNotFound."""
    for run_id in those:
        cancelling.ask(app, run_id)


def retry(app: App, those: Iterable[int]) -> None:
    """In each that is final what had not completed runs again; those that cannot be run again stay as they are."""
    for run_id in those:
        with contextlib.suppress(errors.RunNotResumable, errors.BlockNotFound):
            retrying.ask(app, retrying.plan(app, Again(run_id)))


def anew(app: App, run_id: int) -> Created:
    """A new run with what that one was given: its date, variables, trigger and backfill. RunNotFound, and what refuses a run.

    Of a trigger that was deleted, or of a backfill that has ended, or of none, it is one by hand.
    """
    run = runs.get(app, run_id)
    trigger = _trigger(app, run)
    if trigger is None:
        return starting.start(app, _by_hand(app, run))
    call = Call(
        variables=run.variables,
        event_variables=run.event_variables,
        execution_date=run.execution_date,
        backfill_id=run.backfill_id,
    )
    return triggers.run(app, trigger, call)


def found(app: App, query: Query) -> Iterator[int]:
    """The ids of all runs of the list, which may change meanwhile. BadFilter."""
    return (each.run.id for each in listing.walk(app, query, listing.MOST))


def _trigger(app: App, run: Run) -> Trigger | None:
    """What begins another run like that one; None where nothing does any more: of a backfill that has ended it would
    wait for ever.
    """
    if run.trigger_id is None or not app.store.triggers.exists(run.trigger_id):
        return None
    trigger = app.store.triggers.get(run.trigger_id)
    return None if trigger.definition.type is TriggerType.BACKFILL and _has_ended(app, run.backfill_id) else trigger


def _has_ended(app: App, backfill_id: int | None) -> bool:
    """Whether that backfill makes no more runs, as one that was deleted."""
    return backfill_id is None or app.store.backfills.get(backfill_id).status in FINAL_BACKFILL


def _by_hand(app: App, run: Run) -> asking.Asked:
    row, pipeline = app.store.projects.names(run.pipeline_id)
    start, only = run.selection.get("from"), run.selection.get("only", ())
    return asking.Asked(row.path, pipeline, run.variables, start, only, run.settings, execution_date=run.execution_date)
