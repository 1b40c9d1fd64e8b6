"""The same as `here`, of a server: the audit."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from headrace.client.front import Client
from headrace.model.audit import Entry


class Audit:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, asked: Mapping[str, Any], limit: int, before: int | None) -> Sequence[Entry]:
        return list(islice(self._client.audit.list(before=before, **asked), limit))
