"""A stretch of a pipeline: the part of its graph between two blocks, run by itself on what there is before it."""

from typing import NamedTuple

from headrace import errors
from headrace.app import App
from headrace.model import graph
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.operations import catalogue, starting
from headrace.operations.asking import Asked
from headrace.operations.catalogue import Entry
from headrace.project import authored
from headrace.store.pipelines import PipelineRow, Version
from headrace.store.runs import Created


class Stretch(NamedTuple):
    """From the one block to the other, both among them; a side that is None is open."""

    start: str | None = None
    end: str | None = None


def start(app: App, uid: str, stretch: Stretch, version: str | None = None) -> Created:
    """A run of that part of the pipeline as it is now, or as a version of it was.

    NoSuchRecord for the pipeline, VersionNotFound for a version of another, VersionPassed for an earlier one of which the
    code is not kept; BadStretch for blocks that it does not have, or between which there is no way; and what
    `starting.start` raises.
    """
    if version is None:
        entry = catalogue.get(app, uid)
        return starting.start(app, _asked(entry.row, entry.current, stretch))
    with authored.alone(app.settings.home):  # what is there now stays until it is pinned
        return _start_version(app, catalogue.get(app, uid), stretch, version)


def _start_version(app: App, entry: Entry, stretch: Stretch, uid: str) -> Created:
    wanted = catalogue.version(app, uid, entry.row)
    asked = _asked(entry.row, wanted, stretch)
    if wanted.row.id == entry.current.row.id:
        return starting.start(app, asked)
    run = starting.start_version(app, asked, entry.row, wanted)
    if run is None:
        raise errors.VersionPassed(pipeline=entry.title, version=uid, current=entry.current.row.uid)
    return run


def _asked(row: PipelineRow, version: Version, stretch: Stretch) -> Asked:
    only = () if stretch == Stretch() else _only(version.content, stretch)
    return Asked(row.project.path, row.name, {}, only=only)


def _only(pipeline: Pipeline, stretch: Stretch) -> list[str]:
    can_run = {block.uuid: pipeline.graph[block.uuid] for block in pipeline.blocks if block.type not in NEVER_RUN}
    for side, block in stretch._asdict().items():
        if block is not None and block not in can_run:
            names = ", ".join(can_run) or "no blocks"
            raise errors.BadStretch(side=side, block=block, why=f"the pipeline has {names}")
    found = graph.between(can_run, *stretch)
    if not found:
        raise errors.BadStretch(side="end", block=stretch.end, why=f"nothing leads there from {stretch.start}")
    return [block for block in can_run if block in found]
