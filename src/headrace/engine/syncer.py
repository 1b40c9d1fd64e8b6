"""Syncer: the triggers that projects have in their triggers.yaml files are kept in step with those in the store.

A file that has changed is taken over, entry by entry; what is wrong with one is noted, and the others count. What a
file no longer has stays as it is, and is the store's alone from then on. Nothing fires because a file was read.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from headrace import errors, project
from headrace.engine.maker import Maker
from headrace.engine.registry import Registry
from headrace.model.trigger import Trigger
from headrace.project import Project, TriggersFile, Written
from headrace.store import Store
from headrace.store.projects import ProjectRow

EVERY = timedelta(seconds=5)


class Syncer:
    def __init__(self, store: Store, maker: Maker, registry: Registry) -> None:
        self._store = store
        self._maker = maker
        self._registry = registry
        self._told: dict[int, str] = {}  # what was last said of a project that cannot be read

    def run_once(self, now: datetime) -> datetime:
        """Takes over the files that have changed; a project that cannot be read keeps no other waiting."""
        for row in self._store.projects.all():
            try:
                self.take_over(row, now)
                self._told.pop(row.id, None)
            except errors.StoreUnavailable:
                raise
            except (errors.HeadraceError, OSError) as error:
                self._tell(row, str(error))
        return now + EVERY

    def take_over(self, row: ProjectRow, now: datetime) -> None:
        """Takes over what has changed of a project's files. Raises the BadInput for which it cannot be read."""
        found = project.open(row.path, os.environ)
        known = self._store.trigger_files.of(row.id)
        for pipeline in project.pipeline_names(found):
            mark = project.mark_of_triggers(found, pipeline)
            before = known.pop(pipeline).mark if pipeline in known else None
            if mark != before:
                self._take_over_file(row, found, pipeline, now)
        for gone in known:
            self._let_go(row, gone, (), now)
            self._store.trigger_files.forget(row.id, gone)

    def _take_over_file(self, row: ProjectRow, found: Project, pipeline: str, now: datetime) -> None:
        read = project.read_triggers(found, pipeline)
        refused = self._take_over_entries(found, pipeline, read, now)
        faults = [*map(str, read.faults), *refused]
        named = [each.definition.name for each in read.entries] + [fault.name for fault in read.faults if fault.name]
        if read.changed is None:
            self._store.trigger_files.forget(row.id, pipeline)
        else:
            self._store.trigger_files.note(row.id, pipeline, read.changed, faults, now)
        if not any(fault.name is None for fault in read.faults):
            self._let_go(row, pipeline, named, now)

    def _take_over_entries(self, found: Project, pipeline: str, read: TriggersFile, now: datetime) -> Iterator[str]:
        """What is wrong with those that cannot be taken over."""
        for written in read.entries:
            if project.applies(written, os.environ.get("ENV")):
                try:
                    self._take_over_entry(found, pipeline, written, now)
                except errors.StoreUnavailable:
                    raise
                except (errors.HeadraceError, OSError) as error:
                    yield f"triggers[{written.index}]: {error}"

    def _take_over_entry(self, found: Project, pipeline: str, written: Written, now: datetime) -> None:
        """The trigger is as the entry says; one that is enabled by it is so from now on, and the file then says so."""
        trigger = self._trigger(found, pipeline, written, now)
        if written.token:
            self._registry.accept(trigger.id, written.token, now)
        if written.active and written.last_enabled_at is None:
            project.write_trigger(found, pipeline, replace(written, last_enabled_at=trigger.last_enabled_at or now))

    def _trigger(self, found: Project, pipeline: str, written: Written, now: datetime) -> Trigger:
        pin = self._maker.pin(self._maker.keep(found.path), pipeline, now)
        definition, active = written.definition, written.active
        known = self._store.triggers.find(pin.pinned.pipeline_id, definition.name)
        if known is None:
            return self._registry.create(
                pin.pinned.pipeline_id, definition, now, active=active, in_code=True, token=written.token
            )
        if (known.definition, known.active, known.in_code) == (definition, active, True):
            return known
        return self._registry.change(known.id, definition, now, active=active, in_code=True)

    def _let_go(self, row: ProjectRow, pipeline: str, named: "list[str] | tuple[()]", now: datetime) -> None:
        """The triggers that the file has no more are the store's alone."""
        for each in self._store.triggers.of_project(row.id):
            trigger = each.trigger
            if each.pipeline == pipeline and trigger.in_code and trigger.definition.name not in named:
                self._registry.change(trigger.id, None, now, in_code=False)

    def _tell(self, row: ProjectRow, why: str) -> None:
        """Once for each reason: it is looked at every few seconds."""
        if self._told.get(row.id) != why:
            logging.getLogger(__name__).warning("the triggers of project %s are not read: %s", row.name, why)
            self._told[row.id] = why
