"""Versions of a pipeline, as runs have pinned them; and the code of its blocks, now or then."""

import os
from dataclasses import dataclass
from pathlib import Path

from headrace import errors, project
from headrace.app import App
from headrace.model.pipeline import Block, Pipeline
from headrace.operations import sight
from headrace.store.projects import ProjectRow, VersionRow


@dataclass(frozen=True, slots=True)
class Code:
    """What a block runs: its text, and the file it is in, relative to the project; both None where there is no file.

    `version` is the hash of the pipeline's version that it is of; None for the code as it is now.
    """

    block: str
    language: str
    path: str | None
    text: str | None
    version: str | None


def listed(app: App, row: ProjectRow, pipeline: str, limit: int, before: int | None = None) -> list[VersionRow]:
    """The pipeline's versions, the newest first, at most `limit`, older than `before`. PipelineNotFound."""
    return app.store.projects.versions(_pipeline(app, row, pipeline), limit, before)


def get(app: App, row: ProjectRow, pipeline: str, hash: str) -> tuple[VersionRow, Pipeline]:
    """That version, and the pipeline as it was. PipelineNotFound, VersionNotFound."""
    found = app.store.projects.find_version(_pipeline(app, row, pipeline), hash)
    if found is None:
        raise errors.VersionNotFound(pipeline=pipeline, version=hash)
    return found, app.store.projects.version(found.id)


def code(app: App, row: ProjectRow, pipeline: str, block: str, version: str | None = None) -> Code:
    """The block's code as it is in the project's folder, or as a run of that version has had it.

    Raises PipelineNotFound, VersionNotFound, BlockNotFound, CodeNotKept, CodeUnreadable, and BadPipeline for one that
    cannot be read.
    """
    if version is None:
        sight.refuse_unseen(app, row.path, pipeline)
        found = project.open(row.path, os.environ)
        return _read(found.path, project.read(found, pipeline), block, None)
    kept, then = get(app, row, pipeline, version)
    snapshot = app.store.projects.snapshot_of(kept.id)
    if snapshot is None:
        raise errors.CodeNotKept(version=version)
    return _read(app.settings.home / "versions" / snapshot / row.path.name, then, block, version)


def _read(folder: Path, pipeline: Pipeline, name: str, version: str | None) -> Code:
    block = _block(pipeline, name)
    text = None if block.file is None else project.read_code(folder, block)
    return Code(block.uuid, block.language.value, block.file, text, version)


def _block(pipeline: Pipeline, name: str) -> Block:
    known = {block.uuid: block for block in (*pipeline.conditionals, *pipeline.callbacks, *pipeline.blocks)}
    if name not in known:
        raise errors.BlockNotFound(pipeline=pipeline.name, block=name, names=", ".join(known) or "no blocks")
    return known[name]


def _pipeline(app: App, row: ProjectRow, name: str) -> int:
    """The pipeline's id; one that nobody has ever pinned has none, and no versions."""
    sight.refuse_unseen(app, row.path, name)
    found = app.store.projects.pipeline(row.path, name)
    if found is None:
        project.read(project.open(row.path, os.environ), name)
        return 0
    return found
