"""Projects are made known, so that their triggers are looked after before anything of them has run."""

from pathlib import Path

from headrace import clock, errors, project
from headrace.app import App
from headrace.project import authored
from headrace.store.projects import ProjectRow


def register(app: App, folder: Path) -> ProjectRow:
    """The project in that folder is known from now on. Raises ProjectNotFound, NotAProject, BadProject."""
    found = project.open(folder)
    return app.store.projects.register(found.path, found.name, clock.now())


def named(app: App, name: str | None) -> ProjectRow:
    """The project of that name; the only one, but for headrace's own, where none is named. ProjectUnknown."""
    known = app.store.projects.all()
    found = _meant(app, known) if name is None else [row for row in known if row.name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(row.name for row in known) or "none"
    raise errors.ProjectUnknown(project=name if name is not None else "that is meant", names=names)


def first(app: App, name: str | None = None) -> ProjectRow:
    """The project of that name; the one that was known first, headrace's own last, where none is named. ProjectUnknown."""
    if name is None and (known := app.store.projects.all()):
        return _meant(app, known)[0]
    return named(app, name)


def _meant(app: App, known: list[ProjectRow]) -> list[ProjectRow]:
    """Those that somebody may mean without a word: what headrace has written itself only where there is no other."""
    own = authored.place(app.settings.home)
    return [row for row in known if row.path != own] or known


def fault(row: ProjectRow) -> str | None:
    """Why the project cannot be read, as it is now; None when it can."""
    try:
        project.open(row.path)
    except errors.BadInput as error:
        return str(error)
    return None
