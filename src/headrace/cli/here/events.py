"""Events that triggers begin runs for: posted, and looked at."""

from collections.abc import Mapping
from typing import Any

from headrace.app import App
from headrace.model.occurrence import Occurrence
from headrace.operations import occurrences


class Events:
    def __init__(self, app: App) -> None:
        self._app = app

    def post(self, payload: Mapping[str, Any], *, key: str | None) -> str:
        """The event's uid. BadPayload, KeyReused."""
        return occurrences.post(self._app, payload, key=key)

    def latest(self, limit: int, *, before: int | None) -> list[Occurrence]:
        """At most so many, the newest first, those older than the event `before`."""
        return occurrences.latest(self._app, limit, before=before)
