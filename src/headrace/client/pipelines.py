"""Pipelines: as they are written in their projects."""

from collections.abc import Mapping
from typing import Any

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Found


class Pipelines:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self, project: str) -> tuple[Found, ...]:
        """Those of a project, by name; one that cannot be read is among them, with its error. ProjectUnknown."""
        return value(self._server.read(path("projects", project, "pipelines"))["pipelines"], tuple[Found, ...])

    def get(self, project: str, pipeline: str) -> Mapping[str, Any]:
        """All of a pipeline: its blocks with their upstreams, its settings, and why it cannot run if so. PipelineNotFound."""
        return self._server.read(path("projects", project, "pipelines", pipeline))
