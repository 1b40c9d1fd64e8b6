"""What is answered, field by field, for the description of the API. The documents are made by operations/documents."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headrace.model.access import Role, TokenKind
from headrace.model.audit import Outcome
from headrace.model.pipeline import BlockType, Language
from headrace.model.rule import RuleKind
from headrace.model.run import BlockStatus, RunStatus
from headrace.model.trigger import BackfillStatus, CatchUp, TriggerType, Which

Plain = dict[str, Any]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Fault(BaseModel):
    """One field that is not as it is to be."""

    field: str = Field(description="Its place.", examples=["variables.day"])
    detail: str = Field(description="What was expected, in words.")


class Problem(BaseModel):
    """Why it was not done (RFC 9457)."""

    type: str = Field(examples=["urn:headrace:run-not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for people.", examples=["There is no run 7."])
    kind: str = Field(description="A word for programs.", examples=["run_not_found"])
    errors: list[Fault] = Field(description="The fields of the request that are at fault, where it is fields.")


# Projects and pipelines


class Project(Document):
    """A folder of pipelines."""

    id: int
    uid: str
    name: str = Field(examples=["mill"])
    path: str = Field(examples=["/srv/mill"])
    fault: str | None = Field(description="Why it cannot be read; null when it can.")


class Projects(Document):
    projects: list[Project]


class FoundPipeline(Document):
    """A pipeline in a list; all but its name is null for one that cannot be read, and `error` says why."""

    name: str
    title: str | None
    type: str | None
    description: str | None
    tags: list[str] | None
    blocks: int | None = Field(description="How many it has.")
    warnings: list[str]
    error: str | None = Field(description="Why it cannot be read.")
    cannot_run: str | None = Field(description="Why it can be read and not run.")


class Pipelines(Document):
    pipelines: list[FoundPipeline]


class Block(Document):
    """One step of a pipeline."""

    uuid: str
    type: BlockType
    language: Language
    name: str
    file: str | None = Field(description="Its code, relative to the project.")
    upstream_blocks: list[str] = Field(description="The edges that lead to it.")
    configuration: Plain
    retry_config: Plain
    retries: int
    timeout: float | None = Field(description="Seconds.")
    fresh_process: bool
    memory_limit: int | None = Field(description="Bytes.")


class Limits(Document):
    """How much may run at once; null is no limit."""

    project_blocks: int | None
    pipeline_runs: int | None
    trigger_runs: int | None
    run_blocks: int | None
    blocks: dict[str, int]
    skip: bool = Field(description="A run that finds no room is cancelled; otherwise it waits.")


class Pipeline(Document):
    """Blocks and edges, as written."""

    name: str
    title: str
    type: str
    description: str
    tags: list[str]
    blocks: list[Block]
    callbacks: list[Block]
    conditionals: list[Block]
    variables: Plain
    retry_config: Plain
    limits: Limits
    warnings: list[str]
    cannot_run: str | None


class Code(Document):
    """What a block runs."""

    block: str
    language: Language
    path: str | None = Field(description="Relative to the project; null for a block without a file.")
    text: str | None
    version: str | None = Field(description="The version that it is of; null for the code as it is now.")


class Version(Document):
    """A pipeline's content at one moment."""

    id: int
    uid: str
    hash: str
    created_at: datetime = Field(description="When its like was pinned first.")
    used_at: datetime | None = Field(description="When it was pinned last, to the day.")


class Versions(Document):
    versions: list[Version]
    next: str | None


class ShownVersion(Version):
    pipeline: Pipeline


# Runs


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


# Triggers


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


# Backfills


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


# Events, engines, secrets, tokens


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


class Engine(Document):
    """What moves runs forward."""

    name: str
    machine: str
    pid: int
    own: bool = Field(description="It moves only what was made for it, as `headrace run` does.")
    started_at: datetime
    lease_until: datetime | None
    drain_requested_at: datetime | None
    lives: bool
    runs: int = Field(description="How many open runs it has.")


class Engines(Document):
    engines: list[Engine]


class Secret(Document):
    """What may be known of a secret."""

    id: int
    name: str
    project: str | None = Field(description="Null for one that all projects have.")
    created_at: datetime
    updated_at: datetime
    key: str = Field(description="The name of the key that it is sealed with.")
    opens: bool


class Secrets(Document):
    secrets: list[Secret]


class Token(Document):
    """What lets a program in, without what it says."""

    id: int
    uid: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    kind: TokenKind
    user_id: int | None = Field(description="Whose it is; null for one of a program.")


class Tokens(Document):
    tokens: list[Token]


class MadeToken(Token):
    token: str = Field(description="What it says; it is told this once.")


# The server


class Stands(Document):
    status: str


class ServerVersion(Document):
    version: str


# Users, sessions, audit


class Grant(Document):
    """A role, for the pipelines that carry the tag."""

    role: Role
    tag: str | None = Field(description="Null: for all pipelines.")


class User(Document):
    """Somebody who may log in."""

    id: int
    uid: str
    username: str
    email: str | None
    first_name: str
    last_name: str
    avatar: str
    active: bool
    roles: list[Grant]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


class Users(Document):
    users: list[User]


class Session(Document):
    """Who has logged in, and what they show from now on."""

    token: str | None = Field(description="Told this once; null where a cookie has it.")
    expires_at: datetime
    user: User


class Entry(Document):
    """Who did what, or wanted to."""

    id: int
    at: datetime
    who: str
    user_id: int | None
    token_id: int | None
    deed: str = Field(examples=["runs.cancel"])
    noun: str
    object: str | None = Field(description="Which of that noun.")
    run_id: int | None
    project: str | None
    outcome: Outcome
    problem: str | None = Field(description="The kind of error.")
    address: str | None
    via: str = Field(description="The API or tool that it came by.")
    count: int = Field(description="How often, where many are told as one.")


class Entries(Document):
    audit: list[Entry]
    next: str | None
