"""The audit: who did what."""

from collections.abc import Iterator
from typing import Any

from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.model.audit import Entry

PAGE = 100  # entries that are asked for at once


class Audit:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self, *, before: int | None = None, **asked: Any) -> Iterator[Entry]:
        """The newest first, or those before the entry of that number.

        `asked` are who, noun, deed, object, run_id, project, outcome, via, since and until.
        """
        cursor = None if before is None else str(before)
        while True:
            found = self._server.read("/audit", limit=PAGE, cursor=cursor, **asked)
            yield from (value({"id": each["id"], "deed": each}, Entry) for each in found["audit"])
            cursor = found["next"]
            if cursor is None:
                return
