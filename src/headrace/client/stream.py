"""Server-sent events: read as they come, and gone on with where they broke off."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from headrace.client import problems
from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.client.values import Change


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of a stream: its name, its JSON, and from where a stream goes on after it."""

    event: str
    data: Any
    id: str


class Changes:
    """What happens to runs."""

    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def __call__(
        self,
        *,
        run: int | None = None,
        project: str | None = None,
        pipeline: str | None = None,
        trigger: int | None = None,
        backfill: int | None = None,
        after: int | None = None,
    ) -> Iterator[Change]:
        """What happens from now on, or has happened since the event `after`, without an end; what is given chooses.

        Nothing is missed where the connection breaks off. An event may then come again: those of a run have ascending ids.
        """
        asked = {
            "run_id": run,
            "project": project,
            "pipeline": pipeline,
            "trigger_id": trigger,
            "backfill_id": backfill,
        }
        yield from follow(self._server, "/changes", {**asked, "after": after})


def follow(server: Connection, path: str, asked: Mapping[str, Any]) -> Iterator[Change]:
    """The changes of a stream; each once, as far as one may know without keeping all of them."""
    for sent in events(server, path, asked):
        if sent.event in ("run", "block_run"):
            yield value(sent.data, Change)


def events(server: Connection, path: str, asked: Mapping[str, Any]) -> Iterator[Sent]:
    """The events of a stream. It is begun again where it broke off, for as long as the server is waited for.

    ServerUnreached when it does not come back; what refuses the stream.
    """
    last: str | None = None
    patience = server.patience()
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        why: httpx.HTTPError = httpx.ReadError("the stream ended")
        try:
            with server.stream(path, headers, **asked) as answer:
                for sent in read(answer.iter_lines()):
                    last = sent.id or last
                    patience = server.patience()
                    yield sent
        except httpx.TransportError as error:
            why = error
        if not patience.wait():
            raise server.unreached(why) from why


def read(lines: Iterable[str]) -> Iterator[Sent]:
    """What the lines of a stream say; remarks and what is cut off at the end say nothing."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, text = line.partition(":")
        if line and name in ("event", "data", "id"):
            text = text.removeprefix(" ")
            fields[name] = f"{fields['data']}\n{text}" if name == "data" and "data" in fields else text
        elif not line and "data" in fields:
            yield Sent(fields.get("event", "message"), _value(fields["data"]), fields.get("id", ""))
            fields = {}


def json_of(given: Any) -> str:
    return msgspec.json.encode(given).decode()


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise problems.odd(error) from error
