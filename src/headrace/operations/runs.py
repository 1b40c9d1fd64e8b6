"""Runs are shown; their logs and outputs are read."""

from dataclasses import dataclass
from pathlib import Path

from headrace import errors, outputs
from headrace.app import App
from headrace.logs import reading
from headrace.logs.lines import Line
from headrace.model.output import Output
from headrace.model.pipeline import Pipeline
from headrace.model.run import Attempt, BlockRun, Event, Run
from headrace.operations import engines


@dataclass(frozen=True, slots=True)
class Shown:
    """A run with everything kept of it.

    `attempts` are by block, first to last; `version` and `snapshot` are the hashes that pin the run, `code` is where
    the snapshot lies, and paths of outputs begin at `home`.
    """

    run: Run
    project: str
    folder: Path
    pipeline: Pipeline
    version: str
    snapshot: str
    code: Path
    home: Path
    blocks: tuple[BlockRun, ...]
    attempts: dict[str, list[Attempt]]
    reused: dict[str, int]  # blocks whose outputs another run made, and that run's id
    events: tuple[Event, ...]
    abandoned: bool


def get(app: App, run_id: int) -> Run:
    """The run of that id; RunNotFound if there is none."""
    return app.store.runs.get(run_id)


def show(app: App, run_id: int) -> Shown:
    """The run of that id; RunNotFound if there is none."""
    found = app.store.runs.whole(run_id)
    return Shown(
        run=found.run,
        project=found.project.name,
        folder=found.project.path,
        pipeline=found.pipeline,
        version=found.version,
        snapshot=found.snapshot,
        code=app.settings.home / "versions" / found.snapshot / found.project.path.name,
        home=app.settings.home,
        blocks=tuple(found.blocks),
        attempts={block: list(tries) for block, tries in found.attempts.items()},
        reused=dict(found.reused),
        events=tuple(found.events),
        abandoned=bool(engines.abandoned(app, [found.run])),
    )


def events(app: App, run_id: int, limit: int, after: int = 0) -> list[Event]:
    """What has happened in the run after that event, in the order it was recorded, at most `limit`. RunNotFound."""
    return app.store.runs.events_after(app.store.runs.get(run_id).id, after, limit)


def attempt(shown: Shown, block: str, number: int | None = None) -> Attempt:
    """That attempt of the block, the latest unless a number is given; BlockNotFound, NoSuchAttempt."""
    row(shown, block)
    for each in reversed(shown.attempts[block]):
        if number is None or each.number == number:
            return each
    raise errors.NoSuchAttempt(block=block, run=shown.run.id, count=len(shown.attempts[block]))


def row(shown: Shown, block: str) -> BlockRun:
    """The block run of that block; BlockNotFound."""
    for row in shown.blocks:
        if row.block == block:
            return row
    names = ", ".join(row.block for row in shown.blocks)
    raise errors.BlockNotFound(pipeline=shown.pipeline.name, block=block, names=names)


def log_end(app: App, shown: Shown, of: Attempt, count: int) -> tuple[Line, ...]:
    """The last lines of that attempt, at most `count`."""
    return reading.tail(_log_file(app, shown, of), count).lines


def kept(app: App, shown: Shown, block: str) -> tuple[Output, ...]:
    """What the block left behind in this run, or in the run whose outputs it reuses."""
    own = row(shown, block)
    found = app.store.runs.completed_attempts([own.reused_from or own.id])
    return found[own.reused_from or own.id].outputs if found else ()


def head(app: App, output: Output, rows: int) -> outputs.Head:
    """The beginning of an output, for people to look at; CannotRead when it is no longer there."""
    return outputs.head(output, app.settings.home, rows)


def outputs_folder(shown: Shown) -> Path:
    """Where the outputs of the run's attempts lie."""
    return shown.home / "outputs" / shown.run.uid


def _log_file(app: App, shown: Shown, of: Attempt) -> Path:
    return app.settings.home / "logs" / shown.run.uid / f"{of.uid}.jsonl"
