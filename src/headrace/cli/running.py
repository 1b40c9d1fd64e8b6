"""A home is opened, a run begins in it and is followed to its end; what is left is said and kept."""

import contextlib
import errno
import os
from collections.abc import Generator
from datetime import datetime

from headrace import clock, errors
from headrace.app import App
from headrace.cli import closing, exits, following, lines, out
from headrace.cli.board import Board
from headrace.cli.following import Display, Follower
from headrace.engine.executor import Executor
from headrace.model.run import Run, RunStatus
from headrace.operations import resuming, runs, starting
from headrace.operations.asking import Checked
from headrace.operations.handing import Begun
from headrace.settings import Settings

_CODES = {RunStatus.COMPLETED: exits.COMPLETED, RunStatus.FAILED: exits.FAILED, RunStatus.CANCELLED: exits.CANCELLED}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def run(what: Checked | int, settings: Settings, executor: Executor, *, quiet: bool) -> int:
    """Runs what was checked, or goes on with the run of that id; the exit code.

    Raises the BadInput for which nothing was started.
    """
    began = clock.now()
    follower = Follower()
    with _opened(settings, executor, follower) as app:
        with follower:
            with _refusing(settings):
                begun = _begin(app, what)
            final = _followed(app, begun, follower, began, quiet=quiet)
        if final is None:
            return _code(None, follower)
        closing.say(app, runs.show(app, final.id))
        with contextlib.suppress(KeyboardInterrupt):  # everything but the rest of the profiles is recorded
            app.loop.settle(settings.profile_seconds)
        return _code(final, follower)


@contextlib.contextmanager
def _opened(settings: Settings, executor: Executor, follower: Follower) -> Generator[App]:
    try:
        with _refusing(settings):
            app = App(settings)
            app.start([follower], executor)
    except BaseException:
        executor.close()
        raise
    with app:
        yield app


@contextlib.contextmanager
def _refusing(settings: Settings) -> Generator[None]:
    """Before a run has begun, a home or a disk that cannot take it is bad input."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise errors.HomeUnwritable(path=settings.home, why=exits.why(error)) from error
        raise


def _begin(app: App, what: Checked | int) -> Begun:
    return resuming.resume(app, what) if isinstance(what, int) else starting.begin_checked(app, what)


def _followed(app: App, begun: Begun, follower: Follower, began: datetime, *, quiet: bool) -> Run | None:
    """The final run; None when it was left before its end, which has then been said."""
    board = Board(begun.run, begun.pipeline, begun.blocks)
    try:
        return follower.follow(begun, board, _display(board, began, quiet), lambda: runs.cancel(app, begun.run.id))
    except following.Left:
        exits.complain(f"Left run {begun.run.id} before its end.")
    except Exception as error:
        exits.said(error)
    exits.complain(f"Go on with it: {closing.resume(begun.run.id)}")
    return None


def _display(board: Board, began: datetime, quiet: bool) -> Display:
    if quiet:
        return lines.Nothing()
    if out.terminal() and os.environ.get("TERM") != "dumb":
        from headrace.cli import live

        return live.Screen(board, began)
    return lines.Lines(board, began)


def _code(final: Run | None, follower: Follower) -> int:
    """A run that was cancelled because this process was told to end says which signal told it."""
    if follower.interrupted and (final is None or final.status is RunStatus.CANCELLED):
        return 128 + follower.interrupted
    return exits.FAILED if final is None else _CODES[final.status]
