"""Maker: says what a run of a trigger is, from what the trigger has written and its project has now."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headrace import errors, project
from headrace.engine.pins import Kept, Pin, Pins
from headrace.model import firing
from headrace.model.firing import Fire
from headrace.model.run import Occasion
from headrace.model.slot import Slot
from headrace.model.trigger import Definition
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.runs import Key, NewRun


class Maker:
    """Looks at projects for whoever makes runs. Any thread may ask it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._pins = Pins(store, settings.home)
        self._names = store.projects.names  # asked each time: a pipeline may be renamed

    def look(self, at: datetime) -> "Look":
        """The projects as they are at that moment."""
        return Look(self, at)

    def place(self, pipeline_id: int) -> tuple[Path, str]:
        """The project's folder, and the pipeline's name."""
        row, pipeline = self._names(pipeline_id)
        return row.path, pipeline

    def keep(self, folder: Path) -> Kept:
        """The code of the project in that folder, kept."""
        return self._pins.keep(project.open(folder, os.environ))

    def pin(self, kept: Kept, pipeline: str, at: datetime) -> Pin:
        return self._pins.pin(kept, pipeline, at)


class Look:
    """The projects at one moment: each is looked at once, however many of its pipelines are asked for."""

    def __init__(self, maker: Maker, at: datetime) -> None:
        self._maker = maker
        self._at = at
        self._kept: dict[Path, Kept] = {}
        self._pinned: dict[int, Pin] = {}

    def pin(self, pipeline_id: int) -> Pin:
        """That pipeline as it is now. Raises the HeadraceError or OSError for which it cannot be run; PipelinePaused."""
        if pipeline_id not in self._pinned:
            folder, pipeline = self._maker.place(pipeline_id)
            if folder not in self._kept:
                self._kept[folder] = self._maker.keep(folder)
            pin = self._maker.pin(self._kept[folder], pipeline, self._at)
            if pin.pinned.paused:
                raise errors.PipelinePaused(pipeline=pipeline)
            self._pinned[pipeline_id] = pin
        return self._pinned[pipeline_id]


def new_run(
    definition: Definition,
    pin: Pin,
    reason: str,
    *,
    trigger_id: int | None,
    execution_date: datetime,
    slot: Slot | None = None,
    fire_time: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
    event_variables: Mapping[str, Any] | None = None,
    backfill_id: int | None = None,
    key: Key | None = None,
) -> NewRun:
    """A run of all blocks, on the terms of its trigger. Its `variables` are the trigger's own where none are given."""
    late = None if definition.sla is None else execution_date + timedelta(seconds=definition.sla)
    return NewRun(
        pipeline_id=pin.pinned.pipeline_id,
        version_id=pin.pinned.version_id,
        snapshot_id=pin.pinned.snapshot_id,
        blocks=dict.fromkeys(pin.blocks),
        variables=definition.variables if variables is None else variables,
        selection={},
        execution_date=execution_date,
        reason=reason,
        trigger_id=trigger_id,
        fire_time=fire_time,
        settings=definition.settings.of_run,
        key=key,
        backfill_id=backfill_id,
        occasion=Occasion(definition.name, definition.interval, definition.variables, slot),
        event_variables=event_variables,
        sla_at=late,
    )


def fired(definition: Definition, fires: Sequence[Fire], pin: Pin, *, trigger_id: int | None) -> list[NewRun]:
    """The runs of those fire times."""
    return [
        new_run(
            definition,
            pin,
            "by its schedule",
            trigger_id=trigger_id,
            execution_date=fire.execution_date,
            fire_time=fire.fire_time,
            slot=firing.slot_of(definition, fire.execution_date),
        )
        for fire in fires
    ]
