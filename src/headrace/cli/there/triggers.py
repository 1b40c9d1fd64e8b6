"""The same as `here`, of a server: triggers."""

from collections.abc import Mapping
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from headrace.cli.there import reading
from headrace.client.front import Client
from headrace.engine.calls import Call
from headrace.model.run import Run
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations.triggers import Listed, Shown


class Triggers:
    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, named: str) -> Trigger:
        return reading.trigger(self._client.triggers.find(named))

    def latest(self, limit: int, *, project: str | None, pipeline: str | None, after: int) -> list[Listed]:
        cursor = str(after) if after else None
        found = self._client.triggers.list(project=project, pipeline=pipeline, cursor=cursor)
        return [reading.listed_trigger(each) for each in islice(found, limit)]

    def show(self, trigger: Trigger) -> Shown:
        return reading.shown_trigger(self._client.triggers.get(trigger.id))

    def token(self, trigger: Trigger) -> str:
        return self._client.triggers.token(trigger.id)

    def create(self, project: Path, pipeline: str, definition: Definition, *, active: bool) -> Trigger:
        said = _different(Definition(name="", type=TriggerType.BACKFILL), definition)
        return reading.trigger(self._client.triggers.create(pipeline, said, project=str(project), active=active))

    def change(self, trigger: Trigger, definition: Definition) -> Trigger:
        return reading.trigger(self._client.triggers.change(trigger.id, **_different(trigger.definition, definition)))

    def pause(self, trigger: Trigger) -> Trigger:
        return reading.trigger(self._client.triggers.pause(trigger.id))

    def resume(self, trigger: Trigger) -> Trigger:
        return reading.trigger(self._client.triggers.resume(trigger.id))

    def delete(self, trigger: Trigger) -> None:
        self._client.triggers.delete(trigger.id)

    def rotate(self, trigger: Trigger) -> str:
        return self._client.triggers.rotate(trigger.id)

    def run(self, trigger: Trigger, call: Call) -> Run:
        asked: dict[str, Any] = {name: getattr(call, name) for name in _ASKED}
        return reading.run(self._client.triggers.run(trigger.id, **asked))


_ASKED = ("variables", "event_variables", "execution_date", "key")


def _different(before: Any, after: Any) -> Mapping[str, Any]:
    """The fields that are another's; of settings those that are."""
    changed = [each.name for each in fields(after) if getattr(before, each.name) != getattr(after, each.name)]
    said = {name: getattr(after, name) for name in changed}
    return said | ({"settings": _different(before.settings, after.settings)} if "settings" in said else {})
