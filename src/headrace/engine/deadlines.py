"""Deadlines: a run that has not ended when its trigger's SLA says so has passed it, from that moment on."""

from datetime import datetime, timedelta

from headrace.store import Store

PASSED_OVER = timedelta(seconds=0.2)  # until what somebody else had locked is looked at again


class Deadlines:
    def __init__(self, store: Store) -> None:
        self._store = store

    def run_once(self, now: datetime) -> datetime | None:
        """Notes what has passed its SLA by now, once for each run; when the next may."""
        self._store.runs.pass_slas(now)
        coming = self._store.runs.next_sla()
        return max(coming, now + PASSED_OVER) if coming else None
