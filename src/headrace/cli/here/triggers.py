"""Triggers: defined, looked at, paused and resumed; runs of them begun."""

from pathlib import Path

from headrace.app import App
from headrace.engine.calls import Call
from headrace.model.run import Run
from headrace.model.trigger import Definition, Trigger
from headrace.operations import triggers
from headrace.operations.triggers import Listed, Shown


class Triggers:
    def __init__(self, app: App) -> None:
        self._app = app

    def find(self, named: str) -> Trigger:
        """The trigger of that number or name, or of that name after `PIPELINE/`. TriggerNotFound, AmbiguousTrigger."""
        return triggers.find(self._app, named)

    def latest(self, limit: int, *, project: str | None, pipeline: str | None, after: int) -> list[Listed]:
        """At most so many, the oldest first, those newer than the trigger `after`."""
        return triggers.latest(self._app, limit, project=project, pipeline=pipeline, after=after)

    def show(self, trigger: Trigger) -> Shown:
        return triggers.show(self._app, trigger)

    def token(self, trigger: Trigger) -> str:
        """What a caller of it has to know."""
        return triggers.token(self._app, trigger)

    def create(self, project: Path, pipeline: str, definition: Definition, *, active: bool) -> Trigger:
        """A new trigger of the pipeline. What refuses it is raised."""
        return triggers.create(self._app, project, pipeline, definition, active=active)

    def change(self, trigger: Trigger, definition: Definition) -> Trigger:
        """It is defined so from now on."""
        return triggers.change(self._app, trigger, definition)

    def pause(self, trigger: Trigger) -> Trigger:
        return triggers.pause(self._app, trigger)

    def resume(self, trigger: Trigger) -> Trigger:
        return triggers.resume(self._app, trigger)

    def delete(self, trigger: Trigger) -> None:
        triggers.delete(self._app, trigger)

    def rotate(self, trigger: Trigger) -> str:
        """Its new token."""
        return triggers.rotate(self._app, trigger)

    def run(self, trigger: Trigger, call: Call) -> Run:
        """A run of it, whatever its type."""
        return triggers.run(self._app, trigger, call).run
