"""Logs: the lines of a run, page by page, and followed while they are written."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from headrace.app import App
from headrace.logs.choice import Choice
from headrace.operations import run_logs
from headrace.operations.run_logs import Entry, Following, Page

LOOK = 0.5  # seconds after which somebody who follows a run looks whether it is final, though nothing was written
MOST = 5_000  # lines that a page may have, here and there


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines of a run: of a block or all, of the attempts of a number or all, those of a choice."""

    run: int
    block: str | None
    attempt: int | None
    choice: Choice


class Logs:
    def __init__(self, app: App) -> None:
        self._app = app

    def page(self, asked: Asked, limit: int, before: str | None) -> Page:
        """The lines before that cursor; the last there are without one."""
        ends: dict[str, Any] = {"before": before, "last": before is None, "limit": limit}
        of: dict[str, Any] = {"block": asked.block, "attempt": asked.attempt}
        return run_logs.page(self._app, asked.run, **ends, choice=asked.choice, **of)

    def written(self, asked: Asked, after: str | None) -> Iterator[Entry]:
        """What is written by now, from that cursor on or from the beginning."""
        return _read(self._following(asked, after))

    def followed(self, asked: Asked, after: str | None) -> Iterator[Entry]:
        """The same, and what comes until the run is final."""
        following = self._following(asked, after)
        grown = threading.Event()
        with closing(run_logs.growth(self._app)) as growth:
            growth.watch(following.run.uid, grown.set)
            is_final = False
            while not is_final:
                is_final = bool(self._app.store.runs.settled([asked.run]))  # before the last look, not after it
                yield from _read(following)
                if not is_final:
                    grown.wait(LOOK)
                    grown.clear()

    def _following(self, asked: Asked, after: str | None) -> Following:
        of: dict[str, Any] = {"block": asked.block, "attempt": asked.attempt}
        return Following(self._app, asked.run, after=after, choice=asked.choice, **of)


def _read(following: Following) -> Iterator[Entry]:
    more = True
    while more:
        page = following.read()
        yield from page.lines
        more = page.more
