"""The feeder: asks for runs while there is killing, and for their cancels and retries, as a seed draws them."""

import contextlib
import random
from collections import Counter

from tests.crash.works import Engine, Works

from headrace import errors
from headrace.operations import cancelling, retrying

KEYS = 12  # different ones, drawn again and again


class Feeder:
    """Keeps `open_runs` of the works going. What the store does not answer may have been done or not."""

    def __init__(self, works: Works, seed: int, open_runs: int = 6) -> None:
        self.asked: Counter[str] = Counter()
        self.beside: list[Engine] = []  # each with a run of its own
        self._works = works
        self._draw = random.Random(seed)
        self._seed = seed
        self._open_runs = open_runs

    def feed(self) -> None:
        """A few deeds at most; nothing when enough is going on."""
        with contextlib.suppress(errors.StoreUnavailable):
            for _ in range(self._open_runs - self._works.count_open()):
                self._begin()
            if self._draw.random() < 0.03 and not any(each.lives for each in self.beside):
                self._run_beside()
            if self._draw.random() < 0.02:
                self._cancel()
            if self._draw.random() < 0.05:
                self._retry()

    def _begin(self) -> None:
        pipeline = self._draw.choice([*self._works.mill.shapes])
        key = f"key {self._draw.randrange(KEYS)}" if self._draw.random() < 0.2 else None
        if key:
            pipeline = min(self._works.mill.shapes)  # one key, one request
        created = self._works.begin(pipeline, key, seed=self._seed)
        self.asked["runs" if created.made else "runs of a key that had one"] += 1

    def _run_beside(self) -> None:
        self.beside.append(self._works.run(self._draw.choice([*self._works.mill.shapes])))
        self.asked["runs beside an engine"] += 1

    def _cancel(self) -> None:
        if found := self._drawn("ended_at IS NULL"):
            cancelling.ask(self._works.app, found)
            self.asked["cancels"] += 1

    def _retry(self) -> None:
        if found := self._drawn("ended_at IS NOT NULL"):
            with contextlib.suppress(errors.RunNotResumable):
                whole = self._draw.random() < 0.3
                retrying.ask(self._works.app, retrying.plan(self._works.app, retrying.Again(found, whole=whole)))
                self.asked["retries"] += 1

    def _drawn(self, where: str) -> int | None:
        found = [int(str(row["id"])) for row in self._works.ask(f"SELECT id FROM runs WHERE {where} ORDER BY id")]
        return self._draw.choice(found) if found else None
