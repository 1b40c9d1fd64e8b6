"""A final run is asked to go on, in the same run: what had not completed, all from a block, or all of it."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from headrace import clock, errors
from headrace.app import App
from headrace.engine.begun import Begun
from headrace.model import graph, progress
from headrace.model.graph import Graph
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.model.run import FINAL_RUN, BlockRun, BlockStatus, Reopening, Run
from headrace.operations import asking, engines, kept, pinning
from headrace.operations.asking import Again, Asked

_SETTLED = (BlockStatus.COMPLETED, BlockStatus.CONDITION_FAILED)


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry that can be asked for. Blocks by name, in an order they can run in; `again` has those `added` as well.

    `added` are blocks that the code of now has and the run had not; `gone` those that it has no more. `warnings` are
    what was forgiven when that code was read.
    """

    run: Run
    pipeline: Pipeline
    reopening: Reopening
    again: tuple[str, ...]
    reused: tuple[str, ...]
    gone: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Code:
    """The code that a retry runs with, and the blocks of it that the run is about."""

    pipeline: Pipeline
    chosen: Collection[str]
    version_id: int
    snapshot_id: int
    warnings: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        blocks = [block for block in self.pipeline.blocks if block.type not in NEVER_RUN]
        return {block.uuid: block.upstream for block in blocks}


def plan(app: App, asked: Again) -> Retry:
    """What such a retry would do. The code as it is now is pinned by this; nothing else is written.

    Raises RunNotFound, RunNotResumable, BlockNotFound, and for the code of now whatever refuses a new run of it.
    """
    run = app.store.runs.get(asked.run_id)
    if run.status not in FINAL_RUN:
        raise errors.RunNotResumable(run=run.id, why="it is not final yet")
    rows = {row.block: row for row in app.store.runs.block_runs(run.id)}
    code = _latest(app, run) if asked.latest else _same(app, run, rows)
    added = [block for block in code.chosen if block not in rows]
    mine = progress.Plan.of(code.graph, [*(block for block in rows if block in code.graph), *added])
    _refuse_start(asked, code, mine)
    again = _again(
        mine, [*added, *_first(app, asked, {block: rows[block] for block in mine.upstream if block in rows})]
    )
    if not again:
        raise errors.RunNotResumable(run=run.id, why="it is completed; name a block to run it from, or take all of it")
    _refuse_outside(run, code, mine, again)
    return Retry(
        run=run,
        pipeline=code.pipeline,
        reopening=Reopening(
            blocks=tuple(block for block in again if block in rows),
            added=tuple(block for block in again if block not in rows),
            version_id=code.version_id,
            snapshot_id=code.snapshot_id,
            reason="retry_whole" if asked.whole else "retry_from" if asked.start else "retry_incomplete",
        ),
        again=tuple(again),
        reused=tuple(block for block in mine.upstream if block not in again),
        gone=tuple(block for block in rows if asked.latest and block not in code.graph),
        warnings=code.warnings,
    )


def ask(app: App, retry: Retry) -> None:
    """Asks for it; whichever engine comes first carries it out. RunNotResumable if somebody else was first to ask."""
    _request(app, retry, None)


def begin(app: App, retry: Retry) -> Begun:
    """Asks for it; this app's engine carries it out. RunNotResumable if somebody else was first to ask."""
    _request(app, retry, app.owner)
    return app.take(retry.run.id)


def take_over(app: App, run_id: int) -> Begun | None:
    """Goes on with a run that no engine moves; None for a final one. RunNotFound; RunNotResumable if one does.

    Where its cancel was asked for, that is carried out before: then it is final, too.
    """
    run = app.store.runs.get(run_id)
    if run.status in FINAL_RUN:
        return None
    if run.owner:
        engines.bury_dead(app, run.owner)
    if not app.store.runs.claim_one(run.id, app.owner, run.epoch, clock.now()):
        raise errors.RunNotResumable(run=run.id, why="it is running")
    begun = app.take(run.id)
    if run.cancel_requested_at:
        begun.done.result()
        return None
    return begun


def join(app: App, run: Run) -> Begun:
    """Goes on with that run if no engine moves it; one that is final is done. RunNotResumable if one does."""
    if begun := take_over(app, run.id):
        return begun
    final = app.store.runs.get(run.id)
    done: Future[Run] = Future()
    done.set_result(final)
    rows = {row.block: row for row in app.store.runs.block_runs(run.id)}
    return Begun(final, app.store.projects.version(final.version_id), rows, done)


def _request(app: App, retry: Retry, owner: str | None) -> None:
    run = retry.run
    if not app.store.runs.request_retry(run.id, retry.reopening, owner=owner):
        raise errors.RunNotResumable(run=run.id, why="it goes on already, or somebody has just asked for that")


def _same(app: App, run: Run, rows: Collection[str]) -> _Code:
    return _Code(app.store.projects.version(run.version_id), rows, run.version_id, run.snapshot_id)


def _latest(app: App, run: Run) -> _Code:
    """The code of the project's folder as it is now, pinned; refused for what a new run of it would be refused for."""
    row, name = app.store.projects.names(run.pipeline_id)
    only = run.selection.get("only", ())
    asked = Asked(row.path, name, run.variables, run.selection.get("from"), only, run.settings)
    checked, pinned = pinning.pin(app, asking.check(asked))
    return _Code(checked.pipeline, checked.chosen, pinned.version_id, pinned.snapshot_id, checked.warnings)


def _first(app: App, asked: Again, rows: Mapping[str, BlockRun]) -> Iterable[str]:
    """The block runs from which on blocks run again. Without those that are not settled the run could not complete."""
    sources = {block: row.reused_from or row.id for block, row in rows.items() if row.status is BlockStatus.COMPLETED}
    readable = kept.readable(app, sources.values())
    for block, row in rows.items():
        lost = block in sources and sources[block] not in readable
        if row.status not in _SETTLED or lost or block == asked.start or (asked.whole and not row.reused_from):
            yield block


def _again(plan: progress.Plan, first: Iterable[str]) -> list[str]:
    """Those blocks and all below them."""
    below = graph.reach(graph.downstream(plan.upstream), first)
    return [block for block in plan.upstream if block in below]


def _refuse_start(asked: Again, code: _Code, plan: progress.Plan) -> None:
    if asked.start and asked.start not in plan.upstream:
        names = ", ".join(plan.upstream) or "no blocks"
        raise errors.BlockNotFound(pipeline=code.pipeline.name, block=asked.start, names=names, parameter="from")


def _refuse_outside(run: Run, code: _Code, plan: progress.Plan, again: Collection[str]) -> None:
    """A run of some blocks has no outputs of others, so what needs those cannot run in it."""
    for block in again:
        for upstream in code.graph[block]:
            if upstream not in plan.upstream:
                why = f"{block} needs {upstream}, which is no part of it; start a new run"
                raise errors.RunNotResumable(run=run.id, why=why)
