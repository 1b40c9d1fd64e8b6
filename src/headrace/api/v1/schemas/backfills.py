"""Backfills and their plans."""

from datetime import datetime

from pydantic import Field

from headrace.api.v1.schemas.document import Document, Plain
from headrace.api.v1.schemas.triggers import TriggerSettings
from headrace.model.trigger import BackfillStatus, Which


class Backfill(Document):
    """Runs of a pipeline for a range of dates."""

    id: int
    uid: str
    pipeline_id: int
    trigger_id: int | None
    name: str
    start_time: datetime
    end_time: datetime
    interval_type: str
    interval_units: int
    which: Which
    settings: TriggerSettings
    status: BackfillStatus
    reason: str
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    project: str
    pipeline: str
    variables: Plain
    dates: int | None = Field(description="How many its plan has; null before it was started.")
    made: int = Field(description="Of how many of them the run is made.")
    runs: dict[str, int] = Field(description="How many of its runs have each status.")


class Backfills(Document):
    backfills: list[Backfill]
    next: str | None


class Missing(Document):
    date: datetime
    status: str | None = Field(description="Of its latest run; null where there is none yet.")


class ShownBackfill(Backfill):
    folder: str = Field(description="Of its project.")
    missing: list[Missing] = Field(description="The dates of its plan whose latest run has not completed.")


class Passed(Document):
    date: datetime
    why: str


class Plan(Document):
    """The runs that a backfill makes."""

    plan: str | None = Field(description="Names just this plan; null where no backfill was written down.")
    runs: int
    dates: list[datetime]
    passed_over: list[Passed]


class MadeBackfill(Plan):
    """A backfill that is written down, and what it would make."""

    id: int
    name: str
