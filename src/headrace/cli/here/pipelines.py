"""Pipelines: as they are written in a folder here. No home is needed."""

from pathlib import Path

from headrace.operations import pipelines
from headrace.operations.pipelines import Found


class Pipelines:
    def __init__(self, source: object) -> None:
        """Nothing but the folders is asked."""

    def listed(self, project: Path) -> list[Found]:
        """Every pipeline of the project, by name."""
        return pipelines.listed(project)

    def shown(self, project: Path, pipeline: str) -> Found:
        """PipelineNotFound, and what it is refused for if it cannot be read."""
        return pipelines.shown(project, pipeline)
