"""Triggers: defined, looked at, paused and resumed; runs of them begun."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Run, Trigger

PAGE = 100  # triggers that are asked for at once


class Triggers:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(
        self, *, project: str | None = None, pipeline: str | None = None, cursor: str | None = None
    ) -> Iterator[Trigger]:
        """Every trigger, the oldest first; none of backfills. With a cursor, what comes after its page."""
        while True:
            found = self._server.read("/triggers", project=project, pipeline=pipeline, limit=PAGE, cursor=cursor)
            yield from value(found["triggers"], tuple[Trigger, ...])
            cursor = found["next"]
            if cursor is None:
                return

    def find(self, named: str) -> Trigger:
        """The trigger of that number or name, or of that name after `PIPELINE/`. TriggerNotFound, AmbiguousTrigger."""
        return value(self._server.read("/triggers/find", named=named), Trigger)

    def get(self, trigger: int) -> Trigger:
        """With its next fire times, its gaps and its latest run. TriggerNotFound."""
        return value(self._server.read(f"/triggers/{trigger}"), Trigger)

    def create(
        self, pipeline: str, definition: Mapping[str, Any], *, project: str | None = None, active: bool = True
    ) -> Trigger:
        """A new trigger of the pipeline, defined by the fields that a trigger has. BadTrigger, BadSchedule, TriggerExists."""
        body = {"pipeline": pipeline, **({"project": project} if project else {}), **definition, "active": active}
        return value(self._server.do("POST", "/triggers", body), Trigger)

    def change(self, trigger: int, **fields: Any) -> Trigger:
        """These fields are so from now on; all others stay."""
        return value(self._server.do("PATCH", f"/triggers/{trigger}", fields), Trigger)

    def pause(self, trigger: int) -> Trigger:
        """It begins no runs until it is resumed."""
        return value(self._server.do("POST", f"/triggers/{trigger}/pause"), Trigger)

    def resume(self, trigger: int) -> Trigger:
        return value(self._server.do("POST", f"/triggers/{trigger}/resume"), Trigger)

    def delete(self, trigger: int) -> None:
        """The runs that it has begun stay; those that have not started are cancelled."""
        self._server.do("DELETE", f"/triggers/{trigger}")

    def token(self, trigger: int) -> str:
        """What a caller of the trigger has to know."""
        return self._server.read(f"/triggers/{trigger}/token")["token"]

    def rotate(self, trigger: int) -> str:
        """A new token, told this once; the one before is worth nothing from now on."""
        return self._server.do("POST", f"/triggers/{trigger}/rotate")["token"]

    def run(
        self,
        trigger: int,
        *,
        variables: Mapping[str, Any] | None = None,
        event_variables: Mapping[str, Any] | None = None,
        execution_date: datetime | None = None,
        key: str | None = None,
        wait: float | None = None,
    ) -> Run:
        """Begins a run of it, whatever its type; see `Runs.create` for `key` and `wait`."""
        body = {"variables": variables, "event_variables": event_variables, "execution_date": execution_date}
        asked = {name: each for name, each in body.items() if each is not None}
        return value(self._server.make(path("triggers", trigger, "runs"), asked, key, wait)[0], Run)
