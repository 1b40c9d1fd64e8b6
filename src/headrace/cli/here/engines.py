"""Engines: whether there is one to leave things to, and having them begin nothing more."""

from headrace.app import App
from headrace.operations import engines


class Engines:
    def __init__(self, app: App) -> None:
        self._app = app

    def any_takes(self) -> bool:
        """Whether one lives that takes up whatever is there."""
        return bool(engines.takers(self._app))

    def holding(self) -> dict[str, int]:
        """How many open runs each engine has that takes up whatever is there, by name, the oldest first."""
        return {each.row.name: each.runs for each in engines.standing(self._app) if each.lives and not each.row.own}

    def drain(self, engine: str) -> None:
        """EngineNotFound, DrainRefused."""
        engines.drain(self._app, engine)
