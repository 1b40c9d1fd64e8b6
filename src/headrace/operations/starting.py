"""A run begins: what was asked for is pinned; then a row exists and the engine has it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from headrace import clock, errors, project
from headrace.app import App
from headrace.model import graph
from headrace.model.pipeline import Pipeline
from headrace.operations import asking, handing
from headrace.operations.asking import Asked, Checked
from headrace.operations.handing import Begun
from headrace.store.runs import NewRun

LEAST_FREE = 8 * 2**20  # bytes of the home's disk, for a run to begin


def begin(app: App, asked: Asked) -> Begun:
    """Starts the run. Every BadInput that can be known is raised before anything is written."""
    return begin_checked(app, asking.check(asked))


def begin_checked(app: App, checked: Checked) -> Begun:
    """Starts what was checked before. Raises NoEarlierOutput, ProjectUnreadable, ProjectChanged, HomeUnwritable."""
    asked, found = checked.asked, checked.project
    _refuse_full(app.settings.home)
    snapshot, place = project.pin(found, app.settings.home / "versions")
    checked = asking.check_pinned(checked, place)
    pipeline = checked.pipeline
    version = project.version_hash(pipeline, snapshot)
    now = clock.now()
    files = len(snapshot.files)
    pinned = app.store.projects.pin(found.path, found.name, pipeline, version, snapshot.hash, files, now)
    new = NewRun(
        pipeline_id=pinned.pipeline_id,
        version_id=pinned.version_id,
        snapshot_id=pinned.snapshot_id,
        blocks=_with_reused(app, pipeline, pinned.pipeline_id, checked.chosen),
        variables=asked.variables,
        selection={"from": asked.start} if asked.start else {"only": list(asked.only)} if asked.only else {},
        execution_date=now,
        reason="by hand",
    )
    run = app.store.runs.create(new, now)
    return handing.hand_over(app, run)


def _refuse_full(home: Path) -> None:
    """A run that begins on a disk with next to no room would only get stuck half way."""
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE:
        raise errors.HomeUnwritable(path=home, why=f"only {free // 1024} KiB of its disk are free")


def _with_reused(app: App, pipeline: Pipeline, pipeline_id: int, chosen: Sequence[str]) -> dict[str, int | None]:
    """The chosen blocks, and before them those whose earlier outputs they need, with the block run that has them."""
    needed = graph.inputs(pipeline.graph, chosen)
    reused: dict[str, int | None] = {}
    for upstream in [block.uuid for block in pipeline.blocks if block.uuid in needed]:
        source = app.store.runs.latest_completed(pipeline_id, upstream)
        if source is None or not handing.readable(app, source):
            block = next(block for block in chosen if upstream in pipeline.block(block).upstream)
            raise errors.NoEarlierOutput(block=block, upstream=upstream)
        reused[upstream] = source
    return {**reused, **dict.fromkeys(chosen)}
