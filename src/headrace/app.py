"""Puts the parts together, by hand; nothing else does.

The store and the engine are imported when a home is opened, which takes a good part of a second: an executor made
before has that time to get ready.
"""

import importlib
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from headrace import clock
from headrace.model.failures import Failures
from headrace.settings import Settings
from headrace.vault import Vault

if TYPE_CHECKING:
    from headrace.engine.begun import Begun
    from headrace.engine.calls import Calls
    from headrace.engine.executor import Executor
    from headrace.engine.loop import Loop
    from headrace.engine.maker import Maker
    from headrace.engine.makers import Makers
    from headrace.engine.observers import Observer
    from headrace.engine.registry import Registry
    from headrace.engine.services import Engine
    from headrace.model.reach import Reach
    from headrace.store.creating import Created

EXECUTORS = {"local": ("headrace.executors.local", "Local")}  # imported when asked for


class App:
    """One home, open: what it remembers, and from `start` on an engine that moves runs."""

    def __init__(self, settings: Settings) -> None:
        from headrace import store

        self.settings = settings
        self.store = store.open(settings.home, settings.database)
        self.vault = Vault(settings.home)
        self.failures = Failures()  # of logins
        self.reach: Reach | None = None  # of who looks at the home; None: everything
        self._engine: Engine | None = None

    def start(
        self, observers: "Sequence[Observer]" = (), executor: "Executor | None" = None, *, own: bool = False
    ) -> None:
        """Starts the engine; with `own` it moves only the runs that are made for it.

        An executor that was made earlier has had time to get ready. EngineRunning where there can be one alone.
        """
        from headrace.engine.services import Engine

        chosen = executor or make_executor(self.settings)
        engine = Engine(self.store, self.settings, chosen, observers, self.makers, own=own)
        engine.start()
        self._engine = engine

    @cached_property
    def makers(self) -> "Makers":
        """Whatever makes runs of triggers."""
        from headrace.engine.makers import Makers

        return Makers(self.store, self.settings, self.vault)

    @property
    def maker(self) -> "Maker":
        """What says of which code a run is."""
        return self.makers.maker

    @property
    def registry(self) -> "Registry":
        """Where triggers are written down and changed."""
        return self.makers.registry

    @property
    def calls(self) -> "Calls":
        """Where runs of triggers are asked for."""
        return self.makers.calls

    @property
    def engine(self) -> "Engine":
        if not self._engine:
            raise RuntimeError("the engine has not been started")
        return self._engine

    @property
    def owner(self) -> str:
        """The engine's name in the rows of the runs it moves."""
        return self.engine.name

    @property
    def loop(self) -> "Loop":
        return self.engine.loop

    def taker(self) -> str | None:
        """This app's engine, by its name, if there is one that has room for a run; None leaves the run to any."""
        return self._engine.name if self._engine and self._engine.appetite() > 0 else None

    def bring(self, created: "Created") -> None:
        """Has the engine move a run that was made for it; one for any engine is left to whichever comes first."""
        if self._engine and created.made and created.run.owner == self._engine.name:
            self._engine.bring(created.run.id, clock.now())

    def take(self, run_id: int) -> "Begun":
        """Moves a run that was made, or asked to be reopened, for this engine."""
        return self.engine.take(run_id)

    def retire(self, grace: float) -> bool:
        """The engine takes and begins nothing more; waits at most `grace` seconds for what runs; whether all of it ended.

        What has not ended then is for other engines to go on with.
        """
        return self.engine.retire(grace)

    def seen_by(self, reach: "Reach | None") -> "App":
        """The same home, where only what is within reach is there; the engine moves what is begun through it, too."""
        if reach is None:
            return self
        seen = App.__new__(App)
        seen.settings, seen.vault, seen.failures, seen._engine = self.settings, self.vault, self.failures, self._engine
        seen.reach, seen.store = reach, self.store.within(reach)
        return seen

    def close(self) -> None:
        """Ends the engine, if there is one, and lets go of the store."""
        if self._engine:
            self._engine.close()
            self._engine = None
        self.store.close()

    def __enter__(self) -> "App":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def make_executor(settings: Settings, name: str = "local") -> "Executor":
    """The executor of that name; its module is imported now."""
    module, kind = EXECUTORS[name]
    return getattr(importlib.import_module(module), kind)(settings)
