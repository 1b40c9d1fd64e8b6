"""Starts: runs that blocks ask for, each of an API trigger of the pipeline that is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace import clock, errors
from headrace.engine.calls import Call, Calls
from headrace.engine.maker import Maker
from headrace.engine.registry import Registry
from headrace.model.run import Run
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.store import Store


class Starts:
    """Any thread may ask it."""

    def __init__(self, store: Store, maker: Maker, registry: Registry, calls: Calls) -> None:
        self._store = store
        self._maker = maker
        self._registry = registry
        self._calls = calls

    def start(
        self,
        folder: Path,
        pipeline: str,
        variables: Mapping[str, Any],
        *,
        trigger: str,
        key: str,
        owner: str | None,
    ) -> Run:
        """The run of that pipeline of the project in that folder, for the engine named `owner`, or else for any.

        It is of the pipeline's trigger of that name, which is made if there is none. Where the key has a run already, it is that one.
        Raises the BadInput that says why there is no such run, ProjectUnreadable, ProjectChanged, OSError; after
        StoreUnavailable it may be asked for again.
        """
        pin = self._maker.pin(self._maker.keep(folder), pipeline, clock.now())
        found = self._trigger(pin.pinned.pipeline_id, trigger)
        call = Call(variables=variables, key=key)
        return self._calls.run(found, call, clock.now(), activates=True, reason="by a block", owner=owner).run

    def _trigger(self, pipeline_id: int, name: str) -> Trigger:
        """The pipeline's trigger of that name, which is made if there is none."""
        if found := self._store.triggers.find(pipeline_id, name):
            return found
        definition = Definition(name=name, type=TriggerType.API)
        try:
            return self._registry.create(pipeline_id, definition, clock.now(), active=True)
        except errors.TriggerExists:  # by somebody who asked at the same time
            found = self._store.triggers.find(pipeline_id, name)
            if found is None:
                raise
            return found
