"""Pipelines: as they are written in their projects."""

from collections.abc import Mapping
from typing import Any

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Applied, Found

AUTHORED = "authored"  # the project of pipelines that come by an API


class Pipelines:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self, project: str) -> tuple[Found, ...]:
        """Those of a project, by name; one that cannot be read is among them, with its error. ProjectUnknown."""
        return value(self._server.read(path("projects", project, "pipelines"))["pipelines"], tuple[Found, ...])

    def get(self, project: str, pipeline: str) -> Mapping[str, Any]:
        """All of a pipeline: its blocks with their upstreams, its settings, and why it cannot run if so. PipelineNotFound."""
        return self._server.read(path("projects", project, "pipelines", pipeline))

    def lineage(self, project: str, pipeline: str, version: str | None = None) -> Mapping[str, Any]:
        """Of each of its `steps`: the datasets it `reads` and `writes`, and what its `columns` come from.

        Those of the version with that hash, or else as they are written now. PipelineNotFound, VersionNotFound.
        """
        of = ("versions", version) if version else ()
        return self._server.read(path("projects", project, "pipelines", pipeline, *of, "lineage"))

    def apply(self, definition: Mapping[str, Any], *, dry_run: bool = False) -> Applied:
        """Has the pipeline be as it is defined, if it is not so already: `{"name": …, "steps": [{"name": …, "query": …,
        "output_datasets": [NAME]}]}`. With `dry_run` nothing is done. BadDefinition, and why it cannot be run.
        """
        said = {name: value for name, value in definition.items() if name != "name"}
        there = path("projects", AUTHORED, "pipelines", definition.get("name", ""))
        return value(self._server.do("PUT", there, said, dry_run="true" if dry_run else None), Applied)
