"""Runs are listed and shown; their logs and outputs are read."""

from collections.abc import Collection, Iterator
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
from headrace.store.runs import Listed


@dataclass(frozen=True, slots=True)
class Shown:
    """A run with everything kept of it.

    `attempts` are by block, first to last; `version` and `snapshot` are the hashes that pin the run, `code` is where
    the snapshot lies.
    """

    run: Run
    project: str
    folder: Path
    pipeline: Pipeline
    version: str
    snapshot: str
    code: Path
    blocks: tuple[BlockRun, ...]
    attempts: dict[str, list[Attempt]]
    reused: dict[str, int]  # blocks whose outputs another run made, and that run's id
    events: tuple[Event, ...]
    abandoned: bool


def latest(app: App, limit: int, *, before: int | None = None, pipeline: str | None = None) -> list[Listed]:
    """The newest runs first, at most `limit` of them, those older than the run `before`."""
    return app.store.runs.latest(limit, before=before, pipeline=pipeline)


def get(app: App, run_id: int) -> Run:
    """The run of that id; RunNotFound if there is none."""
    return app.store.runs.get(run_id)


def show(app: App, run_id: int) -> Shown:
    """The run of that id; RunNotFound if there is none."""
    run = app.store.runs.get(run_id)
    row, _ = app.store.projects.names(run.pipeline_id)
    blocks = app.store.runs.block_runs(run.id)
    tries = app.store.runs.attempts(block.id for block in blocks)
    snapshot = app.store.projects.snapshot_hash(run.snapshot_id)
    return Shown(
        run=run,
        project=row.name,
        folder=row.path,
        pipeline=app.store.projects.version(run.version_id),
        version=app.store.projects.version_hash(run.version_id),
        snapshot=snapshot,
        code=app.settings.home / "versions" / snapshot / row.path.name,
        blocks=tuple(blocks),
        attempts={block.block: tries.get(block.id, []) for block in blocks},
        reused={block.block: app.store.runs.run_of(block.reused_from) for block in blocks if block.reused_from},
        events=tuple(app.store.runs.events(run.id)),
        abandoned=engines.abandoned(run, engines.living(app)),
    )


def attempt(shown: Shown, block: str, number: int | None = None) -> Attempt:
    """That attempt of the block, the latest unless a number is given; BlockNotFound, NoSuchAttempt."""
    _row(shown, block)
    for each in reversed(shown.attempts[block]):
        if number is None or each.number == number:
            return each
    raise errors.NoSuchAttempt(block=block, run=shown.run.id, count=len(shown.attempts[block]))


def log(app: App, shown: Shown, of: Attempt, levels: Collection[str] | None = None) -> Iterator[Line]:
    """The lines of that attempt, first to last; of those levels, if any are given."""
    return reading.read(_log_file(app, shown, of), levels=levels)


def log_end(app: App, shown: Shown, of: Attempt, count: int) -> tuple[Line, ...]:
    """The last lines of that attempt, at most `count`."""
    return reading.tail(_log_file(app, shown, of), count).lines


def kept(app: App, shown: Shown, block: str) -> tuple[Output, ...]:
    """What the block left behind in this run, or in the run whose outputs it reuses."""
    row = _row(shown, block)
    found = app.store.runs.completed_attempts([row.reused_from or row.id])
    return found[row.reused_from or row.id].outputs if found else ()


def head(app: App, output: Output, rows: int) -> outputs.Head:
    """The beginning of an output, for people to look at; CannotRead when it is no longer there."""
    return outputs.head(output, app.settings.home, rows)


def outputs_folder(app: App, run: Run) -> Path:
    """Where the outputs of the run's attempts lie."""
    return app.settings.home / "outputs" / run.uid


def _log_file(app: App, shown: Shown, of: Attempt) -> Path:
    return app.settings.home / "logs" / shown.run.uid / f"{of.uid}.jsonl"


def _row(shown: Shown, block: str) -> BlockRun:
    for row in shown.blocks:
        if row.block == block:
            return row
    names = ", ".join(row.block for row in shown.blocks)
    raise errors.BlockNotFound(pipeline=shown.pipeline.name, block=block, names=names)
