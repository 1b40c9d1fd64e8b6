"""Runs with their block runs, attempts and events."""

from datetime import datetime

from pydantic import Field

from headrace.api.v1.schemas.document import Document, Plain
from headrace.model.pipeline import BlockType
from headrace.model.run import BlockStatus, RunStatus


class RunSettings(Document):
    timeout: float | None
    timeout_status: str
    retry_config: Plain
    allow_blocks_to_fail: bool


class Run(Document):
    """One execution of a pipeline."""

    id: int
    uid: str
    project: str
    pipeline: str
    status: RunStatus
    reason: str
    abandoned: bool = Field(description="It is under way in the books, and its engine lives no more.")
    variables: Plain = Field(description="The run's own; `***` stands for what looks secret.")
    selection: Plain
    settings: RunSettings
    trigger: str | None
    trigger_id: int | None
    backfill_id: int | None
    fire_time: datetime | None
    execution_date: datetime
    event_variables: Plain | None
    held: bool = Field(description="Its trigger was paused before it began.")
    sla_at: datetime | None
    passed_sla: bool
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None
    seconds: float | None


class BlockStands(Document):
    """A block run in a list."""

    id: int
    uid: str
    block: str
    status: BlockStatus
    reason: str
    attempt: int = Field(description="The number of its latest attempt; 0 before the first.")
    started_at: datetime | None
    ended_at: datetime | None
    retry_at: datetime | None


class ListedRun(Run):
    blocks: list[BlockStands] | None = Field(description="Null unless they were asked for.")


class Runs(Document):
    runs: list[ListedRun]
    next: str | None = Field(description="The cursor of the next page; null at the end of the list.")


class Counts(Document):
    """How many runs have each status."""

    initial: int
    running: int
    completed: int
    failed: int
    cancelled: int


class Failure(Document):
    """Why an attempt failed; where the user's own code raised it, as far as that is known."""

    type: str
    message: str
    traceback: str
    file: str | None
    line: int | None
    function: str | None
    code: str | None


class TestResult(Document):
    name: str
    passed: bool
    message: str
    seconds: float


class Output(Document):
    """What is kept of a value that a block returned."""

    name: str
    kind: str
    codec: str
    path: str | None
    bytes: int
    rows: int | None
    columns: list[Plain] | None = Field(alias="schema")
    profile: Plain | None
    hash: str | None


class Attempt(Document):
    """One try of a block run."""

    uid: str
    number: int
    epoch: int
    status: BlockStatus
    reason: str
    started_at: datetime
    ended_at: datetime | None
    failure: Failure | None
    tests: list[TestResult]
    outputs: list[Output]
    seconds: float | None
    cpu_seconds: float | None
    peak_bytes: int | None
    rows_in: int | None
    rows_out: int | None
    log_lines: int
    waiting: bool


class BlockRun(Document):
    """One block within a run, with its attempts."""

    id: int
    uid: str
    block: str
    type: BlockType | None = Field(description="Null for a block that the run's code no longer has.")
    upstream_blocks: list[str]
    status: BlockStatus
    reason: str
    started_at: datetime | None
    ended_at: datetime | None
    retry_at: datetime | None
    reused_from_run: int | None
    attempts: list[Attempt]


class Event(Document):
    """One move, and why."""

    id: int
    block: str | None = Field(description="Null for a move of the run.")
    attempt: int | None
    at: datetime
    kind: str
    status: str
    reason: str


class Events(Document):
    events: list[Event]
    next: str | None


class ShownRun(Run):
    owner: str | None = Field(description="The engine that moves it, or last did.")
    epoch: int
    folder: str
    version: str
    snapshot: str
    code: str
    home: str = Field(description="Where paths of outputs begin.")
    blocks: list[BlockRun]
    events: list[Event]


class RetryPlan(Document):
    """How a run goes on, in blocks by name."""

    again: list[str] = Field(description="Those that run again, and those that are new.")
    added: list[str] = Field(description="Those that the run had not.")
    reused: list[str]
    gone: list[str] = Field(description="Those that the code has no more.")
    warnings: list[str]


class RetriedRun(Run):
    retry: RetryPlan


class Reason(Document):
    kind: str = Field(description="A word for programs.")
    says: str = Field(description="A sentence for people.")
    block: str | None
    until: datetime | None


class Reasons(Document):
    reasons: list[Reason]
