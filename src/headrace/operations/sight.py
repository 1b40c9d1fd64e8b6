"""Sight: the pipelines of a project's folder that the caller sees; those whose roles are for some tags see some."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from headrace import errors, project
from headrace.app import App
from headrace.model import reach as reaches
from headrace.model.pipeline import Pipeline
from headrace.model.rule import Rule, RuleKind
from headrace.project import Project

Read = Mapping[str, Pipeline | errors.HeadraceError]


def refuse_unseen(app: App, folder: Path, name: str) -> None:
    """PipelineNotFound for a pipeline that the caller does not see as it is written now, naming those that are seen."""
    if app.reach is None or app.reach.sees_all:
        return
    found = project.open(folder, os.environ)
    names = list(seen(app, project.read_all(found)))
    if name not in names:
        raise errors.PipelineNotFound(project=found.name, pipeline=name, names=", ".join(names) or "none")


def refuse_unseen_rules(app: App, folder: Path, rules: Iterable[Rule]) -> None:
    """PipelineNotFound for a rule about a pipeline that the caller does not see: its runs would tell of the other's."""
    if app.reach is None or app.reach.sees_all:
        return
    folders = {row.name: row.path for row in app.store.projects.all()}
    for rule in rules:
        if rule.kind is RuleKind.PIPELINE:
            of, _, name = rule.subject.rpartition("/")
            refuse_unseen(app, folders.get(of, folder), name)


def refuse_beyond(app: App, tags: Collection[str]) -> None:
    """NotAllowed for who may not change a pipeline of those tags."""
    if app.reach is not None and not app.reach.changes(tags):
        raise reaches.beyond(app.reach)


def refuse_remembered(app: App, found: Project, name: str, tags: Collection[str]) -> None:
    """PipelineExists for a new pipeline of these tags whose name another had that is beyond reach.

    Whoever may change everything need not be looked after: nothing is beyond their reach, and nobody else waits for that.
    """
    if app.reach is not None:
        app.store.projects.refuse_remembered(found.path, found.name, name, tags)


def seen_names(app: App, found: Project) -> Sequence[str]:
    """The names of the project's pipelines that are seen."""
    if app.reach is None or app.reach.sees_all:
        return project.pipeline_names(found)
    return sorted(seen(app, project.read_all(found)))


def seen(app: App, read: Read) -> Read:
    """Those that are seen; of one that cannot be read nobody knows the tags, and those alone see it who see all."""
    within = app.reach
    if within is None or within.sees_all:
        return read
    return {name: each for name, each in read.items() if isinstance(each, Pipeline) and within.sees(each.tags)}
