"""Pipelines' folders as files: made, changed, moved and removed, each as a whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace import clock, errors
from headrace.project import amending, drafts, files, folder, pipelines
from headrace.project.drafts import Document
from headrace.project.folder import METADATA, PIPELINES, Project

_SETTLED = 2_000_000_000  # nanoseconds since its last change after which a file's stat is trusted
_known: dict[Path, tuple[tuple[int, int, int], Document]] = {}  # what files said, by their stat


@dataclass(frozen=True, slots=True)
class Draft:
    """A pipeline as its metadata.yaml says, whether it can be run or not."""

    name: str
    whole: Document
    changed_at: datetime


def draft(found: Project, name: str) -> Draft:
    """Raises PipelineNotFound, and BadPipeline for a file that says nothing that can be read.

    A file is read again when its stat says that it may have changed, or is too new to tell.
    """
    file = folder.pipeline_file(found, name)
    path = found.path / file
    stat = _stat(path, file)
    mark, known = (stat.st_mtime_ns, stat.st_size, stat.st_ino), _known.get(path)
    whole = known[1] if known and known[0] == mark else _read(found, file)
    if mark[0] < clock.now().timestamp() * 1e9 - _SETTLED:
        _known[path] = (mark, whole)
    return Draft(name, whole, datetime.fromtimestamp(stat.st_mtime, UTC))


def create(found: Project, name: str, whole: Document) -> None:
    """A pipeline of that name, which says that. Raises PipelineExists, FileUnwritable."""
    from headrace.project import pipeline_texts

    place = _free(found, name)
    beside = place.with_name(f".{secrets.token_hex(8)}")
    try:
        beside.mkdir()
        amending.write(beside / METADATA, pipeline_texts.new(whole), like=beside / METADATA)
        amending.sync(beside)
        _move(found, beside, place)
    except OSError as error:
        raise errors.FileUnwritable(file=f"{PIPELINES}/{name}", why=_why(error)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def amend(found: Project, name: str, change: Callable[[Document], Document]) -> None:
    """The pipeline's file says what `change` makes of what it says.

    Raises PipelineNotFound, FileUnwritable, what `change` does, and BadPipeline or BadBlockFile if a pipeline that could
    be read could not be any more; then nothing is changed.
    """
    from headrace.project import pipeline_texts

    file = folder.pipeline_file(found, name)

    def changed(text: str) -> str:
        after = pipeline_texts.rewrite(text, file, change(pipeline_texts.read(text, file)))
        _refuse_broken(found, name, file, text, after)
        return after

    try:
        amending.amend(found.path / file, lambda: _text(found, file), changed)
    except amending.Unwritable as error:
        raise errors.FileUnwritable(file=file, why=str(error)) from None


def move(found: Project, name: str, new: str) -> None:
    """The pipeline's folder has another name. Raises PipelineNotFound, PipelineExists, FileUnwritable."""
    file = folder.pipeline_file(found, name)
    try:
        _move(found, (found.path / file).parent, _free(found, new))
    except OSError as error:
        raise errors.FileUnwritable(file=f"{PIPELINES}/{new}", why=_why(error)) from None


def remove(found: Project, name: str) -> None:
    """The pipeline's folder is gone; its blocks' files, which others may share, stay. PipelineNotFound, FileUnwritable."""
    place = (found.path / folder.pipeline_file(found, name)).parent
    beside = place.with_name(f".{secrets.token_hex(8)}")
    try:
        _move(found, place, beside)
    except OSError as error:
        raise errors.FileUnwritable(file=f"{PIPELINES}/{name}", why=_why(error)) from None
    if beside.is_symlink():
        beside.unlink()
    else:
        shutil.rmtree(beside, ignore_errors=True)


def title(whole: Document, otherwise: str) -> str:
    """What a pipeline is called."""
    written: Any = whole.get("name")
    return written if isinstance(written, str) and written else otherwise


def _refuse_broken(found: Project, name: str, file: str, before: str, after: str) -> None:
    """One that cannot be read as it is may be changed in any way."""
    try:
        pipelines.said(found, name, file, before)
    except errors.BadInput:
        return
    pipelines.said(found, name, file, after)


def _free(found: Project, name: str) -> Path:
    """Where a pipeline of that name would be. PipelineExists."""
    place = found.path / PIPELINES / drafts.name_of(name)
    if "/" in name or os.path.lexists(place):
        raise errors.PipelineExists(project=found.name, pipeline=name)
    return place


def _move(found: Project, place: Path, to: Path) -> None:
    place.rename(to)
    amending.sync(found.path / PIPELINES)


def _stat(path: Path, file: str) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise errors.BadPipeline(file=file, field="the file", why=_why(error)) from None


def _read(found: Project, file: str) -> Document:
    from headrace.project import pipeline_texts  # YAML is slow to import

    return pipeline_texts.read(_text(found, file), file)


def _text(found: Project, file: str) -> str:
    try:
        return files.text(found.path, file)
    except files.Unreadable as error:
        raise errors.BadPipeline(file=file, field="the file", why=str(error)) from None


def _why(error: OSError) -> str:
    return error.strerror or str(error)
