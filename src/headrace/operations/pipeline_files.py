"""Pipelines as they are written in a project's folder: made, changed, renamed and deleted.

Whoever has roles for the pipelines of some tags changes those alone, and leaves them within these.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import clock, errors, project
from headrace.app import App
from headrace.operations import cancelling, documents, reasons, sight
from headrace.project import Draft, Project, drafts, pipeline_files

TYPES = ("python", "integration", "streaming", "pyspark", "databricks", "execution_framework")
FIELDS = frozenset({  # of a pipeline that may be changed, by the names of the Mage format
    "description", "type", "tags", "extensions", "cache_block_output_in_memory", "concurrency_config",
    "data_integration", "executor_type", "executor_config", "notification_config", "retry_config",
    "run_pipeline_in_one_process", "settings",
})  # fmt: skip
Entry = Mapping[str, Any]  # what a pipeline's file says of one of its blocks

_FLAGS = ("cache_block_output_in_memory", "run_pipeline_in_one_process")
_TEXTS = ("description", "executor_type")
_MAPPINGS = ("extensions", "concurrency_config", "executor_config", "notification_config", "retry_config", "settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A pipeline that is to be; with `like` it has the blocks, and all else, of the pipeline of that name."""

    title: str
    type: str = "python"
    description: str | None = None
    tags: Sequence[str] = ()
    like: str | None = None


def drafted(app: App, folder: Path, name: str) -> Draft:
    """The pipeline as it is written. Raises PipelineNotFound, and BadPipeline for one of which nothing can be read."""
    sight.refuse_unseen(app, folder, name)
    return project.draft(project.open(folder, os.environ), name)


def listed(app: App, folder: Path) -> Iterator[tuple[str, Draft | None]]:
    """Every pipeline of the project that the caller sees, by name, as it is written; None for one that is no YAML."""
    found = project.open(folder, os.environ)
    for name in sight.seen_names(app, found):
        try:
            yield name, project.draft(found, name)
        except errors.BadInput:
            yield name, None


def create(app: App, folder: Path, new: New) -> Draft:
    """Raises BadName, PipelineExists, BadField; PipelineNotFound for one that it is to be like."""
    found, name = project.open(folder, os.environ), drafts.name_of(new.title)
    _refuse_wrong({"type": new.type, "description": new.description, "tags": [*new.tags]})
    at = clock.now()
    if new.like is None:
        whole = drafts.pipeline(name, new.title, new.type, new.description, new.tags, at)
    else:
        own = {"uuid": name, "name": new.title, "created_at": str(at)}
        whole = {**drafted(app, folder, new.like).whole, **own}
    sight.refuse_beyond(app, tags(whole))
    sight.refuse_remembered(app, found, name, tags(whole))
    pipeline_files.create(found, name, whole)
    return _written(app, found, name)


def change(app: App, folder: Path, name: str, changes: Mapping[str, Any], order: Sequence[str] = ()) -> Draft:
    """Those of FIELDS say something else, and the blocks stand in that order. What is masked in them stays as it was.

    Raises BadField, BadPipeline.
    """
    wanted = {field: value for field, value in changes.items() if field in FIELDS}
    _refuse_wrong(wanted)
    found = changeable(app, folder, name)
    if "tags" in wanted:
        sight.refuse_beyond(app, wanted["tags"])
    pipeline_files.amend(found, name, lambda whole: drafts.order({**whole, **_unmasked(wanted, whole)}, order))
    return _written(app, found, name)


def rename(app: App, folder: Path, name: str, title: str) -> Draft:
    """The pipeline is called so, and its folder after that; its runs, triggers and backfills stay its own.

    Raises BadName, and PipelineExists if another has the name, or had it and is remembered.
    """
    found, new = changeable(app, folder, name), drafts.name_of(title)
    if new != name:
        _move(app, found, name, new)
    pipeline_files.amend(found, new, lambda whole: {**whole, "name": title, "uuid": new})
    return _written(app, found, new)


def delete(app: App, folder: Path, name: str) -> Draft | None:
    """The pipeline's folder is gone, as it was written; its runs stay, and its triggers, which are paused.

    Runs that are under way are cancelled, for that reason: before the folder goes, so that whoever was interrupted finds
    the pipeline and deletes it again, and those that have begun meanwhile, after it, when none begins any more.
    """
    found = changeable(app, folder, name)
    was = project.draft(found, name) if _is_readable(found, name) else None
    known = app.store.projects.pipeline(found.path, name)
    if known is not None:
        _pause_triggers(app, known, name)
        cancelling.ask_all(app, known, reasons.DELETED)
    pipeline_files.remove(found, name)
    if known is not None:
        cancelling.ask_all(app, known, reasons.DELETED)
        app.store.pipelines.resume(known, clock.now())  # another of its name begins as any other
    return was


def changeable(app: App, folder: Path, name: str) -> Project:
    """The project, if the caller may change that pipeline of it. Raises PipelineNotFound, NotAllowed."""
    sight.refuse_unseen(app, folder, name)
    found = project.open(folder, os.environ)
    if app.reach is not None:
        sight.refuse_beyond(app, tags(project.draft(found, name).whole))
    return found


def entries(draft: Draft, kind: str = "blocks") -> list[Entry]:
    """The pipeline's blocks as they are written; or its callbacks, conditionals or widgets."""
    return [each for of, each in drafts.entries(draft.whole) if of == kind]


def all_entries(draft: Draft) -> dict[str, Entry]:
    """All of them by name."""
    return {str(each.get("uuid")): each for _, each in drafts.entries(draft.whole)}


def tags(whole: Mapping[str, Any]) -> list[str]:
    """The tags of a pipeline as it is written."""
    written = whole.get("tags")
    return [str(each) for each in written] if isinstance(written, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _move(app: App, found: Project, name: str, new: str) -> None:
    """Folder and row are renamed together: should the one fail, the other is as it was."""
    known = app.store.projects.pipeline(found.path, name)
    remembered = app.store.projects.renaming(known, new) if known is not None else contextlib.nullcontext()
    with remembered:
        pipeline_files.move(found, name, new)


def _pause_triggers(app: App, pipeline_id: int, name: str) -> None:
    for each in app.store.triggers.list(pipeline=name):
        if each.trigger.active and each.trigger.pipeline_id == pipeline_id:
            app.registry.change(each.trigger.id, None, clock.now(), active=False)


def _written(app: App, found: Project, name: str) -> Draft:
    """The pipeline as it is now; what is kept of it beside its versions, its tags above all, follows."""
    with contextlib.suppress(errors.BadInput):
        app.maker.pin(app.maker.keep(found.path), name, clock.now())
    return project.draft(found, name)


def _is_readable(found: Project, name: str) -> bool:
    try:
        return bool(project.draft(found, name))
    except errors.BadPipeline:
        return False


def _unmasked(wanted: Mapping[str, Any], whole: Entry) -> dict[str, Any]:
    """What is wanted, with what is written in place of `***`."""
    both = [field for field in wanted if isinstance(wanted[field], dict) and isinstance(whole.get(field), dict)]
    return {**wanted, **{field: documents.unmasked(wanted[field], whole[field]) for field in both}}


def _refuse_wrong(fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        if expected := _expected(field, value):
            raise errors.BadField(field=field, given=value, expected=expected)


def _expected(field: str, value: Any) -> str | None:
    """What the field is to be, where the value is no such thing."""
    match field:
        case "type" if value not in TYPES:
            return f"one of {', '.join(TYPES)}"
        case "tags" if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):  # pyright: ignore[reportUnknownVariableType]
            return "a list of names"
        case _ if field in _FLAGS and not isinstance(value, bool):
            return "true or false"
        case _ if field in _TEXTS and not isinstance(value, str | None):
            return "text"
        case _ if field in _MAPPINGS and not isinstance(value, dict | None):
            return "an object"
        case _:
            return None
