"""Tallier: folds what was counted of runs into few rows, now and then, so that counts stay quick to read."""

from datetime import datetime, timedelta

from headrace.store import Store

OFTEN = timedelta(seconds=10)


class Tallier:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._folded = 0  # the last row that was there when it folded last
        self._at: datetime | None = None

    def run_once(self, now: datetime) -> datetime | None:
        """Folds what has come since, at most once in ten seconds; when it may again."""
        if self._at is not None and self._at <= now < self._at + OFTEN:
            return self._at + OFTEN
        if self._store.tallies.last() == self._folded:
            return None
        for pipeline_id in self._store.tallies.touched(self._folded):
            self._store.tallies.fold(pipeline_id)
        self._folded, self._at = self._store.tallies.last(), now
        return now + OFTEN
