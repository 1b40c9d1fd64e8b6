"""Pins: a pipeline as it is in its project's folder now, kept, and the rows by which runs of it name that."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from headrace import project
from headrace.model.pipeline import NEVER_RUN, Block, Pipeline
from headrace.project import Project, Snapshot, shelf
from headrace.store import Store
from headrace.store.pipelines import Version
from headrace.store.projects import Pinned, ProjectRow


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

    def pin_version(self, of: ProjectRow, version: Version, at: datetime) -> Pinned | None:
        """That version, whatever is written by now; None where its code is kept no more. VersionNotFound if it has gone."""
        with shelf.held(self._versions):
            snapshot, files = self._code_of(of, version)
            return self._store.pipelines.pin(of, version, snapshot, files, at) if snapshot else None

    def _code_of(self, of: ProjectRow, version: Version) -> tuple[str | None, int]:
        """Hash and number of files of a snapshot that the version runs from: of what it says, or what its runs have had."""
        if texts := _texts(version.content):
            laid = project.lay_out_texts(texts, of.path.name, self._versions)
            return laid.hash, len(laid.files)
        found = self._store.projects.snapshot_of(version.row.id)
        there = found is not None and (self._versions / found / of.path.name).is_dir()
        return (found if there else None), 0

    def read(self, kept: Kept, pipeline: str) -> tuple[Project, Pipeline]:
        """The project as it is laid out, and that pipeline of it. Raises the BadInput for which it cannot be run."""
        environment: Mapping[str, str] = {**project.dotenv(kept.project), **os.environ}
        return _read(kept.place, frozenset(environment.items()), pipeline)


def _texts(pipeline: Pipeline) -> dict[str, str]:
    """What its files say, where steps and jobs are all that it has; nothing otherwise: of programs a version keeps no text."""
    blocks = [block for block in pipeline.blocks if block.type not in NEVER_RUN]
    others = (*pipeline.callbacks, *pipeline.conditionals, *(each for each in blocks if not _says_all(each)))
    return {} if others else {str(block.file): str(block.text) for block in blocks}


def _says_all(block: Block) -> bool:
    return (block.is_step or block.is_transfer) and block.file is not None and block.text is not None


@lru_cache(maxsize=1024)  # what is laid out under a hash never changes
def _read(place: Path, environment: frozenset[tuple[str, str]], name: str) -> tuple[Project, Pipeline]:
    found = project.open(place, dict(environment))
    pipeline = project.read(found, name)
    project.refuse_unsupported(pipeline)
    return found, pipeline
