"""A run is pinned to the code of its project at one moment."""

import os

from headrace import clock, project
from headrace.app import App
from headrace.engine.pins import Pins
from headrace.operations import asking, sight
from headrace.operations.asking import Asked, Checked
from headrace.project import Project
from headrace.store.pipelines import PipelineRow, Version
from headrace.store.projects import Pinned


def pin(app: App, checked: Checked) -> tuple[Checked, Pinned]:
    """The project's code as it is now, kept; what was checked, as it stands there, and the rows that name it.

    Raises ProjectUnreadable, ProjectChanged, HomeUnwritable, and what `asking.check` raises for a folder changed since.
    """
    return _pin(app, checked.asked, checked.project)


def pin_asked(app: App, asked: Asked) -> tuple[Checked, Pinned]:
    """The same for what was not checked before: it is read once, where it is kept."""
    sight.refuse_unseen(app, asked.folder, asked.pipeline)
    return _pin(app, asked, project.open(asked.folder, os.environ))


def pin_version(app: App, asked: Asked, row: PipelineRow, version: Version) -> tuple[Checked, Pinned] | None:
    """The same for a version of that pipeline, whatever is written now; None where its code is not kept."""
    sight.refuse_unseen(app, asked.folder, asked.pipeline)
    project.refuse_unsupported(version.content)
    checked = asking.check_pinned(asked, project.open(asked.folder, os.environ), version.content)
    pinned = Pins(app.store, app.settings.home).pin_version(row.project, version, clock.now())
    return (checked, pinned) if pinned else None


def _pin(app: App, asked: Asked, found: Project) -> tuple[Checked, Pinned]:
    pins = Pins(app.store, app.settings.home)
    kept = pins.keep(found)
    checked = asking.check_pinned(asked, *pins.read(kept, asked.pipeline))
    return checked, pins.pin(kept, asked.pipeline, clock.now()).pinned
