"""An engine is run until a signal ends it, and what its runs come to is told.

The engine tells on its own thread and signals come at any time; both only put into a queue, which this thread empties.
"""

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from types import FrameType

from headrace import clock, project
from headrace.api import listening
from headrace.api.feed import Feed
from headrace.api.server import Server
from headrace.app import App
from headrace.cli import exits, garbage, marks, opening, out, paths, quantities, tables
from headrace.cli.following import SIGNALS
from headrace.engine.executor import Executor
from headrace.model.run import FINAL_RUN, Run
from headrace.operations import projects, reasons
from headrace.settings import Settings
from headrace.store.changes import Change, RunMoved


class Heard:
    """An observer of runs that begin and end, and a context in which SIGINT and SIGTERM are heard as well."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Run | signal.Signals | None] = queue.SimpleQueue()

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        if any(isinstance(change, RunMoved) for change in changes):
            self.queue.put(run)

    @contextlib.contextmanager
    def signals(self) -> Generator[None]:
        before = {each: signal.signal(each, self._on_signal) for each in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.queue.put(signal.Signals(number))


def serve(settings: Settings, executor: Executor, folders: Sequence[Path], grace: float, *, quiet: bool) -> int:
    """Runs an engine; the exit code. EngineRunning for a second one of a home with SQLite."""
    heard = Heard()
    _refuse_no_projects(folders)
    with heard.signals(), opening.opened(settings, executor, heard, own=False) as app:
        _register(app, folders)
        out.say(f"The engine {app.owner} runs in {paths.near(settings.home)}; Ctrl-C ends it.")
        _live(app, heard, grace, quiet=quiet)
    return exits.COMPLETED


def serve_http(settings: Settings, executor: Executor, folders: Sequence[Path], grace: float, *, quiet: bool) -> int:
    """Runs an engine and answers requests; the exit code. PortTaken, CannotListen, Unprotected, and what `serve` raises."""
    heard, feed = Heard(), Feed()
    _refuse_no_projects(folders)
    with contextlib.ExitStack() as closing:
        bound = closing.enter_context(listening.bind(settings.host, settings.port))
        closing.enter_context(heard.signals())
        app = closing.enter_context(opening.opened(settings, executor, heard, feed, own=False))
        _register(app, folders)
        server = Server(app, feed, bound, lambda: heard.queue.put(None))
        closing.callback(server.close)
        server.start()
        garbage.begin()
        out.say(
            f"headrace listens at {server.url} and keeps everything in {paths.near(settings.home)}; Ctrl-C ends it."
        )
        out.say(f"Look at it with a browser, once by this link: {server.link()}")
        _live(app, heard, grace, quiet=quiet)
    return exits.COMPLETED


def _live(app: App, heard: Heard, grace: float, *, quiet: bool) -> None:
    """Until it is asked to end, and what runs has ended or had its time."""
    app.loop.ended.add_done_callback(lambda _: heard.queue.put(None))
    if _until_asked(heard, quiet=quiet) is None:
        app.loop.ended.result(0)  # raises what ended it: another engine is to go on with its runs
    app.loop.drain(0)  # before it is said, so that it holds for whatever is reported from then on
    out.say(f"Ending: nothing more is begun, and blocks that run have {quantities.duration(grace)}.")
    threading.Thread(target=_retire, args=(app, grace, heard), name="retiring", daemon=True).start()
    if again := _until_asked(heard, quiet=quiet):
        os._exit(128 + again)  # its processes end with it, and its runs are orphans


def _refuse_no_projects(folders: Sequence[Path]) -> None:
    """What is no project is refused before anything is opened."""
    for folder in folders:
        project.open(folder)


def _register(app: App, folders: Sequence[Path]) -> None:
    for folder in folders:
        projects.register(app, folder)


def _retire(app: App, grace: float, heard: Heard) -> None:
    try:
        app.retire(grace)
    finally:
        heard.queue.put(None)


def _until_asked(heard: Heard, *, quiet: bool) -> signal.Signals | None:
    """Tells of runs until a signal comes, or None for that everything has come to rest."""
    while True:
        match heard.queue.get():
            case Run() as run:
                if not quiet:
                    out.say(_line(run))
            case asked:
                return asked


def _line(run: Run) -> str:
    """12:00:01.123  run 7 completed in 1.20 s"""
    status = marks.styled(run.status.value, run.status.value)
    told = f"{quantities.time_of_day(run.ended_at or clock.now())}  run {run.id} {status}"
    if run.status not in FINAL_RUN:
        return told
    took = quantities.duration(clock.between(run.started_at or run.created_at, run.ended_at))
    return f"{told} after {took}: {tables.bare(reasons.in_words(run.reason))}"
