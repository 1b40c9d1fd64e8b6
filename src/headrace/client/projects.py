"""Projects: what the server runs pipelines of."""

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Project


class Projects:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self) -> tuple[Project, ...]:
        return value(self._server.read("/projects")["projects"], tuple[Project, ...])

    def get(self, name: str) -> Project:
        """ProjectUnknown."""
        return value(self._server.read(path("projects", name)), Project)

    def register(self, path: str) -> Project:
        """The project in that folder of the server's machine is known from now on. ProjectNotFound, NotAProject."""
        return value(self._server.do("POST", "/projects", {"path": path}), Project)
