"""A home is opened, a run begins in it and is followed to its end; what is left is said and kept."""

import contextlib
import os
from datetime import datetime

from headrace import clock, errors
from headrace.app import App
from headrace.cli import closing, exits, following, lines, opening, out, paths, places, retries, tables
from headrace.cli.board import Board
from headrace.cli.following import Display, Follower
from headrace.cli.places import Place
from headrace.engine.begun import Begun
from headrace.engine.executor import Executor
from headrace.model.run import Run, RunStatus
from headrace.operations import retrying, runs, starting
from headrace.operations.asking import Again, Checked
from headrace.settings import Settings

_CODES = {RunStatus.COMPLETED: exits.COMPLETED, RunStatus.FAILED: exits.FAILED, RunStatus.CANCELLED: exits.CANCELLED}


def run(what: Checked | Again, settings: Settings, executor: Executor, *, quiet: bool) -> int:
    """Runs what was checked, or has a run go on as it is asked; the exit code.

    Raises the BadInput for which nothing was started.
    """
    began = clock.now()
    follower = Follower()
    with opening.opened(settings, executor, follower, own=True) as app:
        with follower:
            with opening.refusing(settings):
                begun = _begin(app, what, began, quiet=quiet)
            place = places.here(app)
            final = followed(place, begun, follower, began, quiet=quiet)
        if final is None:
            return code(None, follower)
        closing.say(place, runs.show(app, final.id))
        with contextlib.suppress(KeyboardInterrupt):  # everything but the rest of the profiles is recorded
            app.loop.settle(settings.profile_seconds)
        return code(final, follower)


def _begin(app: App, what: Checked | Again, began: datetime, *, quiet: bool) -> Begun:
    if isinstance(what, Again):
        return _go_on(app, what, quiet=quiet)
    begun = starting.begin_checked(app, what)
    if begun.run.created_at < began:
        exits.complain(f"Run {begun.run.id} was started before, with this key.")
    return begun


def _go_on(app: App, asked: Again, *, quiet: bool) -> Begun:
    """A run that no engine moves goes on where it was left; a final one is reopened."""
    if asked.plain and (begun := retrying.take_over(app, asked.run_id)):
        return begun
    retry = retrying.plan(app, asked)
    retries.warn(retry)
    if not quiet:
        out.say(retries.told(retry))
    return retrying.begin(app, retry)


def _tell_of_limits(place: Place, begun: Begun) -> None:
    """Where the run has to wait for others before it may begin, whoever watches is told."""
    if not begun.run.admitted_at:
        for reason in place.runs.explain(place.runs.show(begun.run.id)):
            if reason.kind == "limit":
                exits.complain(f"Run {begun.run.id} waits: {tables.bare(reason.says)}.")


def followed(place: Place, begun: Begun, follower: Follower, began: datetime, *, quiet: bool) -> Run | None:
    """The final run; None when it was left before its end, which has then been said."""
    board = Board(begun.run, begun.pipeline, begun.blocks)
    try:
        _tell_of_limits(place, begun)
        return follower.follow(begun, board, _display(board, began, quiet), lambda: _cancel(place, begun))
    except following.Left:
        exits.complain(f"Left run {begun.run.id} before its end.")
    except (errors.RunLost, errors.ServerUnreached) as error:
        exits.said(error)
        exits.complain(f"How it goes on: {paths.command('runs', 'why', begun.run.id)}")
        return None
    except Exception as error:
        exits.said(error)
    exits.complain(f"Go on with it: {closing.resume(begun.run.id)}")
    return None


def _cancel(place: Place, begun: Begun) -> None:
    with contextlib.suppress(errors.RunFinal):
        place.runs.cancel(begun.run.id)


def _display(board: Board, began: datetime, quiet: bool) -> Display:
    if quiet:
        return lines.Nothing()
    if out.terminal() and os.environ.get("TERM") != "dumb":
        from headrace.cli import live

        return live.Screen(board, began)
    return lines.Lines(board, began)


def code(final: Run | None, follower: Follower) -> int:
    """A run that was cancelled because this process was told to end says which signal told it."""
    if follower.interrupted and (final is None or final.status is RunStatus.CANCELLED):
        return 128 + follower.interrupted
    return exits.FAILED if final is None else _CODES[final.status]
