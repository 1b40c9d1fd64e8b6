"""Pipelines that come by an API, and no folder of anybody's: created, revised, described, deleted.

They lie in a project of headrace's own, so whoever reads pipelines reads these too. What cannot be run is refused
before anything of it is written; whatever is written is a version at once.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace import clock, errors, identity, project
from headrace.app import App
from headrace.model.pipeline import BlockType, Language, Pipeline
from headrace.operations import pipeline_files, sight
from headrace.project import Project, authored, drafts
from headrace.project import pipeline_files as project_pipelines
from headrace.project.authored import Codes
from headrace.project.drafts import Document
from headrace.store.pipelines import PipelineRow, Version

LONGEST = 200  # characters of a name
LONGEST_DESCRIPTION = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBlock:
    """A block that is to be. `extra` are further fields of its entry, by the names of the Mage format."""

    uuid: str
    type: BlockType
    language: Language
    code: str
    configuration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    upstream: Sequence[str] = ()
    name: str = ""  # what it is called, where that is not its uuid
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPipeline:
    """A pipeline that is to be, under a name that no other of them has; with `uid` it is to be known by that.

    `extra` are further fields of its metadata.yaml, by the names of the Mage format.
    """

    name: str
    description: str = ""
    blocks: Sequence[NewBlock] = ()
    uid: str | None = None
    tags: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Authored:
    """A pipeline as it is written now. Its title is what was given as its name; `row.name` is that of its folder."""

    row: PipelineRow
    pipeline: Pipeline
    version: Version


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written: the pipeline as it is, None for a new one, and as it is to be, with the files of its blocks.

    `edited` are those of them that somebody has changed where they lie.
    """

    name: str
    uid: str
    before: Document | None
    after: Document
    codes: Codes
    edited: frozenset[str] = frozenset()

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def tags(self) -> Sequence[str]:
        return pipeline_files.tags(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What of a pipeline is to be something else; None for what stays."""

    name: str | None = None
    description: str | None = None
    tags: Sequence[str] | None = None
    blocks: Sequence[NewBlock] | None = None


def create(app: App, new: NewPipeline) -> Authored:
    """The pipeline is there, at its first version.

    Raises PipelineExists for a name or uid that is taken, BadName, BadField, NotAllowed, and for blocks that cannot be
    run the BadInput that says so.
    """
    with authored.alone(app.settings.home):
        return carry_out(app, planned(app, new))


def revise(app: App, pipeline_id: int, blocks: Sequence[NewBlock]) -> Authored:
    """The pipeline has just these blocks. Raises what `change` does."""
    return change(app, pipeline_id, Changes(blocks=blocks))


def describe(app: App, pipeline_id: int, *, name: str | None = None, description: str | None = None) -> Authored:
    """The pipeline is called and described so. Raises what `change` does."""
    return change(app, pipeline_id, Changes(name=name, description=description))


def change(app: App, pipeline_id: int, changes: Changes) -> Authored:
    """Where all of it is so already, it stays the version that it is.

    Raises NoSuchRecord, NotAuthored, and what `create` does.
    """
    with authored.alone(app.settings.home):
        return carry_out(app, planned_change(app, pipeline_id, changes))


def delete(app: App, pipeline_id: int) -> None:
    """The pipeline is written no more; its runs stay, and its triggers, which are paused. NoSuchRecord, NotAuthored."""
    row = writable(app, pipeline_id)
    with authored.alone(app.settings.home):
        pipeline_files.delete(app, row.project.path, row.name)
        authored.sweep(authored.found(app.settings.home), row.name)


def planned(app: App, new: NewPipeline) -> Plan:
    """How the pipeline would be written, of which nothing is. Raises what `create` does."""
    _refuse_wrong(new.name, new.description)
    sight.refuse_beyond(app, new.tags)
    found = authored.found(app.settings.home)
    name, uid = _place(app, found, new)
    sight.refuse_remembered(app, found, name, new.tags)
    blank = drafts.pipeline(name, new.name, "python", new.description, new.tags, clock.now())
    after, codes = _filled({**blank, **new.extra}, new.blocks)
    authored.refuse_crowd(found, codes, authored.SPARE)
    _try(found, name, after, codes)
    return Plan(name, uid, None, after, codes)


def planned_change(app: App, pipeline_id: int, changes: Changes) -> Plan:
    """How the pipeline would be written. Raises what `change` does."""
    row, found = writable(app, pipeline_id), authored.found(app.settings.home)
    before = project.draft(found, row.name).whole
    after = _described(found, before, changes)
    sight.refuse_beyond(app, pipeline_files.tags(after))
    if changes.blocks is None:
        return Plan(row.name, row.uid, before, after, {})
    after, codes = _filled(after, changes.blocks)
    authored.refuse_crowd(found, codes, 0)
    _try(found, row.name, after, codes)
    return Plan(row.name, row.uid, before, after, codes, authored.edited(found, codes))


def writable(app: App, pipeline_id: int) -> PipelineRow:
    """The pipeline, if it is one of those that are written here, and the caller may write it. NoSuchRecord, NotAuthored."""
    row = app.store.pipelines.get(pipeline_id)
    found = authored.found(app.settings.home)
    if row.project.path == found.path and row.name not in authored.names(found):
        raise errors.NoSuchRecord(noun="pipeline", id=pipeline_id)
    if row.project.path != found.path:
        raise errors.NotAuthored(pipeline=row.name, project=row.project.name)
    pipeline_files.changeable(app, found.path, row.name)
    return row


def titled(app: App, name: str) -> str | None:
    """The folder's name of the pipeline that is called so, if there is one."""
    return _titles(authored.found(app.settings.home)).get(name)


def _place(app: App, found: Project, new: NewPipeline) -> tuple[str, str]:
    """Name and uid of the folder to be. A name that runs are remembered under is given again for its uid alone."""
    known = app.store.pipelines.by_uid(new.uid) if new.uid else None
    living = authored.names(found)
    if new.name in _titles(found) or (known and (known.project.path != found.path or known.name in living)):
        raise errors.PipelineExists(project=found.name, pipeline=new.name)
    if known:
        return known.name, known.uid
    taken = {*living, *(row.name for row in app.store.pipelines.all() if row.project.path == found.path)}
    name = drafts.name_of(new.name.replace("/", "_"))
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in taken), new.uid or identity.new()


def _titles(found: Project) -> dict[str, str]:
    """The names of the folders of all pipelines, by what these are called."""
    return {project_pipelines.title(whole, name): name for name, whole in authored.drafted(found).items()}


def _described(found: Project, whole: Document, changes: Changes) -> Document:
    named = changes.name is not None and changes.name != whole.get("name")
    _refuse_wrong(str(whole.get("name")) if changes.name is None else changes.name, changes.description or "")
    if named and changes.name in _titles(found):
        raise errors.PipelineExists(project=found.name, pipeline=changes.name)
    tags = None if changes.tags is None else [*changes.tags]
    given = {"name": changes.name, "description": changes.description, "tags": tags}
    return {**whole, **{field: value for field, value in given.items() if value is not None}}


def _try(found: Project, name: str, whole: Document, codes: Codes) -> None:
    """Raises the BadInput for which it cannot be run; BadBlock where it is about one block: nobody knows of its file."""
    try:
        authored.tried(found, name, whole, codes)
    except errors.BadBlockFile as error:
        raise _of_code(whole["blocks"], str(error.facts["file"]), error.facts["why"]) from None
    except errors.BadPipeline as error:
        raise _of_entry(whole["blocks"], name, error) from None


def _of_code(entries: Sequence[Document], place: str, why: str) -> errors.BadInput:
    """What is wrong with the code of a block, in the words of whoever has sent it."""
    file, _, where = place.partition(" ")
    number = next(number for number, entry in enumerate(entries) if authored.code_of(entry) == file)
    return _wrong_block(entries[number]["uuid"], number, "code", f"{where}: {why}" if where else why)


def _of_entry(entries: Sequence[Document], name: str, error: errors.BadPipeline) -> errors.BadInput:
    field, why = str(error.facts["field"]), error.facts["why"]
    found = _OF_BLOCK.fullmatch(field)
    if not found:
        return errors.BadPipeline(file=f"the pipeline {name}", field=field, why=why)
    number, within = int(found[1]), found[2]
    return _wrong_block(entries[number]["uuid"], number, within, why)


def _wrong_block(block: str, number: int, field: str, why: str) -> errors.BadBlock:
    """`field` is that of the block's entry, or its `code`; `said` is what is wrong, without it."""
    told = why if field in ("", "uuid", "name", "code") else f"{field}: {why}"
    return errors.BadBlock(block=block, number=number, field=field, said=why, why=told)


_OF_BLOCK = re.compile(r"blocks\[(\d+)\]\.?(.*)", re.DOTALL)


def _filled(whole: Document, blocks: Sequence[NewBlock]) -> tuple[Document, Codes]:
    """The pipeline with these blocks, and what their files say."""
    files = {each.uuid: _file(whole["uuid"], number, each) for number, each in enumerate(blocks)}
    entries = [_entry(each, files[each.uuid]) for each in blocks]
    return drafts.fill(whole, entries), {files[each.uuid]: each.code for each in blocks}


def _file(pipeline: str, number: int, block: NewBlock) -> str:
    try:
        return authored.file_of(pipeline, block.uuid, block.type, block.language, block.code)
    except errors.BadName as error:
        raise _wrong_block(block.uuid, number, "name", str(error)) from None


def _entry(block: NewBlock, file: str) -> Document:
    own = {
        **block.extra,
        "upstream_blocks": [*block.upstream],
        "configuration": {**block.configuration, "file_path": file},
    }
    return drafts.block(block.uuid, block.name or block.uuid, block.type, block.language.value, own)


def carry_out(app: App, plan: Plan) -> Authored:
    """It is so from now on, and a version, of which the code is laid out when it is first run.

    Whoever plans and does it keeps others out meanwhile: see `authored.alone`.
    """
    found = authored.found(app.settings.home)
    if plan.is_new:
        app.store.pipelines.enter(found.path, found.name, plan.name, plan.uid, plan.tags, clock.now())
        authored.create(found, plan.name, plan.after, plan.codes)
    else:
        authored.rewrite(found, plan.name, plan.after, plan.codes)
    return _noted(app, authored.found(app.settings.home), plan.name)


def _noted(app: App, found: Project, name: str) -> Authored:
    read, hash = authored.read(found, name)
    project.refuse_unsupported(read)
    pipeline_id, version_id = app.store.projects.note(found.path, found.name, read, hash, clock.now())
    version = app.store.pipelines.versions_of([version_id])[version_id]
    return Authored(app.store.pipelines.get(pipeline_id), read, version)


def _refuse_wrong(name: str, description: str) -> None:
    if not name.strip() or len(name) > LONGEST:
        raise errors.BadField(field="name", given=name, expected=f"text, not empty, of at most {LONGEST} characters")
    if len(description) > LONGEST_DESCRIPTION:
        expected = f"text of at most {LONGEST_DESCRIPTION} characters"
        raise errors.BadField(field="description", given=description, expected=expected)
