"""Backfills: planned, started, paused, resumed and cancelled."""

from collections.abc import Mapping
from pathlib import Path

from headrace.app import App
from headrace.model.trigger import Backfill
from headrace.operations import backfills
from headrace.operations.backfills import Asked, Plan, Shown
from headrace.store.backfills import PlacedBackfill


class Backfills:
    def __init__(self, app: App) -> None:
        self._app = app

    def get(self, number: int) -> Backfill:
        """BackfillNotFound."""
        return backfills.get(self._app, number)

    def latest(self, limit: int, *, before: int | None, pipeline: str | None) -> list[PlacedBackfill]:
        """At most so many, the newest first, those older than the backfill `before`."""
        return backfills.latest(self._app, limit, before=before, pipeline=pipeline)

    def show(self, backfill: Backfill) -> Shown:
        return backfills.show(self._app, backfill)

    def counts(self, backfill: Backfill) -> Mapping[str, int]:
        """How many of its runs have each status."""
        return backfills.counts(self._app, backfill)

    def create(self, project: Path, pipeline: str, asked: Asked) -> Backfill:
        """Writes it down; nothing is started."""
        return backfills.create(self._app, project, pipeline, asked)

    def plan(self, backfill: Backfill) -> Plan:
        """What starting it now would make."""
        return backfills.plan(self._app, backfill)

    def foresee(self, project: Path, pipeline: str, asked: Asked) -> Plan:
        """What such a backfill would make; nothing is written down."""
        return backfills.foresee(self._app, project, pipeline, asked)

    def start(self, number: int, *, planned: str | None) -> Backfill:
        """Makes its runs. PlanChanged, BackfillRefused."""
        return backfills.start(self._app, self.get(number), planned=planned)

    def pause(self, number: int) -> Backfill:
        return backfills.pause(self._app, self.get(number))

    def resume(self, number: int) -> Backfill:
        return backfills.resume(self._app, self.get(number))

    def cancel(self, number: int) -> Backfill:
        return backfills.cancel(self._app, self.get(number))
