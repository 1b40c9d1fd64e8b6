"""Triggers, when they fire, and what has happened that they may begin runs for."""

from datetime import datetime

from pydantic import Field

from headrace.api.v1.schemas.document import Document, Plain
from headrace.model.rule import RuleKind
from headrace.model.run import RunStatus
from headrace.model.trigger import CatchUp, TriggerType


class TriggerSettings(Document):
    skip_if_previous_running: bool
    allow_blocks_to_fail: bool
    create_initial_pipeline_run: bool
    landing_time_enabled: bool
    pipeline_run_limit: int | None
    timeout: float | None
    timeout_status: str
    retry_config: Plain
    catch_up: CatchUp
    extra: Plain


class Rule(Document):
    kind: RuleKind
    subject: str
    pattern: Plain
    statuses: list[str]
    every: float
    settle: float


class LastRun(Document):
    id: int
    status: RunStatus


class Gap(Document):
    """Fire times that got no run, and why."""

    id: int
    reason: str
    first: datetime
    last: datetime
    count: int
    noticed_at: datetime


class Trigger(Document):
    """Why runs of a pipeline begin."""

    id: int
    uid: str
    project: str
    pipeline: str
    name: str
    type: TriggerType
    interval: str | None
    zone: str
    start_time: datetime | None
    description: str
    variables: Plain
    sla: int | None
    settings: TriggerSettings
    rules: list[Rule]
    tags: list[str]
    active: bool
    fault: str | None = Field(description="Why it cannot fire as it is.")
    in_code: bool = Field(description="Its project's triggers.yaml has it too.")
    last_enabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_run: LastRun | None


class ListedTrigger(Trigger):
    next: datetime | None = Field(description="When it fires next.")


class Triggers(Document):
    triggers: list[ListedTrigger]
    next: str | None


class ShownTrigger(Trigger):
    folder: str = Field(description="Of its project.")
    next: list[datetime] = Field(description="Its next fire times.")
    gaps: list[Gap]


class Said(Document):
    """A trigger's token."""

    token: str


class FireTime(Document):
    at: datetime
    local: str = Field(description="As the clocks of the zone show it, with their offset.")


class FireTimes(Document):
    fire_times: list[FireTime]


class Occurrence(Document):
    """What has happened that event triggers may begin runs for."""

    id: int
    uid: str
    kind: RuleKind
    subject: str
    payload: Plain
    rule_id: int | None
    at: datetime
    handled_at: datetime | None
    runs: int | None = Field(description="How many it has begun; null until it was dealt with.")
    fault: str | None


class Occurrences(Document):
    events: list[Occurrence]
    next: str | None


class Posted(Document):
    uid: str
