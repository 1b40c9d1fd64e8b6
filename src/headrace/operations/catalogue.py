"""Pipelines as they are known outside: each by its uid, with its versions, and which of them is the present one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from headrace import errors, project
from headrace.app import App
from headrace.project import Project, Snapshot, pipeline_files
from headrace.project.folder import METADATA, PIPELINES
from headrace.store.pipelines import PipelineRow, Version

MOST = 100  # versions of a pipeline that are looked at, the newest


@dataclass(frozen=True, slots=True)
class Entry:
    """A pipeline with its newest versions, the newest first; `current` is what its folder says now, or said last."""

    row: PipelineRow
    versions: Sequence[Version]
    current: Version

    @property
    def title(self) -> str:
        """What it is called."""
        return self.current.content.title or self.row.name


def row(app: App, uid: str) -> PipelineRow:
    """The pipeline of that uid, whether it is still written or not. NoSuchRecord."""
    found = app.store.pipelines.by_uid(uid)
    if found is None:
        raise errors.NoSuchRecord(noun="pipeline", id=uid)
    return found


def get(app: App, uid: str) -> Entry:
    """The pipeline of that uid, if it is written somewhere. NoSuchRecord."""
    found = _Look().entry(app, row(app, uid))
    if found is None:
        raise errors.NoSuchRecord(noun="pipeline", id=uid)
    return found


def listed(app: App, limit: int, offset: int = 0, title: str | None = None) -> Sequence[Entry]:
    """At most `limit` of the pipelines that are written and were pinned, in that order, without the first so many.

    With a title those alone that are called so.
    """
    look = _Look()
    rows = (each for each in app.store.pipelines.all() if title is None or look.is_called(each, title))
    found = (entry for each in rows if (entry := look.entry(app, each)))
    return [*islice(found, offset, offset + limit)]


def version(app: App, uid: str, pipeline: PipelineRow) -> Version:
    """The version of that uid. VersionNotFound for one of another pipeline, too."""
    found = app.store.pipelines.version_by_uid(uid)
    if found is None or found.pipeline_id != pipeline.id:
        raise errors.VersionNotFound(pipeline=pipeline.name, version=uid)
    return found


def is_written(pipeline: PipelineRow) -> bool:
    """Whether its folder is there."""
    try:
        return pipeline.name in project.pipeline_names(project.open(pipeline.project.path, os.environ))
    except errors.BadInput:
        return False


class _Place(NamedTuple):
    """A project, and its code as it is now."""

    project: Project
    snapshot: Snapshot

    def has(self, name: str) -> bool:
        """Whether that pipeline is written there."""
        return any(file.path == f"{PIPELINES}/{name}/{METADATA}" for file in self.snapshot.files)

    def says(self, version: Version) -> bool:
        """Whether what is written there is that version."""
        return project.version_hash(version.content, self.snapshot) == version.row.hash


class _Look:
    """The projects at one moment: each is looked at once, however many of its pipelines are asked for."""

    def __init__(self) -> None:
        self._place = cache(_place)

    def entry(self, app: App, row: PipelineRow) -> Entry | None:
        """None for a pipeline that is written no more, or that nobody has ever pinned."""
        there = self._place(row.project.path)
        if there is None or not there.has(row.name):
            return None
        known = app.store.pipelines.versions(row.id, MOST)
        if not known:
            return None
        present = next(filter(there.says, known), None)
        older = _older(app, there, row) if present is None and len(known) == MOST else None
        return Entry(row, known, present or older or known[0])

    def is_called(self, row: PipelineRow, title: str) -> bool:
        """Whether that is what is written as the pipeline's name."""
        there = self._place(row.project.path)
        try:
            whole = project.draft(there.project, row.name).whole if there else None
        except errors.BadInput:
            return False
        return whole is not None and pipeline_files.title(whole, row.name) == title


def _older(app: App, there: _Place, row: PipelineRow) -> Version | None:
    """The version that is written now, if it was pinned at all; for that the pipeline has to be read."""
    try:
        read = project.read(there.project, row.name)
    except errors.BadInput:
        return None
    found = app.store.projects.find_version(row.id, project.version_hash(read, there.snapshot))
    return app.store.pipelines.versions_of([found.id])[found.id] if found else None


def _place(folder: Path) -> _Place | None:
    """None of a project that cannot be read."""
    try:
        found = project.open(folder, os.environ)
        return _Place(found, project.snapshot(found))
    except errors.BadInput:
        return None
