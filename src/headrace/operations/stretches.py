"""A stretch of a pipeline: the part of its graph between two blocks, run by itself on what there is before it."""

from contextlib import nullcontext
from typing import NamedTuple

from headrace import errors
from headrace.app import App
from headrace.model import graph
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.operations import catalogue, starting
from headrace.operations.asking import Asked
from headrace.operations.catalogue import Entry
from headrace.project import authored
from headrace.store.runs import Created


class Stretch(NamedTuple):
    """From the one block to the other, both among them; a side that is None is open."""

    start: str | None = None
    end: str | None = None


def start(app: App, uid: str, stretch: Stretch, version: str | None = None) -> Created:
    """A run of that part of the pipeline as it is now; where a version is named, it is the one that runs, or none does.

    NoSuchRecord for the pipeline, VersionNotFound for a version of another, VersionPassed for an earlier one; BadStretch for
    blocks that it does not have, or between which there is no way; and what `starting.start` raises.
    """
    with authored.alone(app.settings.home) if version else nullcontext():  # what is there now stays until it is pinned
        entry = catalogue.get(app, uid)
        if version:
            _refuse_other(app, entry, version)
        return starting.start(app, _asked(entry, stretch))


def _refuse_other(app: App, entry: Entry, version: str) -> None:
    found = catalogue.version(app, version, entry.row).row
    if found.id != entry.current.row.id:
        raise errors.VersionPassed(pipeline=entry.title, version=version, current=entry.current.row.uid)


def _asked(entry: Entry, stretch: Stretch) -> Asked:
    folder, name = entry.row.project.path, entry.row.name
    whole = stretch == Stretch()
    return Asked(folder, name, {}, only=() if whole else _only(entry.current.content, stretch))


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
