"""The same as `here`, of a server: logs."""

from collections.abc import Iterator
from typing import Any

from headrace.cli.here.logs import Asked
from headrace.cli.there.likeness import alike
from headrace.client import values
from headrace.client.front import Client
from headrace.logs.lines import Line
from headrace.operations import run_logs
from headrace.operations.run_logs import Entry, Page


class Logs:
    def __init__(self, client: Client) -> None:
        self._client = client

    def page(self, asked: Asked, limit: int, before: str | None) -> Page:
        ends: dict[str, Any] = {"before": before, "limit": limit} if before else {"tail": limit}
        page = self._client.runs.log_page(asked.run, **_said(asked), **ends)
        return Page(tuple(map(_entry, page.lines)), page.previous, page.next, page.more)

    def written(self, asked: Asked, after: str | None) -> Iterator[Entry]:
        return map(_entry, self._client.runs.logs(asked.run, cursor=after, **_said(asked)))

    def followed(self, asked: Asked, after: str | None) -> Iterator[Entry]:
        return map(_entry, self._client.runs.logs(asked.run, follow=True, cursor=after, **_said(asked)))


def _entry(told: values.Line) -> Entry:
    return Entry(told.block, told.attempt, alike(Line, told))


def _said(asked: Asked) -> dict[str, Any]:
    """The choice by the names of the API, which knows of levels the least alone."""
    of = asked.choice
    levels = [each for each in run_logs.LEVELS if of.levels is None or each in of.levels]
    least = None if of.levels is None else levels[0]
    said = {"level": least, "text": of.text, "since": of.since, "until": of.until, "stream": of.streams or ()}
    return {"block": asked.block, "attempt": asked.attempt, **said}
