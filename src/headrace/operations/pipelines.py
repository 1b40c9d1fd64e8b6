"""A project is made; its pipelines are listed and shown, as they are written. No home is needed."""

import os
from dataclasses import dataclass
from pathlib import Path

from headrace import errors, project
from headrace.app import App
from headrace.model.pipeline import Pipeline
from headrace.operations import sight


@dataclass(frozen=True, slots=True)
class Found:
    """A pipeline as read, or the error for which it was refused; `refused` says why one that was read cannot run."""

    name: str
    pipeline: Pipeline | None = None
    error: str | None = None
    refused: str | None = None

    @property
    def read(self) -> Pipeline:
        """The pipeline, of one that could be read."""
        assert self.pipeline is not None, self.error  # noqa: S101 - who asks has not been refused
        return self.pipeline


@dataclass(frozen=True, slots=True)
class Made:
    """A new project: its name, its files relative to its folder, and its pipelines."""

    name: str
    files: tuple[str, ...]
    pipelines: tuple[str, ...]


def create(folder: Path) -> Made:
    """Makes a new project there, with a pipeline that works. Raises CannotCreate."""
    made = project.create(folder)
    files = sorted(path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file())
    own = tuple(file for file in files if not file.startswith(".git/"))
    return Made(made.name, own, project.pipeline_names(made))


def listed(folder: Path) -> list[Found]:
    """Every pipeline of the project, by name; one that is broken hides no other. Raises BadInput for the project."""
    found = project.read_all(project.open(folder, os.environ))
    return [_found(name, read) for name, read in sorted(found.items())]


def shown(folder: Path, name: str) -> Found:
    """That pipeline. Raises the BadInput for which it was refused, or PipelineNotFound."""
    return _found(name, project.read(project.open(folder, os.environ), name))


def listed_in(app: App, folder: Path) -> list[Found]:
    """Those of them that the caller sees."""
    found = sight.seen(app, project.read_all(project.open(folder, os.environ)))
    return [_found(name, read) for name, read in sorted(found.items())]


def shown_in(app: App, folder: Path, name: str) -> Found:
    """That pipeline, if the caller sees it; raises what `shown` does."""
    sight.refuse_unseen(app, folder, name)
    return shown(folder, name)


def _found(name: str, read: Pipeline | errors.HeadraceError) -> Found:
    if isinstance(read, errors.HeadraceError):
        return Found(name, error=str(read))
    try:
        project.refuse_unsupported(read)
    except errors.BadInput as error:
        return Found(name, read, refused=str(error))
    return Found(name, read)
