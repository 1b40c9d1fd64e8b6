"""A run is pinned to the code of its project at one moment."""

from headrace import clock
from headrace.app import App
from headrace.engine.pins import Pins
from headrace.operations import asking
from headrace.operations.asking import Checked
from headrace.store.projects import Pinned


def pin(app: App, checked: Checked) -> tuple[Checked, Pinned]:
    """The project's code as it is now, kept; what was checked, as it stands there, and the rows that name it.

    Raises ProjectUnreadable, ProjectChanged, HomeUnwritable, and what `asking.check` raises for a folder changed since.
    """
    pins = Pins(app.store, app.settings.home)
    kept = pins.keep(checked.project)
    checked = asking.check_pinned(checked, *pins.read(kept, checked.asked.pipeline))
    return checked, pins.pin(kept, checked.asked.pipeline, clock.now()).pinned
