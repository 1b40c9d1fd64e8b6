"""A run that did not complete goes on: in the same run, with the same code, from the blocks not completed."""

from headrace import errors
from headrace.app import App
from headrace.engine import owner
from headrace.model import graph, progress
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockStatus, Run, RunStatus
from headrace.operations import handing
from headrace.operations.handing import Begun


def resume(app: App, run_id: int) -> Begun:
    """Runs again what is not completed; outputs of completed blocks are reused where they can still be read.

    Goes on with a run that failed or was cancelled, or whose engine died. RunNotFound, RunNotResumable.
    """
    run = app.store.runs.get(run_id)
    _refuse(app, run)
    return handing.hand_over(app, run, reopen=_to_reopen(app, run), anew=True)


def abandoned(app: App, run: Run) -> bool:
    """Whether the run is under way in the books, and the engine that moved it is gone."""
    if run.status in FINAL_RUN:
        return False
    return run.owner is None or not owner.alive(app.settings.home, run.owner)


def _refuse(app: App, run: Run) -> None:
    if run.status is RunStatus.COMPLETED:
        raise errors.RunNotResumable(run=run.id, why="it is completed")
    if run.status not in FINAL_RUN and not abandoned(app, run):
        raise errors.RunNotResumable(run=run.id, why="it is running")


def _to_reopen(app: App, run: Run) -> frozenset[str]:
    """The final blocks that did not complete, or whose outputs are gone, with all below them that are final."""
    rows = {row.block: row for row in app.store.runs.block_runs(run.id)}
    broken = [
        block
        for block, row in rows.items()
        if row.status in FINAL_BLOCK
        and (row.status is not BlockStatus.COMPLETED or not handing.readable(app, row.reused_from or row.id))
    ]
    plan = progress.Plan.of(app.store.projects.version(run.version_id).graph, rows)
    below = graph.reach(graph.downstream(plan.upstream), broken)
    return frozenset(block for block in below if rows[block].status in FINAL_BLOCK)
