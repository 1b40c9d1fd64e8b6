"""Starts: runs that blocks ask for, pinned to the code of their project as it is at that moment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace import clock, project
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.model.run import Run
from headrace.project import Project
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.runs import Key, NewRun


class Starts:
    """See `answers.Starter`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._versions = settings.home / "versions"

    def start(
        self,
        folder: Path,
        pipeline: str,
        variables: Mapping[str, Any],
        *,
        trigger: str | None,
        key: str,
        owner: str | None,
    ) -> Run:
        """Raises the BadInput that says why there is no such run, ProjectUnreadable, ProjectChanged, OSError."""
        found, now = project.open(folder, os.environ), clock.now()
        snapshot, place = project.pin(found, self._versions)
        read = _read(found, place, pipeline)
        version, files = project.version_hash(read, snapshot), len(snapshot.files)
        pinned = self._store.projects.pin(found.path, found.name, read, version, snapshot.hash, files, now)
        new = NewRun(
            pipeline_id=pinned.pipeline_id,
            version_id=pinned.version_id,
            snapshot_id=pinned.snapshot_id,
            blocks={block.uuid: None for block in read.blocks if block.type not in NEVER_RUN},
            variables=variables,
            selection={},
            execution_date=now,
            reason="by a block",
            trigger_id=self._store.projects.trigger(pinned.pipeline_id, trigger, now) if trigger else None,
            key=Key(key, pipeline),
        )
        return self._store.runs.create(new, now, owner=owner).run


def _read(found: Project, place: Path, name: str) -> Pipeline:
    """The pipeline as it stands in the snapshot that is laid out there."""
    pinned = project.open(place, {**project.dotenv(found), **os.environ})
    pipeline = project.read(pinned, name)
    project.refuse_unsupported(pipeline)
    return pipeline
