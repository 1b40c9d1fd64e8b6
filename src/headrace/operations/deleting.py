"""A run is deleted, with all that is kept of it."""

import contextlib
import logging

from headrace import errors
from headrace.app import App
from headrace.engine import leavings
from headrace.model.run import FINAL_RUN


def delete(app: App, run_id: int) -> None:
    """Its rows go, then what lies on the disk for it; of the latter the cleaner takes away what cannot go now.

    RunNotFound; RunNotDeletable for one that is not final, or that others need.
    """
    run = app.store.runs.get(run_id)
    if run.status not in FINAL_RUN:
        raise errors.RunNotDeletable(run=run.id, why=f"it is {run.status}; cancel it first")
    left = app.store.retention.forget(run.id)
    if left is None:
        raise errors.RunNotDeletable(
            run=run.id, why="it is asked to go on, or another run or an open backfill needs what it has"
        )
    for each in left:
        try:
            leavings.take_away(app.settings.home / each.path)
        except OSError as error:
            logging.getLogger(__name__).warning("%s stays for the cleaner: %s", each.path, error)
        else:
            with contextlib.suppress(errors.NotAllowed):
                app.store.retention.settle([each.id])
