"""How pipelines stand: each with its schedule, its latest run, and why it cannot run, where that is so."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from headrace import errors, project
from headrace.app import App
from headrace.model.query import Query
from headrace.model.run import BlockStatus, RunStatus
from headrace.model.trigger import Trigger
from headrace.operations import catalogue, jobs
from headrace.operations.catalogue import Entry
from headrace.project.folder import METADATA, PIPELINES

MOST = 10_000  # pipelines


@dataclass(frozen=True, slots=True)
class Standing:
    """`last` and `blocks`, by their names, are as in its latest run; None and nothing for one that has none.

    `touched_at` is when what is written of it has changed last, or the schedule that it has, or it was paused or resumed.
    """

    entry: Entry
    cron: str | None
    touched_at: datetime
    last: RunStatus | None
    blocks: Mapping[str, BlockStatus] = field(default_factory=dict[str, BlockStatus])
    fault: str | None = None


def of(app: App, entry: Entry) -> Standing:
    latest = app.store.runs.page(Query(pipeline=entry.row.id), 1, None, blocks=True).runs
    blocks = {row.block: row.status for each in latest for row in each.blocks}
    last = latest[0].run.status if latest else None
    schedule = jobs.schedule(app, entry)
    cron = schedule.definition.interval if schedule else None
    return Standing(entry, cron, _touched(entry, schedule), last, blocks, _fault(entry))


def all_of(app: App) -> Sequence[Standing]:
    """Of every pipeline that is written and was pinned."""
    return [of(app, entry) for entry in catalogue.listed(app, MOST)]


def _touched(entry: Entry, schedule: Trigger | None) -> datetime:
    """A version that is written again keeps the moment at which it was first; the file has another."""
    moments = [entry.row.created_at, entry.current.row.created_at]
    if entry.row.switched_at is not None:
        moments.append(entry.row.switched_at)
    if schedule is not None:
        moments.append(schedule.updated_at)
    with contextlib.suppress(OSError):
        moments.append(datetime.fromtimestamp(_file(entry).stat().st_mtime, UTC))
    return max(moments)


def _file(entry: Entry) -> Path:
    return entry.row.project.path / PIPELINES / entry.row.name / METADATA


def _fault(entry: Entry) -> str | None:
    try:
        project.refuse_unsupported(entry.current.content)
    except errors.BadInput as error:
        return str(error)
    return None
