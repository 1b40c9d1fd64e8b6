"""Puts the parts together, by hand; nothing else does.

The store and the engine are imported when a home is opened, which takes a good part of a second: an executor made
before has that time to get ready.
"""

import importlib
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from headrace.settings import Settings

if TYPE_CHECKING:
    from headrace.engine.executor import Executor
    from headrace.engine.loop import Loop
    from headrace.engine.observers import Observer
    from headrace.engine.owner import Owner

EXECUTORS = {"local": ("headrace.executors.local", "Local")}  # imported when asked for


class App:
    """One home, open: what it remembers, and from `start` on an engine that moves runs."""

    def __init__(self, settings: Settings) -> None:
        from headrace import store

        self.settings = settings
        self.store = store.open_home(settings.home)
        self._engine: tuple[Owner, Loop] | None = None

    def start(self, observers: "Sequence[Observer]" = (), executor: "Executor | None" = None) -> None:
        """Starts the engine. An executor that was made earlier has had time to get ready."""
        from headrace.engine.loop import Loop
        from headrace.engine.owner import Owner

        owner = Owner(self.settings.home)
        loop = Loop(self.store, executor or make_executor(self.settings), observers)
        loop.start()
        self._engine = owner, loop

    @property
    def owner(self) -> str:
        """The engine's name in the rows of the runs it moves."""
        return self._started()[0].name

    @property
    def loop(self) -> "Loop":
        return self._started()[1]

    def close(self) -> None:
        """Ends the engine, if there is one, and lets go of the store."""
        if self._engine:
            owner, loop = self._engine
            loop.close()
            owner.close()
            self._engine = None
        self.store.close()

    def __enter__(self) -> "App":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _started(self) -> "tuple[Owner, Loop]":
        if not self._engine:
            raise RuntimeError("the engine has not been started")
        return self._engine


def make_executor(settings: Settings, name: str = "local") -> "Executor":
    """The executor of that name; its module is imported now."""
    module, kind = EXECUTORS[name]
    return getattr(importlib.import_module(module), kind)(settings)
