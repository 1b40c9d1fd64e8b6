"""Pipelines: as they are written in a folder here, for which no home is needed; and as they are defined for the home."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.app import App
from headrace.operations import pipelines
from headrace.operations.pipelines import Found

if TYPE_CHECKING:
    from headrace.operations.applying import Applied


class Pipelines:
    def __init__(self, source: App | None) -> None:
        """For what is read of folders no home is needed."""
        self._app = source

    def listed(self, project: Path) -> list[Found]:
        """Every pipeline of the project, by name."""
        return pipelines.listed(project)

    def shown(self, project: Path, pipeline: str) -> Found:
        """PipelineNotFound, and what it is refused for if it cannot be read."""
        return pipelines.shown(project, pipeline)

    def lineage(self, project: Path, pipeline: str) -> Mapping[str, Any]:
        """As it is written; see `operations.lineages`. Raises what `shown` does, and DatasetsMissing."""
        from headrace.operations import lineages

        return lineages.written(self._home, project, pipeline)

    def apply(self, definition: Mapping[str, Any], *, dry: bool) -> "Applied":
        """The pipeline of headrace's own project is as it is defined. BadDefinition, and why it cannot be run."""
        from headrace.operations import applying, definitions  # they import the store, which a folder is read without

        return applying.apply(self._home, definitions.new(definition), dry=dry)

    @property
    def _home(self) -> App:
        assert self._app is not None  # noqa: S101 - a home was opened for what takes one
        return self._app
