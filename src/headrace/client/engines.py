"""Engines: those that live, and having them drain."""

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Engine


class Engines:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self) -> tuple[Engine, ...]:
        """The oldest first."""
        return value(self._server.read("/engines")["engines"], tuple[Engine, ...])

    def drain(self, engine: str) -> Engine:
        """It claims and begins nothing more; what runs goes on to its end."""
        return value(self._server.do("POST", path("engines", engine, "drain")), Engine)
