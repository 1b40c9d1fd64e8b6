"""Runs are asked to be cancelled; the engine that moves them does so."""

import contextlib
from datetime import datetime

from headrace import clock, errors
from headrace.app import App


def ask(app: App, run_id: int) -> datetime | None:
    """Since when it is asked; None for a run that is final, of which nothing is left to cancel. RunNotFound."""
    run = app.store.runs.get(run_id)
    return app.store.runs.request_cancel(run.id, clock.now())


def ask_all(app: App, pipeline_id: int, reason: str) -> None:
    """Every open run of the pipeline is asked to be cancelled, for that reason, and so are its backfills."""
    app.store.runs.request_cancels(pipeline_id, reason, clock.now())
    for going in app.store.backfills.open():
        with contextlib.suppress(errors.BackfillNotFound, errors.RowUnreadable):
            backfill = app.store.backfills.get(going.id)
            if backfill.pipeline_id == pipeline_id:
                app.store.backfills.cancel(backfill, clock.now())
