"""Secrets: set, listed and deleted. No value comes out."""

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Secret


class Secrets:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def set(self, name: str, secret: str, *, project: str | None = None) -> None:
        """That is its value from now on, of the project or of all of them. BadSecret, ProjectUnknown."""
        self._server.do("PUT", path("secrets", name), {"value": secret}, project=project)

    def list(self, *, project: str | None = None) -> tuple[Secret, ...]:
        return value(self._server.read("/secrets", project=project)["secrets"], tuple[Secret, ...])

    def delete(self, name: str, *, project: str | None = None) -> None:
        """SecretNotFound; one of all projects is none of a project's."""
        self._server.do("DELETE", path("secrets", name), project=project)
