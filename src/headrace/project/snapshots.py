"""Snapshot: the code of a project at one moment, known by its content.

The content of a file is read again only when its stat says that it may have changed. What was read of a file that had
changed a moment before is not remembered: a second change within one tick of the file system's clock would not show.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace import clock, errors
from headrace.model.pipeline import Pipeline
from headrace.project import files, tree
from headrace.project.folder import METADATA, PIPELINES, Project

_SETTLED = 2_000_000_000  # nanoseconds since its last change after which a file's stat is trusted

Stat = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class File:
    """One file of code: its posix path relative to the project, the hash of its content, its size in bytes."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The code of a project. `hash` depends on names and contents alone; `files` are sorted by path."""

    hash: str
    files: tuple[File, ...]


def snapshot(project: Project) -> Snapshot:
    """The project's code as it is now. Raises ProjectUnreadable."""
    known = _known.get(project.path, {})
    settled = int(clock.now().timestamp() * 1e9) - _SETTLED
    found: list[File] = []
    keep: dict[str, tuple[Stat, File]] = {}
    for path, stat in _scan(project):
        seen = known.get(path)
        file = seen[1] if seen and seen[0] == stat else _read(project, path)
        if file:
            found.append(file)
            if max(stat[:2]) < settled:
                keep[path] = (stat, file)
    _known[project.path] = keep
    return of(found)


def of(found: Iterable[File]) -> Snapshot:
    """The snapshot that has just these files."""
    kept = tuple(sorted(found, key=lambda file: file.path))
    return Snapshot(_hash(kept), kept)


def version_hash(pipeline: Pipeline, snapshot: Snapshot) -> str:
    """The hash of one pipeline's own metadata and block files, as they are in that snapshot."""
    own = _own(pipeline)
    return _hash(file for file in snapshot.files if file.path in own)


def written_hash(pipeline: Pipeline, project: Project, texts: Mapping[str, str]) -> str:
    """The same of files as they are in the project's folder now; `texts` are what some of them say, by their paths."""
    files = (_said(path, texts[path]) if path in texts else _read(project, path) for path in sorted(_own(pipeline)))
    return _hash(file for file in files if file)


def _own(pipeline: Pipeline) -> set[str]:
    blocks = (*pipeline.blocks, *pipeline.callbacks, *pipeline.conditionals)
    return {f"{PIPELINES}/{pipeline.name}/{METADATA}", *(block.file for block in blocks if block.file)}


def _said(path: str, text: str) -> File:
    content = text.encode()
    return File(path, digest(content), len(content))


def digest(content: bytes) -> str:
    """The hash of a content: 32 hexadecimal characters."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


_known: dict[Path, dict[str, tuple[Stat, File]]] = {}


def _scan(project: Project) -> list[tuple[str, Stat]]:
    try:
        return tree.scan(project.path)
    except OSError as error:
        raise errors.ProjectUnreadable(path=project.path, why=error.strerror or str(error)) from None
    except tree.TooMany as error:
        raise errors.ProjectUnreadable(path=project.path, why=str(error)) from None


def _read(project: Project, path: str) -> File | None:
    """The file as it is now; None for one that is gone, or grew beyond a file of code, or may not be read."""
    try:
        with open(os.path.join(project.path, path), "rb") as file:  # noqa: PTH118, PTH123
            content = file.read(files.LARGEST + 1)
    except OSError:
        return None
    return File(path, digest(content), len(content)) if len(content) <= files.LARGEST else None


def _hash(kept: Iterable[File]) -> str:
    return digest("".join(f"{file.path}\0{file.digest}\0" for file in kept).encode())
