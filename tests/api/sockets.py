"""A server at a real socket, and clients that read server-sent events from it as they come."""

import contextlib
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from tests.api.conftest import Served

from headrace.api import listening
from headrace.api.listening import Listening
from headrace.model.access import Role

PATIENCE = 30.0  # seconds after which a test gives up


@dataclass
class Told:
    """A server-sent event; one without a name is a comment or says only how to go on."""

    name: str
    data: Any
    id: str


class Listened:
    """A stream that is read event by event; `last_id` is what its reader shows when he comes again."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()
        self._until = time.monotonic() + PATIENCE
        self.last_id = ""

    def __iter__(self) -> Iterator[Told]:
        """Until the server ends it."""
        fields: dict[str, str] = {}
        for line in self._lines:
            assert time.monotonic() < self._until, "what was waited for has not come"
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif fields:
                self.last_id = fields.get("id", self.last_id)
                yield Told(fields.get("event", ""), json.loads(fields.get("data", "null")), self.last_id)
                fields = {}

    def next(self, name: str) -> Told:
        """The next event of that name."""
        return next(each for each in self if each.name == name)

    def until(self, kind: str, run_id: int | None = None) -> list[dict[str, Any]]:
        """What was told up to the first event of that kind, of that run if one is given."""
        found: list[dict[str, Any]] = []
        for each in self:
            found += [each.data] if each.name in ("run", "block_run") else []
            if found and found[-1]["kind"] == kind and run_id in (None, found[-1]["run_id"]):
                return found
        raise AssertionError(f"the stream ended without {kind}: {found}")


@dataclass
class Site:
    """Where a home is served."""

    url: str
    token: str

    @contextlib.contextmanager
    def listen(self, path: str, token: str | None = None, last_id: str = "") -> Generator[Listened]:
        """Somebody who listens there, and goes when the context ends."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        with httpx.Client(timeout=PATIENCE) as client, client.stream("GET", self.url + path, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Listened(answer)


@contextlib.contextmanager
def listening_at(served: Served) -> Generator[Site]:
    """The applications of that server, at a port of their own."""
    with listening.bind("127.0.0.1", 0) as bound:
        at = Listening(served.application, bound, lambda: None)
        at.start()
        try:
            yield Site(listening.url(bound), served.said[Role.VIEWER])
        finally:
            at.close()
