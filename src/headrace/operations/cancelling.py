"""A run is asked to be cancelled; the engine that moves it does so."""

from datetime import datetime

from headrace import clock
from headrace.app import App


def ask(app: App, run_id: int) -> datetime | None:
    """Since when it is asked; None for a run that is final, of which nothing is left to cancel. RunNotFound."""
    run = app.store.runs.get(run_id)
    return app.store.runs.request_cancel(run.id, clock.now())
