"""Triggers that their project has in a file: what is changed here is written there as well.

The file comes first. What the store lacks then, should it come to that, it takes over from the file. So who may not
change a trigger is refused before the file is touched.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace import errors, project
from headrace.app import App
from headrace.model.trigger import Definition, Trigger
from headrace.operations import sight
from headrace.project import Project, Written


def write(app: App, trigger: Trigger, definition: Definition | None, at: datetime, *, active: bool | None) -> None:
    """The file says of the trigger what it is to be; None leaves it as it says. One that is in no file stays so.

    Raises BadTriggers and TriggersUnwritable for a file that cannot be changed, TriggerExists where it has another of
    the new name; nothing is changed then.
    """
    if not trigger.in_code:
        return
    found, pipeline = _place(app, trigger)
    before = _written(found, pipeline, trigger) or _entry(trigger, pipeline)
    after = before if definition is None else replace(before, definition=definition)
    if active is not None:
        after = _switched(trigger, after, at, active=active)
    renamed = after.definition.name != before.definition.name
    if renamed:
        _refuse_taken(found, pipeline, after.definition.name)
    project.write_trigger(found, pipeline, after)
    if renamed:
        project.remove_trigger(found, pipeline, before.definition.name)


def is_wanted(folder: Path, pipeline: str) -> bool:
    """Whether new triggers of the pipeline are to be in the file, as its settings or its project's say."""
    found = project.open(folder, os.environ)
    return any(map(_saves, (project.draft(found, pipeline).whole, found.metadata)))


def refuse_taken(folder: Path, pipeline: str, name: str) -> None:
    """TriggerExists where the pipeline's file has one of that name, in force or not."""
    _refuse_taken(project.open(folder, os.environ), pipeline, name)


def adopt(app: App, trigger: Trigger, at: datetime, *, active: bool | None = None) -> Trigger:
    """The trigger is in its project's file from now on, as it is, or active or paused from now on, where that is said.

    Raises BadTriggers and TriggersUnwritable; nothing is changed then.
    """
    found, pipeline = _place(app, trigger)
    before = _written(found, pipeline, trigger)
    entry = _entry(trigger, pipeline)
    if before:
        entry = replace(entry, envs=before.envs, token=before.token)
    project.write_trigger(found, pipeline, entry if active is None else _switched(trigger, entry, at, active=active))
    return app.registry.change(trigger.id, None, at, active=active, in_code=True)


def listed(app: App, folder: Path, pipeline: str) -> Sequence[Written]:
    """The triggers that the pipeline's file has, as they are written. PipelineNotFound."""
    sight.refuse_unseen(app, folder, pipeline)
    return project.read_triggers(project.open(folder, os.environ), pipeline).entries


def write_token(app: App, trigger: Trigger, token: str) -> None:
    """A file that has the trigger's token has the new one; one that does not know it is told none."""
    if not trigger.in_code:
        return
    found, pipeline = _place(app, trigger)
    before = _written(found, pipeline, trigger)
    if before and before.token:
        project.write_trigger(found, pipeline, replace(before, token=token))


def remove(app: App, trigger: Trigger) -> None:
    """The file has the trigger no more."""
    if trigger.in_code:
        found, pipeline = _place(app, trigger)
        project.remove_trigger(found, pipeline, trigger.definition.name)


def _place(app: App, trigger: Trigger) -> tuple[Project, str]:
    """Where what is written of the trigger goes. NotAllowed for who may not change its pipeline: no file says so by itself."""
    sight.refuse_beyond(app, app.store.tags.of_pipeline(trigger.pipeline_id))
    row, pipeline = app.store.projects.names(trigger.pipeline_id)
    return project.open(row.path, os.environ), pipeline


def _written(found: Project, pipeline: str, trigger: Trigger) -> Written | None:
    entries = project.read_triggers(found, pipeline).entries
    return next((each for each in entries if each.definition.name == trigger.definition.name), None)


def _entry(trigger: Trigger, pipeline: str) -> Written:
    """What a file that does not know the trigger is to say of it."""
    return Written(trigger.definition, trigger.active, trigger.last_enabled_at, None, (), pipeline, 0)


def _switched(trigger: Trigger, written: Written, at: datetime, *, active: bool) -> Written:
    """The entry of a trigger that is active or paused from now on."""
    enabled = at if active and not trigger.active else trigger.last_enabled_at
    return replace(written, active=active, last_enabled_at=enabled)


def _refuse_taken(found: Project, pipeline: str, name: str) -> None:
    """The file may have a trigger that is in force elsewhere, or cannot be read."""
    file = project.read_triggers(found, pipeline)
    if name in {each.definition.name for each in file.entries} | {fault.name for fault in file.faults}:
        raise errors.TriggerExists(pipeline=pipeline, name=name)


def _saves(settled: Mapping[str, Any]) -> bool:
    settings: Any = settled.get("settings")
    triggers: Any = settings.get("triggers") if isinstance(settings, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return isinstance(triggers, dict) and triggers.get("save_in_code_automatically") is True  # pyright: ignore[reportUnknownMemberType]
