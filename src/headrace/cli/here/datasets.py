"""Datasets: named tables with versions."""

from headrace.app import App
from headrace.model.dataset import Version
from headrace.operations import datasets
from headrace.outputs import Head
from headrace.store.datasets import Standing


class Datasets:
    def __init__(self, app: App) -> None:
        self._app = app

    def listed(self, limit: int, after: str) -> list[Standing]:
        """By name, at most so many, those after that name."""
        return datasets.listed(self._app, limit, after)

    def show(self, name: str) -> Standing:
        """DatasetNotFound, BadDatasetName."""
        return datasets.find(self._app, name)

    def history(self, name: str, limit: int, before: int | None) -> list[Version]:
        """The newest first, at most so many, those below that version. DatasetNotFound, BadDatasetName."""
        return datasets.history(self._app, name, limit, before)

    def head(self, name: str, version: int | None, rows: int) -> Head:
        """The first rows of that version, or of the newest. DatasetVersionNotFound besides."""
        return datasets.head(self._app, name, version, rows=rows)

    def restart(self, name: str) -> Standing:
        """One whose table is lost is empty then. DatasetNotLost, DatasetNotFound, BadDatasetName."""
        return datasets.restart(self._app, name)
