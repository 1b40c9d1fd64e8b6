"""Cleaning: what has become old is looked at, and goes."""

from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.client.values import Cleaned

PATIENCE = 3600.0  # seconds that a cleaning may take


class Cleaning:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def foresee(self) -> Cleaned:
        """What would go."""
        return value(self._server.read("/cleaning", PATIENCE), Cleaned)

    def clean(self) -> Cleaned:
        """What has gone; it comes back when all has."""
        return value(self._server.do("POST", "/cleaning", wait=PATIENCE), Cleaned)
