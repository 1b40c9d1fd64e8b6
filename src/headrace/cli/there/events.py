"""The same as `here`, of a server: events."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from headrace.client.front import Client
from headrace.model.occurrence import Occurrence


class Events:
    def __init__(self, client: Client) -> None:
        self._client = client

    def post(self, payload: Mapping[str, Any], *, key: str | None) -> str:
        return self._client.events.post(payload, key=key)

    def latest(self, limit: int, *, before: int | None) -> list[Occurrence]:
        return list(islice(self._client.events.list(cursor=str(before) if before else None), limit))
