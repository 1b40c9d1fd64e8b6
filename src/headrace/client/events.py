"""Events that triggers begin runs for: posted, and looked at."""

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.model.occurrence import Occurrence

PAGE = 100  # events that are asked for at once


class Events:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def post(self, payload: Mapping[str, Any], *, key: str | None = None) -> str:
        """Its uid. Every active trigger with a rule that it fits begins one run. BadPayload, KeyReused.

        Posted again with the same `key` it is the same event. Without one it has a key of its own, so that an answer that
        is lost costs no second one.
        """
        posted, _ = self._server.make("/events", payload, key)
        return posted["uid"]

    def list(self, *, cursor: str | None = None) -> Iterator[Occurrence]:
        """What has happened, the newest first; with a cursor, what comes after its page."""
        while True:
            found = self._server.read("/events", limit=PAGE, cursor=cursor)
            yield from value(found["events"], tuple[Occurrence, ...])
            cursor = found["next"]
            if cursor is None:
                return
