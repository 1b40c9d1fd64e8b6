"""A run is pinned to the code of its project at one moment."""

from headrace import clock, project
from headrace.app import App
from headrace.operations import asking
from headrace.operations.asking import Checked
from headrace.store.projects import Pinned


def pin(app: App, checked: Checked) -> tuple[Checked, Pinned]:
    """The project's code as it is now, kept; what was checked, as it stands there, and the rows that name it.

    Raises ProjectUnreadable, ProjectChanged, HomeUnwritable, and what `asking.check` raises for a folder changed since.
    """
    found = checked.project
    snapshot, place = project.pin(found, app.settings.home / "versions")
    checked = asking.check_pinned(checked, place)
    pipeline, files = checked.pipeline, len(snapshot.files)
    version = project.version_hash(pipeline, snapshot)
    pinned = app.store.projects.pin(found.path, found.name, pipeline, version, snapshot.hash, files, clock.now())
    return checked, pinned
