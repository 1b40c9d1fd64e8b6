"""Which engines live, as far as can be told from here, and which run has lost its own."""

import os
import threading
from collections.abc import Collection

from headrace import clock
from headrace.app import App
from headrace.engine import owner
from headrace.engine.services import GRACE
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.store.engines import EngineRow

ENDING = 10.0  # seconds that the processes of a killed engine may take to end


def living(app: App) -> dict[str, EngineRow]:
    """The engines that live, by name, the oldest first. One of another machine lives until its lease has lapsed."""
    return {row.name: row for row in app.store.engines.living() if lives(app, row)}


def takers(app: App) -> list[EngineRow]:
    """Those that live and take up whatever run is there, not only the one they were started for."""
    return [row for row in living(app).values() if not row.own]


def lives(app: App, row: EngineRow) -> bool:
    if owner.tells(app.settings.home, row):
        return owner.alive(app.settings.home, row.name)
    return not silent(app, row)


def silent(app: App, row: EngineRow) -> bool:
    """Whether an engine of another machine or home was not heard of when it should have been."""
    return not owner.tells(app.settings.home, row) and row.lease_until is not None and row.lease_until < clock.now()


def abandoned(run: Run, alive: Collection[str]) -> bool:
    """Whether the run is under way in the books, and the engine that moved it is none of those `alive`."""
    if run.status in FINAL_RUN or run.owner in alive:
        return False
    return run.owner is not None or run.status is RunStatus.RUNNING


def bury_dead(app: App, name: str) -> None:
    """Lets others claim the runs of that engine if it is dead. One that was killed is waited for: its blocks end first."""
    row = next((each for each in app.store.engines.living() if each.name == name), None)
    if row and owner.tells(app.settings.home, row):
        if _is_gone(row):
            _wait_for_its_blocks(app, name)
        if not owner.alive(app.settings.home, name):
            app.store.engines.bury(name)
    app.store.engines.bury_lapsed(GRACE * app.settings.lease, clock.now())


def _is_gone(row: EngineRow) -> bool:
    """Whether its own process has ended; others that it had started may be about to."""
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _wait_for_its_blocks(app: App, name: str) -> None:
    ended = threading.Event()
    owner.watch(app.settings.home, name, ended.set)
    ended.wait(ENDING)
