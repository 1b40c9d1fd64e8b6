"""Cleaning: what has become old goes."""

from headrace.app import App
from headrace.operations import cleaning
from headrace.operations.cleaning import Cleaned


class Cleaning:
    def __init__(self, app: App) -> None:
        self._app = app

    def clean(self, *, dry: bool) -> Cleaned:
        """What has gone, or with `dry` would go."""
        return cleaning.clean(self._app, dry=dry)
