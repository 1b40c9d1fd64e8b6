"""A run is asked for: what is wanted is read and checked, before anything is opened, started or written."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace import errors, project
from headrace.model import graph
from headrace.model.pipeline import NEVER_RUN, Pipeline
from headrace.model.run import RunSettings


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to run: the whole pipeline, or `start` and all below it, or `only` some blocks.

    Asked again with the same `key`, it is the same run.
    """

    folder: Path
    pipeline: str
    variables: Mapping[str, Any]
    start: str | None = None
    only: Sequence[str] = ()
    settings: RunSettings = field(default_factory=RunSettings)
    key: str | None = None
    execution_date: datetime | None = None  # None: now

    @property
    def selection(self) -> dict[str, Any]:
        """What is asked for, as a run keeps it."""
        return {"from": self.start} if self.start else {"only": list(self.only)} if self.only else {}


@dataclass(frozen=True, slots=True)
class Again:
    """What of a run is to run again: what had not completed, and with it all from the block `start`, or the `whole`.

    `latest` takes the code as it is now; otherwise it is the code that the run has had.
    """

    run_id: int
    start: str | None = None
    whole: bool = False
    latest: bool = False

    @property
    def plain(self) -> bool:
        """Whether it only goes on from where the run is."""
        return not (self.start or self.whole or self.latest)


@dataclass(frozen=True, slots=True)
class Checked:
    """Something that can be run: the project and pipeline as read, and the `chosen` blocks, in the order written."""

    asked: Asked
    project: project.Project
    pipeline: Pipeline
    chosen: Sequence[str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was forgiven when it was read, in words."""
        return (*project.dotenv_warnings(self.project), *self.pipeline.warnings)


def check(asked: Asked) -> Checked:
    """Raises the BadInput that says why it cannot be run, if that can be known without the home."""
    return _checked(asked, project.open(asked.folder, os.environ))


def check_pinned(asked: Asked, found: project.Project, pipeline: Pipeline) -> Checked:
    """The same as it stands in a snapshot: the folder may have changed since it was read."""
    return Checked(asked, found, pipeline, _chosen(pipeline, asked))


def _checked(asked: Asked, found: project.Project) -> Checked:
    _, pipeline = _read(found, asked.pipeline)
    return Checked(asked, found, pipeline, _chosen(pipeline, asked))


def _read(found: project.Project, name: str) -> tuple[project.Project, Pipeline]:
    pipeline = project.read(found, name)
    project.refuse_unsupported(pipeline)
    return found, pipeline


def _chosen(pipeline: Pipeline, asked: Asked) -> list[str]:
    can_run = {block.uuid: block.upstream for block in pipeline.blocks if block.type not in NEVER_RUN}
    _refuse_unknown(pipeline, can_run, "only", asked.only)
    _refuse_unknown(pipeline, can_run, "from", [asked.start] if asked.start else [])
    if asked.start:
        chosen = graph.from_block(can_run, asked.start)
        return [block for block in can_run if block in chosen]
    return [block for block in can_run if block in asked.only] if asked.only else list(can_run)


def _refuse_unknown(pipeline: Pipeline, known: Collection[str], parameter: str, named: Sequence[str]) -> None:
    for block in named:
        if block not in known:
            names = ", ".join(known) or "no blocks"
            raise errors.BlockNotFound(pipeline=pipeline.name, block=block, names=names, parameter=parameter)
