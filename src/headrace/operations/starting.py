"""A run begins: what was asked for is pinned; then a row exists, for this app's engine or for any other to move."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from headrace import clock, errors
from headrace.app import App
from headrace.engine.begun import Begun
from headrace.model import graph, steps
from headrace.model.pipeline import Pipeline
from headrace.operations import asking, kept, pinning, retrying
from headrace.operations.asking import Asked, Checked
from headrace.store.pipelines import PipelineRow, Version
from headrace.store.projects import Pinned
from headrace.store.runs import Created, Key, NewRun

LEAST_FREE = 8 * 2**20  # bytes of the home's disk, for a run to begin


def begin(app: App, asked: Asked) -> Begun:
    """Starts the run. Every BadInput that can be known is raised before anything is written."""
    return begin_checked(app, asking.check(asked))


def begin_checked(app: App, checked: Checked) -> Begun:
    """Starts what was checked before, moved by this app's engine; see `create` for what it raises.

    Where the key has a run already, this goes on with that one, or is done if that one is final. RunNotResumable when
    another engine moves it.
    """
    created = create(app, checked, owner=app.owner)
    return app.take(created.run.id) if created.made else retrying.join(app, created.run)


def start(app: App, asked: Asked) -> Created:
    """The run of what is asked for, moved by this app's engine at once if it has room, else by any.

    Where the key has a run, it is that one, whatever has become of the pipeline since. Raises what `asking.check` and
    `create` do.
    """
    if earlier := _earlier(app, asked, asked.folder):
        return earlier
    _refuse_full(app.settings.home)
    return _start(app, *pinning.pin_asked(app, asked))


def start_version(app: App, asked: Asked, row: PipelineRow, version: Version) -> Created | None:
    """The same of a version of that pipeline, whatever is written now; None where its code is not kept."""
    _refuse_full(app.settings.home)
    pinned = pinning.pin_version(app, asked, row, version)
    return _start(app, *pinned) if pinned else None


def _start(app: App, checked: Checked, pinned: Pinned) -> Created:
    created = _create(app, checked, pinned, owner=app.taker())
    app.bring(created)
    return created


def create(app: App, checked: Checked, *, owner: str | None = None) -> Created:
    """The run, for the engine of that name or else for any; the earlier one where the key has one already.

    Raises KeyReused, NoEarlierOutput, ProjectUnreadable, ProjectChanged, HomeUnwritable.
    """
    if earlier := _earlier(app, checked.asked, checked.project.path):
        return earlier
    _refuse_full(app.settings.home)
    return _create(app, *pinning.pin(app, checked), owner=owner)


def _earlier(app: App, asked: Asked, folder: Path) -> Created | None:
    """The run that the key has, in the project of that folder; None where it has none. KeyReused."""
    pipeline_id = app.store.projects.pipeline(folder, asked.pipeline) if asked.key else None
    key = _key(asked)
    found = app.store.runs.keyed(key, pipeline_id, None) if key and pipeline_id else None
    return Created(found, made=False) if found else None


def _create(app: App, checked: Checked, pinned: Pinned, *, owner: str | None) -> Created:
    if pinned.paused:
        raise errors.PipelinePaused(pipeline=checked.pipeline.name)
    asked, now = checked.asked, clock.now()
    new = NewRun(
        pipeline_id=pinned.pipeline_id,
        version_id=pinned.version_id,
        snapshot_id=pinned.snapshot_id,
        blocks=_with_reused(app, checked.pipeline, pinned.pipeline_id, checked.chosen),
        variables=asked.variables,
        selection=asked.selection,
        execution_date=asked.execution_date or now,
        reason="by hand",
        settings=asked.settings,
        key=_key(asked),
    )
    return app.store.runs.create(new, now, owner=owner)


def _key(asked: Asked) -> Key | None:
    return Key(asked.key, _request(asked)) if asked.key else None


def _request(asked: Asked) -> str:
    """A hash of what is asked for of the pipeline, whatever its code is by then: the same again under one key means the
    same run.
    """
    date = [asked.execution_date.isoformat()] if asked.execution_date else []
    whole = [asked.variables, asked.selection, asdict(asked.settings), *date]
    return hashlib.blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=16).hexdigest()


def _refuse_full(home: Path) -> None:
    """A run that begins on a disk with next to no room would only get stuck half way."""
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE:
        raise errors.HomeUnwritable(path=home, why=f"only {free // 1024} KiB of its disk are free")


def _with_reused(app: App, pipeline: Pipeline, pipeline_id: int, chosen: Sequence[str]) -> dict[str, int | None]:
    """The chosen blocks, and before them those whose earlier outputs they need, with the block run that has them."""
    given = steps.handing_over(pipeline.blocks)
    needed = graph.inputs(given, chosen)
    reused: dict[str, int | None] = {}
    for upstream in [block.uuid for block in pipeline.blocks if block.uuid in needed]:
        source = app.store.runs.latest_completed(pipeline_id, upstream)
        if source is None or not kept.readable(app, [source]):
            block = next(block for block in chosen if upstream in given[block])
            raise errors.NoEarlierOutput(block=block, upstream=upstream)
        reused[upstream] = source
    return {**reused, **dict.fromkeys(chosen)}
