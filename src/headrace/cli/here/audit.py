"""The audit: who did what."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.app import App
from headrace.model.audit import Entry
from headrace.operations import audit
from headrace.store.audit import Asked


class Audit:
    def __init__(self, app: App) -> None:
        self._app = app

    def list(self, asked: Mapping[str, Any], limit: int, before: int | None) -> Sequence[Entry]:
        """The newest first, or those before the entry of that number, at most so many."""
        return audit.listed(self._app, Asked(**asked), limit, before)
