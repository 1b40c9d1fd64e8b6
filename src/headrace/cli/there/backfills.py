"""The same as `here`, of a server: backfills."""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from headrace.cli.there import reading
from headrace.client.front import Client
from headrace.model.trigger import Backfill
from headrace.operations.backfills import Asked, Plan, Shown
from headrace.store.backfills import PlacedBackfill


class Backfills:
    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, number: int) -> Backfill:
        return reading.backfill(self._client.backfills.get(number))

    def latest(self, limit: int, *, before: int | None, pipeline: str | None) -> list[PlacedBackfill]:
        found = self._client.backfills.list(pipeline=pipeline, cursor=str(before) if before else None)
        return [reading.placed_backfill(each) for each in islice(found, limit)]

    def show(self, backfill: Backfill) -> Shown:
        return reading.shown_backfill(self._client.backfills.get(backfill.id))

    def counts(self, backfill: Backfill) -> Mapping[str, int]:
        return self._client.backfills.get(backfill.id).runs

    def create(self, project: Path, pipeline: str, asked: Asked) -> Backfill:
        return self.get(self._client.backfills.create(pipeline, **_said(project, asked)).id)

    def plan(self, backfill: Backfill) -> Plan:
        return reading.plan(self._client.backfills.plan(backfill.id))

    def foresee(self, project: Path, pipeline: str, asked: Asked) -> Plan:
        return reading.plan(self._client.backfills.foresee(pipeline, **_said(project, asked)))

    def start(self, number: int, *, planned: str | None) -> Backfill:
        return reading.backfill(self._client.backfills.start(number, plan=planned))

    def pause(self, number: int) -> Backfill:
        return reading.backfill(self._client.backfills.pause(number))

    def resume(self, number: int) -> Backfill:
        return reading.backfill(self._client.backfills.resume(number))

    def cancel(self, number: int) -> Backfill:
        return reading.backfill(self._client.backfills.cancel(number))


def _said(project: Path, asked: Asked) -> dict[str, Any]:
    """What of a backfill is said that is not so by itself."""
    settings = {name: value for name, value in asdict(asked.settings).items() if value not in (None, {})}
    own = ("name", "start", "end", "interval_type", "interval_units", "which", "variables")
    return {"project": str(project), **{name: getattr(asked, name) for name in own}, "settings": settings}
