"""Pins: a pipeline as it is in its project's folder now, kept, and the rows by which runs of it name that."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from headrace import project
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.project import Project, Snapshot, shelf
from headrace.store import Store
from headrace.store.projects import Pinned


@dataclass(frozen=True, slots=True)
class Kept:
    """A project's code at one moment: its snapshot, and the place where that is laid out."""

    project: Project
    snapshot: Snapshot
    place: Path


@dataclass(frozen=True, slots=True)
class Pin:
    """A pipeline that runs can be made of: as it stands in the snapshot, and the rows that say so."""

    pipeline: Pipeline
    pinned: Pinned

    @property
    def blocks(self) -> list[str]:
        """All its blocks that can run, in the order written."""
        return [block.uuid for block in self.pipeline.blocks if block.type not in NEVER_RUN]


class Pins:
    def __init__(self, store: Store, home: Path) -> None:
        self._store = store
        self._versions = home / "versions"

    def keep(self, found: Project) -> Kept:
        """The project's code as it is now. Raises ProjectUnreadable, ProjectChanged, HomeUnwritable."""
        return Kept(found, *project.pin(found, self._versions))

    def pin(self, kept: Kept, pipeline: str, at: datetime) -> Pin:
        """That pipeline as it was kept. Raises the BadInput for which it cannot be run, and what `keep` raises."""
        found, files = kept.project, len(kept.snapshot.files)
        with shelf.held(self._versions):
            project.lay_out(kept.snapshot, found, self._versions)  # if it was taken away since it was kept
            _, read = self.read(kept, pipeline)
            version = project.version_hash(read, kept.snapshot)
            pinned = self._store.projects.pin(found.path, found.name, read, version, kept.snapshot.hash, files, at)
        return Pin(read, pinned)

    def read(self, kept: Kept, pipeline: str) -> tuple[Project, Pipeline]:
        """The project as it is laid out, and that pipeline of it. Raises the BadInput for which it cannot be run."""
        environment: Mapping[str, str] = {**project.dotenv(kept.project), **os.environ}
        return _read(kept.place, frozenset(environment.items()), pipeline)


@lru_cache(maxsize=1024)  # what is laid out under a hash never changes
def _read(place: Path, environment: frozenset[tuple[str, str]], name: str) -> tuple[Project, Pipeline]:
    found = project.open(place, dict(environment))
    pipeline = project.read(found, name)
    project.refuse_unsupported(pipeline)
    return found, pipeline
