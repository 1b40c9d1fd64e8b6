"""Project: a folder on disk in the Mage layout, and which pipelines it has."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from headrace import errors
from headrace.project import concurrency, document, environment, faults, fields, files, retries

METADATA = "metadata.yaml"
PIPELINES = "pipelines"

Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder. `path` is absolute, `name` the folder's own; `metadata` is what its metadata.yaml says.

    `concurrency` is how many block runs of all its pipelines may run at once; None where it sets no limit.
    """

    name: str
    path: Path
    metadata: Mapping[str, Any]
    retry_config: Mapping[str, Any]
    concurrency: int | None = None


def open(path: str | Path, environ: Mapping[str, str] | None = None) -> Project:
    """The project in that folder.

    Its metadata.yaml may ask for names of `environ` (the process's own when not given); the project's `.env`
    fills gaps. Raises ProjectNotFound, NotAProject, ProjectUnreadable, or BadProject for a metadata.yaml at fault.
    """
    folder = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - the name of a link is kept
    _look(folder)
    given = os.environ if environ is None else environ
    metadata = _metadata(folder, {**environment.read(folder).values, **given})
    retry_config = _settled(retries.read, metadata.at("retry_config"))
    return Project(folder.name, folder, metadata.mapping(), retry_config, _settled(concurrency.of_project, metadata))


def pipeline_names(project: Project) -> tuple[str, ...]:
    """The pipelines of a project, sorted: each is a folder with a metadata.yaml. Raises ProjectUnreadable."""
    try:
        with os.scandir(project.path / PIPELINES) as entries:
            return tuple(sorted(entry.name for entry in entries if _is_pipeline(entry)))
    except OSError as error:
        raise errors.ProjectUnreadable(path=project.path, why=_why(error)) from None


def dotenv(project: Project) -> dict[str, str]:
    """What the project's `.env` sets; nothing when there is none. Never raises."""
    return dict(environment.read(project.path).values)


def dotenv_warnings(project: Project) -> tuple[str, ...]:
    """Which lines of the project's `.env` set nothing, in words."""
    return environment.read(project.path).warnings


def pipeline_file(project: Project, name: str) -> str:
    """Where a pipeline is written, relative to the project. Raises PipelineNotFound, naming those there are."""
    file = f"{PIPELINES}/{name}/{METADATA}"
    if "/" in name or name.startswith(".") or files.unprintable(name) or not _is_there(project.path / file):
        names = ", ".join(pipeline_names(project)) or "none"
        raise errors.PipelineNotFound(project=project.name, pipeline=name, names=names)
    return file


def _is_there(path: Path) -> bool:
    """Whether it is; a name may be too long for any file."""
    return os.path.exists(path)  # noqa: PTH110 - which pathlib answers with an error


def _is_pipeline(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or files.unprintable(entry.name):
        return False
    return entry.is_dir() and Path(entry.path, METADATA).exists()


def _look(folder: Path) -> None:
    """Is this a folder that can be a project? Raises what `open` says it raises."""
    try:
        names = os.listdir(folder)  # noqa: PTH208
        if PIPELINES in names:
            os.listdir(folder / PIPELINES)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # a ValueError: a name that no file can have
        if not folder.exists():
            raise errors.ProjectNotFound(path=folder) from None
        wrong = getattr(error, "filename", folder)
        raise errors.NotAProject(path=wrong, why="it is a file, and a folder is expected") from None
    except OSError as error:
        raise errors.ProjectUnreadable(path=folder, why=_why(error)) from None
    if PIPELINES not in names:
        raise errors.NotAProject(path=folder, why="it has no folder `pipelines`")


def _metadata(folder: Path, environment: Mapping[str, str]) -> fields.Field:
    """What metadata.yaml says: a template first, YAML then. A project need not have one."""
    if not (folder / METADATA).exists():
        return fields.Field({})
    try:
        written = document.parse(_rendered(files.text(folder, METADATA), environment))
        metadata = fields.Field(written.value)
        metadata.mapping()
    except faults.NotYaml as error:
        raise errors.BadProject(file=document.place(METADATA, error.line, error.column), why=str(error)) from None
    except (files.Unreadable, faults.NotPlain, fields.Wrong) as error:
        raise errors.BadProject(file=METADATA, why=_said(error)) from None
    return metadata


def _rendered(text: str, environment: Mapping[str, str]) -> str:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    from headrace.project import rendering  # Jinja is slow to import, and most settings are no templates

    try:
        return rendering.render(text, environment)
    except rendering.NotRendered as error:
        raise faults.NotYaml(str(error), error.line) from None


def _settled(read: Callable[[fields.Field], Setting], written: fields.Field) -> Setting:
    try:
        return read(written)
    except fields.Wrong as wrong:
        raise errors.BadProject(file=METADATA, why=_said(wrong)) from None


def _said(error: ValueError) -> str:
    at_field = isinstance(error, fields.Wrong | faults.NotPlain)
    return f"{fields.named(error.path)}: {error}" if at_field else str(error)


def _why(error: OSError) -> str:
    return error.strerror or str(error)
