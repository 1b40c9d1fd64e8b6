"""Cleaner: every hour what has become old goes, and small files are merged, a little at a time, so that nothing waits for it."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from headrace import clock
from headrace.engine.cleaning import Cleaning
from headrace.engine.compactor import Compactor
from headrace.settings import Settings
from headrace.store import Store

FIRST = timedelta(minutes=2)  # after the start, which has better things to do
EVERY = timedelta(hours=1)
THOROUGH = timedelta(days=1)  # until every folder is looked into again
MOMENT = 0.01  # seconds that it takes up at once, but for the step that it is at,
PAUSE = timedelta(seconds=0.1)  # and between two of them


class Cleaner:
    """Any number of engines may have one: what one of them is at the others pass over."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._due: datetime | None = None
        self._thorough_at: datetime | None = None
        self._steps: Iterator[None] | None = None

    def run_once(self, now: datetime) -> datetime:
        """Goes on for a moment with the cleaning that is due, if one is; when to go on, or to begin the next."""
        self._due = (
            min(self._due, now + EVERY) if self._due else now + FIRST
        )  # a clock that is set back ends no waiting
        if now >= self._due:
            self._steps = self._steps or self._begin(now)
            self._due = now + (PAUSE if self._goes_on(self._steps) else EVERY)
        return self._due

    def _begin(self, now: datetime) -> Iterator[None]:
        thorough = self._thorough_at is None or now >= self._thorough_at
        if thorough:
            self._thorough_at = now + THOROUGH
        given = (self._store, self._settings, now, _tell)
        return chain(Cleaning(*given).steps(thorough=thorough), Compactor(*given).steps())

    def _goes_on(self, steps: Iterator[None]) -> bool:
        """Takes steps for a moment; whether there are more. One that fails ends the cleaning; the next begins anew."""
        until = clock.monotonic() + MOMENT
        self._steps = None
        for _ in steps:
            if clock.monotonic() >= until:
                self._steps = steps
                return True
        return False


def _tell(what: str) -> None:
    logging.getLogger(__name__).warning("%s", what)
