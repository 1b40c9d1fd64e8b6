"""Backfills: planned, started, paused, resumed and cancelled."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.client.values import Backfill, Plan, Planned

PAGE = 100  # backfills that are asked for at once


class Backfills:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def foresee(self, pipeline: str, start: datetime, end: datetime, **fields: Any) -> Plan:
        """What such a backfill would make; nothing is written down. See `create`."""
        return value(self._server.do("POST", "/backfills/plan", _body(pipeline, start, end, fields)), Plan)

    def create(self, pipeline: str, start: datetime, end: datetime, **fields: Any) -> Planned:
        """Writes a backfill down, and tells what it would make; nothing is started. BadBackfill, BadTrigger, and what refuses a run of the pipeline.

        The fields are `project`, `name`, `interval_type`, `interval_units`, `which`, `variables` and `settings`.
        """
        return value(self._server.do("POST", "/backfills", _body(pipeline, start, end, fields)), Planned)

    def plan(self, backfill: int) -> Plan:
        """What starting it now would make."""
        return value(self._server.read(f"/backfills/{backfill}/plan"), Plan)

    def start(self, backfill: int, *, plan: str | None = None) -> Backfill:
        """Makes its runs; only those of that plan, if one is named. PlanChanged, BackfillRefused."""
        body = {"plan": plan} if plan else {}
        return value(self._server.do("POST", f"/backfills/{backfill}/start", body), Backfill)

    def get(self, backfill: int) -> Backfill:
        """With the dates that it misses. BackfillNotFound."""
        return value(self._server.read(f"/backfills/{backfill}"), Backfill)

    def list(self, *, pipeline: str | None = None, cursor: str | None = None) -> Iterator[Backfill]:
        """The newest first; with a cursor, what comes after its page."""
        while True:
            found = self._server.read("/backfills", pipeline=pipeline, limit=PAGE, cursor=cursor)
            yield from value(found["backfills"], tuple[Backfill, ...])
            cursor = found["next"]
            if cursor is None:
                return

    def pause(self, backfill: int) -> Backfill:
        """Nothing more of it begins until it is resumed."""
        return value(self._server.do("POST", f"/backfills/{backfill}/pause"), Backfill)

    def resume(self, backfill: int) -> Backfill:
        return value(self._server.do("POST", f"/backfills/{backfill}/resume"), Backfill)

    def cancel(self, backfill: int) -> Backfill:
        """It makes no more runs, and those that are not final are stopped."""
        return value(self._server.do("POST", f"/backfills/{backfill}/cancel"), Backfill)


def _body(pipeline: str, start: datetime, end: datetime, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"pipeline": pipeline, "start_time": start, "end_time": end, **fields}
