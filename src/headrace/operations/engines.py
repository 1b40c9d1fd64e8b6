"""Which engines live, as far as can be told from here, and which run has lost its own."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from headrace import clock, errors
from headrace.app import App
from headrace.engine import owner
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.store.engines import EngineRow

ENDING = 10.0  # seconds that the processes of a killed engine may take to end


@dataclass(frozen=True, slots=True)
class Standing:
    """An engine by its row, whether it lives as far as can be told from here, and how many open runs it has."""

    row: EngineRow
    lives: bool
    runs: int


def living(app: App) -> dict[str, EngineRow]:
    """The engines that live, by name, the oldest first. One of another machine lives until its lease has lapsed."""
    return {row.name: row for row in app.store.engines.living() if lives(app, row)}


def takers(app: App) -> list[EngineRow]:
    """Those that live and take up whatever run is there, not only the one they were started for."""
    return [row for row in living(app).values() if not row.own]


def standing(app: App) -> list[Standing]:
    """Every engine that has a row, the oldest first, and how it stands."""
    holding = app.store.engines.holding()
    return [Standing(row, lives(app, row), holding.get(row.name, 0)) for row in app.store.engines.living()]


def find(app: App, name: str) -> Standing:
    """The engine of that name. EngineNotFound."""
    known = standing(app)
    for each in known:
        if each.row.name == name:
            return each
    names = ", ".join(each.row.name for each in known) or "none"
    raise errors.EngineNotFound(engine=name, names=names)


def drain(app: App, name: str) -> Standing:
    """The engine claims and begins nothing more. What runs goes on to its end; then it is no engine any more, and what
    it has is for others.

    Raises EngineNotFound; DrainRefused for one that moves a single run and ends with that.
    """
    if find(app, name).row.own:
        raise errors.DrainRefused(engine=name, why="it moves only what was made for it, and ends with that")
    app.store.engines.request_drain(name, clock.now())
    return find(app, name)


def lives(app: App, row: EngineRow) -> bool:
    if owner.tells(app.settings.home, row):
        return owner.alive(app.settings.home, row.name)
    return not silent(app, row)


def silent(app: App, row: EngineRow) -> bool:
    """Whether an engine of another machine or home was not heard of when it should have been."""
    return not owner.tells(app.settings.home, row) and row.lease_until is not None and row.lease_until < clock.now()


def abandoned(app: App, runs: Iterable[Run]) -> set[int]:
    """The ids of those that are under way in the books, and whose engine lives no more."""
    begun = [run for run in runs if run.status not in FINAL_RUN and (run.owner or run.status is RunStatus.RUNNING)]
    alive = living(app) if begun else ()
    return {run.id for run in begun if run.owner not in alive}


def bury_dead(app: App, name: str) -> None:
    """Lets others claim the runs of that engine if it is dead. One that was killed is waited for: its blocks end first."""
    row = next((each for each in app.store.engines.living() if each.name == name), None)
    if row and owner.tells(app.settings.home, row):
        if _is_gone(row):
            _wait_for_its_blocks(app, name)
        if not owner.alive(app.settings.home, name):
            app.store.engines.bury(name)
    app.store.engines.bury_lapsed(owner.GRACE * app.settings.lease, clock.now())


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
