"""Projects are made known, so that their triggers are looked after before anything of them has run."""

from pathlib import Path

from headrace import clock, project
from headrace.app import App
from headrace.store.projects import ProjectRow


def register(app: App, folder: Path) -> ProjectRow:
    """The project in that folder is known from now on. Raises ProjectNotFound, NotAProject, BadProject."""
    found = project.open(folder)
    return app.store.projects.register(found.path, found.name, clock.now())
