"""The project that headrace writes itself, for pipelines that come by an API: a folder in the Mage layout as any other.

The code of a block lies in a file that is named for what it says, so a pipeline is the old one until its metadata.yaml
is the new one, whenever the process is killed.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from headrace import errors
from headrace.model.pipeline import BlockType, Language, Pipeline
from headrace.project import (
    amending,
    block_files,
    drafts,
    files,
    folder,
    pipeline_files,
    pipelines,
    runnable,
    snapshots,
    tree,
)
from headrace.project.drafts import Document
from headrace.project.folder import PIPELINES, Project

NAME = "authored"
SPARE = 1_000  # files that only pipelines which are there may still come to have: beyond `tree.MOST` no project is read

Codes = Mapping[str, str]  # what each file says, by its path relative to the project


def place(home: Path) -> Path:
    """Where it lies."""
    return home / NAME


def found(home: Path) -> Project:
    """The project; one without pipelines before anything was written there. Raises what `project.open` does."""
    there = place(home)
    return folder.open(there, os.environ) if there.is_dir() else Project(NAME, there, {}, {})


def names(project: Project) -> tuple[str, ...]:
    """Its pipelines, by the names of their folders."""
    return folder.pipeline_names(project) if project.path.is_dir() else ()


def alone(home: Path) -> AbstractContextManager[None]:
    """One at a time writes pipelines of the project."""
    return amending.alone(home)


def file_of(pipeline: str, block: str, type: BlockType, language: Language, code: str) -> str:
    """Where the block's code lies. BadName for a block of whose name no file's can be made."""
    name = drafts.name_of(block.replace("/", "_"))
    return block_files.file_of(type, language, f"{pipeline}/{name}_{snapshots.digest(code.encode())[:8]}")


def tried(project: Project, name: str, whole: Document, codes: Codes) -> Pipeline:
    """The pipeline as it would be read, and nothing of it is written. Raises the BadInput for which it cannot be run."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as beside:
        there = replace(project, path=Path(beside))
        _make(there)
        _write(there, codes)
        pipeline_files.create(there, name, whole)
        read = pipelines.read(there, name)
    runnable.refuse_unsupported(read)
    return read


def refuse_crowd(project: Project, codes: Codes, spare: int) -> None:
    """FileUnwritable where the project would have so many files that, with some to spare, none of it could be read."""
    if _files_and_folders(project) + len(codes) + spare > tree.MOST:
        why = f"the project {NAME} has as many files as one may have; delete pipelines of it"
        raise errors.FileUnwritable(file=f"{NAME}/{PIPELINES}", why=why)


def create(project: Project, name: str, whole: Document, codes: Codes) -> None:
    """The pipeline is there. PipelineExists, FileUnwritable."""
    _make(project)
    _write(project, codes)
    pipeline_files.create(project, name, whole)
    sweep(project, name)


def rewrite(project: Project, name: str, whole: Document, codes: Codes) -> None:
    """The pipeline says that; its files but for those of `codes` say what they said. PipelineNotFound, FileUnwritable."""
    _write(project, codes)
    pipeline_files.amend(project, name, lambda _: whole)
    sweep(project, name)


def edited(project: Project, codes: Codes) -> frozenset[str]:
    """Those of the files that are there and say something else: somebody has changed them where they lie."""
    return frozenset(file for file, code in codes.items() if block_files.read(project, file) not in (None, code))


def read(project: Project, name: str) -> tuple[Pipeline, str]:
    """The pipeline as it is written now, and the hash of the version that it is. Raises what `project.read` does."""
    file = folder.pipeline_file(project, name)
    text = pipelines.text(project, file)
    found = pipelines.said(project, name, file, text)
    texts = {str(block.file): block.text for block in found.blocks if block.text is not None}
    return found, snapshots.written_hash(found, project, {file: text, **texts})


def sweep(project: Project, name: str) -> None:
    """Of the files in the folders of that pipeline's name those are gone that no pipeline needs."""
    wholes = drafted(project)
    if len(wholes) < len(names(project)):
        return  # nobody knows what those need that cannot be read
    needed = {code_of(entry) for whole in wholes.values() for _, entry in drafts.entries(whole)}
    for file in _files(project, name):
        if file not in needed:
            block_files.remove(project, file)


def drafted(project: Project) -> dict[str, Document]:
    """What each pipeline's file says, by the name of its folder; those that cannot be read are left out."""
    read: dict[str, Document] = {}
    for name in names(project):
        with contextlib.suppress(errors.BadInput):
            read[name] = pipeline_files.draft(project, name).whole
    return read


def code_of(entry: Document) -> Any:
    """The file that a block's entry names as its code."""
    configuration = entry.get("configuration")
    return cast("Document", configuration).get("file_path") if isinstance(configuration, dict) else None


def _files_and_folders(project: Project) -> int:
    """At least as many as there are; those of folders that a pipeline may yet come to have among them."""
    if not project.path.is_dir():
        return len(BlockType)
    try:
        return len(BlockType) + len(tree.scan(project.path)) + sum(1 for _ in project.path.glob("*/*/"))
    except tree.TooMany:
        return tree.MOST + 1


def _make(project: Project) -> None:
    try:
        (project.path / PIPELINES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.FileUnwritable(file=PIPELINES, why=error.strerror or str(error)) from None


def _write(project: Project, codes: Codes) -> None:
    for file, code in codes.items():
        block_files.write(project, file, code)


def _files(project: Project, name: str) -> Iterator[str]:
    for top in project.path.iterdir():
        own = top / name
        if top.name != PIPELINES and own.is_dir() and files.inside(project.path, str(own)):
            yield from (each.relative_to(project.path).as_posix() for each in own.iterdir() if each.is_file())
