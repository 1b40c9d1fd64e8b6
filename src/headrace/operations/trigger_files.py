"""The triggers that a project's files define, beside those that are in force."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace import project
from headrace.app import App
from headrace.model import difference
from headrace.model.difference import Difference, Stand
from headrace.project import Project, triggers
from headrace.project.triggers import Fault


@dataclass(frozen=True, slots=True)
class Compared:
    """What taking over the triggers.yaml of a pipeline would do, and what of it cannot be taken over.

    `warnings` tell in words what of the file is passed over.
    """

    pipeline: str
    file: str
    difference: Difference
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]


def compare(app: App, folder: Path) -> list[Compared]:
    """Each pipeline of the project that has a file of triggers, or triggers, by name. Nothing is changed.

    What a file has for other environments than the variable ENV names is left out, as it would be.
    """
    found = project.open(folder, os.environ)
    kept = _kept(app, found)
    compared = (_compared(found, name, kept.get(name, {})) for name in project.pipeline_names(found))
    return [each for each in compared if each.difference.steps or each.difference.unwritten or each.faults]


def _kept(app: App, found: Project) -> dict[str, dict[str, Stand]]:
    """The triggers in force by pipeline and name."""
    project_id = app.store.projects.find(found.path)
    kept: dict[str, dict[str, Stand]] = {}
    for each in app.store.triggers.of_project(project_id) if project_id else ():
        stand = (each.trigger.definition, each.trigger.active)
        kept.setdefault(each.pipeline, {})[each.trigger.definition.name] = stand
    return kept


def _compared(found: Project, pipeline: str, kept: Mapping[str, Stand]) -> Compared:
    file = triggers.read_triggers(found, pipeline)
    ours = [each for each in file.entries if triggers.applies(each, os.environ.get("ENV"))]
    broken = {fault.name for fault in file.faults}
    return Compared(
        pipeline=pipeline,
        file=triggers.file_of(found, pipeline),
        difference=difference.between(
            {each.definition.name: (each.definition, each.active) for each in ours},
            {name: stand for name, stand in kept.items() if name not in broken},
        ),
        faults=file.faults,
        warnings=file.warnings,
    )
