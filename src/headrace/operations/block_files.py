"""Blocks as they are written: entries of pipelines, which share a block's file when they have one of the same name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace import errors, project
from headrace.app import App
from headrace.model.pipeline import Block, BlockType, Language
from headrace.operations import pipeline_files, sight
from headrace.project import Draft, Project, block_files, drafts, places
from headrace.project import pipeline_files as folders
from headrace.project.drafts import Document

FIELDS = frozenset({  # of a block that may be changed, by the names of the Mage format
    "all_upstream_blocks_executed", "color", "configuration", "executor_config", "executor_type", "groups",
    "has_callback", "retry_config", "status", "timeout", "upstream_blocks",
})  # fmt: skip
CHANGEABLE = FIELDS | {"downstream_blocks", "callback_blocks", "conditional_blocks"}
NOTES = (BlockType.SCRATCHPAD, BlockType.MARKDOWN)  # their files go with them
_FILELESS = (BlockType.GLOBAL_DATA_PRODUCT, BlockType.HOOK, BlockType.EXTENSION)
_MAPPINGS = ("configuration", "executor_config", "retry_config")
_FLAGS = ("all_upstream_blocks_executed", "has_callback")
_TEXTS = ("color", "executor_type")
_STATUSES = ("not_executed", "executed", "failed", "updated")


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A block that is to be. Without `code` it has that of the file of its name, or of a new one."""

    title: str
    type: str
    language: str = "python"
    code: str | None = None
    place: int | None = None  # among the blocks; the last, unless it is given
    upstream: Sequence[str] = ()
    downstream: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    alone: bool = False  # there is to be no file of its name


def create(app: App, folder: Path, pipeline: str, new: New) -> str:
    """The block's name. Raises BadName, BadField, BlockExists, BlockNotFound for an edge, BadPipeline for a circle."""
    type, language = _word("type", new.type, BlockType), _word("language", new.language, Language)
    found, name = pipeline_files.changeable(app, folder, pipeline), drafts.name_of(new.title)
    fields = _chosen(new.fields) | {"upstream_blocks": [*new.upstream]}
    if copied := new.fields.get("replicated_block"):
        fields["replicated_block"] = copied
    entry = drafts.block(name, new.title, type, str(language), fields)

    def put(whole: Document) -> Document:
        return drafts.lead(drafts.put(whole, entry, new.place), name, new.downstream)

    put(project.draft(found, pipeline).whole)
    file = None if copied or type in _FILELESS else block_files.file_of(type, language, name)
    made = file is not None and _write_new(app, found, file, name, new, block_files.template(type, language))
    try:
        folders.amend(found, pipeline, put)
    except BaseException:
        if made and file:
            block_files.remove(found, file)
        raise
    return name


def change(app: App, folder: Path, pipeline: str, name: str, changes: Mapping[str, Any]) -> None:
    """Those of FIELDS say something else; `downstream_blocks`, `callback_blocks` and `conditional_blocks` are edges.

    Raises BlockNotFound, BadField, BadPipeline for a circle.
    """
    found = pipeline_files.changeable(app, folder, pipeline)
    wanted = _chosen(changes)

    def changed(whole: Document) -> Document:
        whole = drafts.change(whole, name, wanted)
        if "downstream_blocks" in changes:
            whole = drafts.lead(whole, name, _names("downstream_blocks", changes["downstream_blocks"]))
        for kind in ("callback", "conditional"):
            if f"{kind}_blocks" in changes:
                attached = _names(f"{kind}_blocks", changes[f"{kind}_blocks"])
                whole = drafts.attach(whole, f"{kind}s", name, attached)
        return whole

    folders.amend(found, pipeline, changed)


def write_code(app: App, folder: Path, pipeline: str, name: str, code: str) -> None:
    """The block's file says that, for every pipeline that has the block. BlockNotFound, FileUnwritable."""
    found = pipeline_files.changeable(app, folder, pipeline)
    entry = _entry(found, pipeline, name)
    file = file_of(found, pipeline, entry)
    if file is None:
        raise errors.CodeUnreadable(block=name, why="it has no file")
    if places.type_of(file) is None:
        raise errors.FileUnwritable(file=file, why="it lies in no folder of blocks")
    _refuse_shared(app, found, file)
    block_files.write(found, file, code)


def rename(app: App, folder: Path, pipeline: str, name: str, title: str) -> str:
    """The block's new name: in every pipeline that has it, with its file. BadName, BlockExists, BlockNotFound."""
    found, new = pipeline_files.changeable(app, folder, pipeline), drafts.name_of(title)
    entry = _entry(found, pipeline, name)
    if new == name:
        folders.amend(found, pipeline, lambda whole: drafts.change(whole, name, {"name": title}))
        return new
    users = _users(found, entry)
    _refuse_beyond(app, found, users)
    for user in users:
        drafts.rename(project.draft(found, user).whole, name, new, title)
    old_file, new_file = _moved(found, pipeline, entry, new)
    for user in users:
        folders.amend(found, user, lambda whole: drafts.rename(whole, name, new, title))
    if old_file and new_file:
        block_files.remove(found, old_file)
    return new


def delete(app: App, folder: Path, pipeline: str, name: str, *, force: bool = False, with_file: bool = False) -> None:
    """The pipeline has the block no more; `with_file`, its file goes if no other pipeline has it.

    Raises BlockNotFound, and BlockNeeded, unless it is forced, for one that others wait for.
    """
    found = pipeline_files.changeable(app, folder, pipeline)
    entry = _entry(found, pipeline, name)
    below = drafts.downstream_of(project.draft(found, pipeline).whole, name)
    if below and not force:
        raise errors.BlockNeeded(pipeline=pipeline, block=name, names=", ".join(below))
    file = file_of(found, pipeline, entry) if not entry.get("replicated_block") else None
    folders.amend(found, pipeline, lambda whole: drafts.drop(whole, name))
    if file and (with_file or entry.get("type") in NOTES) and not _sharing(found, file):
        block_files.remove(found, file)


def pipeline_of(app: App, folder: Path, type: str, name: str) -> str:
    """The first pipeline that has a block of that type and name, of those that the caller sees. NoSuchRecord."""
    for pipeline, draft in pipeline_files.listed(app, folder):
        if draft and any(
            (type, name) == (each.get("type"), each.get("uuid")) for _, each in drafts.entries(draft.whole)
        ):
            return pipeline
    raise errors.NoSuchRecord(noun="block", id=f"{type}/{name}")


def code(folder: Path, draft: Draft, entries: Sequence[Document]) -> dict[str, str]:
    """What the files of those blocks of the pipeline say, by the blocks' names; those without one are left out."""
    found = project.open(folder, os.environ)
    read = _read(found, draft.name)
    said = {str(each.get("uuid")): _code(found, _file(read, each)) for each in entries}
    return {name: text for name, text in said.items() if text is not None}


def file_of(found: Project, pipeline: str, entry: Document) -> str | None:
    """The file of that block, relative to the project: where it lies, or where it would; None for one that has none."""
    return _file(_read(found, pipeline), entry)


def _write_new(app: App, found: Project, file: str, name: str, new: New, template: str) -> bool:
    """Whether the file was made."""
    there = block_files.there(found, file)
    if there and new.alone:
        raise errors.BlockExists(pipeline="that is meant", block=name)
    if not there:
        block_files.write(found, file, template if new.code is None else new.code)
    elif new.code is not None:
        _refuse_shared(app, found, file)
        block_files.write(found, file, new.code)
    return not there


def _moved(found: Project, pipeline: str, entry: Document, new: str) -> tuple[str | None, str | None]:
    """The old file and the new one, which says the same; a file that is not in its usual place stays there."""
    old = file_of(found, pipeline, entry)
    if old is None or entry.get("replicated_block") or old != _usual(entry):
        return old, None
    to = _usual({**entry, "uuid": new})
    said = block_files.read(found, old)
    if to is None or said is None:
        return old, None
    if block_files.there(found, to):
        raise errors.BlockExists(pipeline=pipeline, block=new)
    block_files.write(found, to, said)
    return old, to


def _entry(found: Project, pipeline: str, name: str) -> dict[str, Any]:
    whole = project.draft(found, pipeline).whole
    entry = drafts.find(whole, name)
    if entry is None:
        names = ", ".join(str(each.get("uuid")) for _, each in drafts.entries(whole)) or "no blocks"
        raise errors.BlockNotFound(pipeline=pipeline, block=name, names=names)
    return entry


def _users(found: Project, entry: Document) -> list[str]:
    """The pipelines that have a block of that name and type, or a copy of it."""
    return [each for each in project.pipeline_names(found) if _uses(found, each, entry)]


def _uses(found: Project, pipeline: str, entry: Document) -> bool:
    try:
        whole = project.draft(found, pipeline).whole
    except errors.BadInput:
        return False
    like = (each for _, each in drafts.entries(whole) if each.get("type") == entry.get("type"))
    return any(entry["uuid"] in (each.get("uuid"), each.get("replicated_block")) for each in like)


def _refuse_shared(app: App, found: Project, file: str) -> None:
    """NotAllowed for a file that a pipeline has, too, which the caller may not change."""
    if app.reach is not None:
        _refuse_beyond(app, found, _sharing(found, file))


def _refuse_beyond(app: App, found: Project, pipelines: Sequence[str]) -> None:
    if app.reach is not None:
        for each in pipelines:
            sight.refuse_beyond(app, pipeline_files.tags(project.draft(found, each).whole))


def _sharing(found: Project, file: str) -> list[str]:
    """The pipelines that have a block of that file."""
    return [each for each in project.pipeline_names(found) if file in _files(found, each)]


def _files(found: Project, pipeline: str) -> set[str | None]:
    """The files of the pipeline's blocks, as far as it can be read."""
    read = _read(found, pipeline)
    try:
        whole = project.draft(found, pipeline).whole
    except errors.BadInput:
        return set()
    return {_file(read, entry) for _, entry in drafts.entries(whole)}


def _read(found: Project, pipeline: str) -> Mapping[str, Block]:
    """The pipeline's blocks as they would run; none of one that cannot be read."""
    try:
        read = project.read(found, pipeline)
    except errors.BadInput:
        return {}
    return {block.uuid: block for block in (*read.blocks, *read.callbacks, *read.conditionals)}


def _file(read: Mapping[str, Block], entry: Document) -> str | None:
    block = read.get(str(entry.get("uuid")))
    return block.file if block and block.file else _usual(entry)


def _usual(entry: Document) -> str | None:
    """Where the file of a block of that name, type and language lies, unless something else is written."""
    try:
        type, language = BlockType(str(entry.get("type"))), Language(str(entry.get("language") or "python"))
    except ValueError:
        return None
    name = str(entry.get("replicated_block") or entry.get("uuid"))
    return None if type in _FILELESS else block_files.file_of(type, language, name)


def _code(found: Project, file: str | None) -> str | None:
    return block_files.read(found, file) if file else None


def _chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of FIELDS that are given. BadField for one that cannot be."""
    chosen = {name: value for name, value in given.items() if name in FIELDS}
    for name, value in chosen.items():
        if expected := _expected(name, value):
            raise errors.BadField(field=name, given=value, expected=expected)
    return chosen


def _expected(name: str, value: Any) -> str | None:
    """What the field is to be, where the value is no such thing."""
    match name:
        case "upstream_blocks":
            _names(name, value)
            return None
        case "status" if value not in _STATUSES:
            return f"one of {', '.join(_STATUSES)}"
        case _ if name in _MAPPINGS and not isinstance(value, dict | None):
            return "an object"
        case _ if name in _FLAGS and not isinstance(value, bool):
            return "true or false"
        case _ if name in _TEXTS and not isinstance(value, str | None):
            return "text"
        case "groups" if not isinstance(value, list | None):
            return "a list"
        case _:
            return None


def _names(name: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):  # pyright: ignore[reportUnknownVariableType]
        raise errors.BadField(field=name, given=given, expected="a list of blocks' names")
    return list(dict.fromkeys(given))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _word(name: str, given: Any, words: Any) -> Any:
    try:
        return words(given)
    except ValueError:
        raise errors.BadField(field=name, given=given, expected=f"one of {', '.join(words)}") from None
