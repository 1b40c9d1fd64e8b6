"""Trigger: why runs of a pipeline begin, as somebody has defined it, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from headrace.model.rule import Rule
from headrace.model.run import RunSettings


class TriggerType(StrEnum):
    """The words of the Mage format; a backfill's trigger, which has no type there, has one here."""

    TIME = "time"
    API = "api"
    EVENT = "event"
    BACKFILL = "backfill"


class CatchUp(StrEnum):
    """Which of the fire times that nobody was there for are run afterwards."""

    LAST = "last"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    """What holds for the runs of a trigger, by the names of the Mage format; `catch_up` is headrace's own."""

    skip_if_previous_running: bool = False  # a fire that finds a run of this trigger under way is cancelled
    allow_blocks_to_fail: bool = False
    create_initial_pipeline_run: bool = False  # once enabled, the period that has begun before is run as well
    landing_time_enabled: bool = False  # runs are to be over at the start time's hour and minute, and begin before
    pipeline_run_limit: int | None = None  # runs of this trigger at once, in place of what its pipeline says
    timeout: float | None = None  # seconds from a run's start
    timeout_status: str = "failed"  # or "cancelled"
    retry_config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    catch_up: CatchUp = CatchUp.LAST
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])  # other keys: kept and not used

    @property
    def of_run(self) -> RunSettings:
        """What of them each run keeps."""
        return RunSettings(self.timeout, self.timeout_status, self.retry_config, self.allow_blocks_to_fail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A trigger as somebody wrote it: what is typed is what is kept."""

    name: str
    type: TriggerType
    interval: str | None = None  # of a time trigger: @once, @daily and the like, or cron
    zone: str = "UTC"  # the IANA zone in which its interval and its start time's hours are meant
    start_time: datetime | None = None  # UTC; nothing fires before it
    description: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sla: int | None = None  # seconds from a run's execution date, within which it is to have ended
    settings: TriggerSettings = field(default_factory=TriggerSettings)
    rules: tuple[Rule, ...] = ()  # of an event trigger: any of them begins a run
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A definition that is in force for a pipeline, and how far it has got."""

    id: int
    uid: str
    pipeline_id: int
    definition: Definition
    active: bool
    last_enabled_at: datetime | None  # None: it never was
    considered: datetime | None  # of a time trigger: every fire time up to then has been dealt with
    due_at: datetime | None  # when it is to be looked at next; None: nothing to wait for
    in_code: bool  # the project's triggers.yaml has it too, and the two are kept in step
    fault: str | None  # why it cannot fire as it is
    created_at: datetime
    updated_at: datetime


class BackfillStatus(StrEnum):
    INITIAL = "initial"  # written down; nothing was started
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_BACKFILL = frozenset({BackfillStatus.COMPLETED, BackfillStatus.FAILED, BackfillStatus.CANCELLED})


class Which(StrEnum):
    """Which dates of its range a backfill makes runs for."""

    MISSING = "missing"  # those of which the pipeline has no completed run
    FAILED = "failed"  # those whose latest run failed
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Runs for a range of dates: its plan is fixed when it is started, and `made` says how far it has been carried out."""

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
    variables: Mapping[str, Any]
    settings: TriggerSettings
    status: BackfillStatus
    reason: str
    dates: tuple[datetime, ...] | None
    made: int
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime
