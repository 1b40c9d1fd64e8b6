"""Runs of a project within this process's engine, as `headrace run` makes them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from headrace import settings
from headrace.app import App
from headrace.engine.observers import Observer
from headrace.model.run import RunStatus
from headrace.operations import runs, starting


@contextmanager
def opened(home: Path, database: str | None = None, workers: int = 2) -> Generator[App]:
    """A home of its own with so many workers, and that database if one is given; no engine runs in it."""
    with App(replace(settings.load({"HEADRACE_HOME": str(home)}), workers=workers, database=database)) as app:
        yield app


@contextmanager
def engine(
    home: Path, database: str | None = None, observers: Sequence[Observer] = (), workers: int = 2
) -> Generator[App]:
    """An engine with so many workers on a home of its own, and that database if one is given."""
    with opened(home, database, workers) as app:
        app.start(observers)
        yield app


def run(app: App, folder: Path, pipeline: str, only: Sequence[str] = ()) -> runs.Shown:
    """One run to its end, of the whole pipeline or some blocks of it, with everything kept of it."""
    done = starting.begin(app, starting.Asked(folder, pipeline, {}, only=only)).done.result(timeout=300)
    app.loop.settle(30)
    if done.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"the run ended {done.status}: {done.reason}")
    return runs.show(app, done.id)


def seconds(shown: runs.Shown) -> float:
    """From the run's first move to its last."""
    assert shown.run.started_at and shown.run.ended_at
    return (shown.run.ended_at - shown.run.started_at).total_seconds()
