"""What a server tells, as values. Moments are aware and in UTC, lengths of time in seconds, sizes in bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.model import dataset
from headrace.model.rule import Rule
from headrace.model.run import BlockStatus, Failure, RunSettings, RunStatus, TestResult
from headrace.model.trigger import BackfillStatus, TriggerSettings, TriggerType, Which


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run. What looks secret in its variables is `***`."""

    id: int
    uid: str
    project: str
    pipeline: str
    status: RunStatus
    reason: str
    abandoned: bool  # it is under way in the books, and its engine is gone
    variables: Mapping[str, Any]
    selection: Mapping[str, Any]  # what was asked for: {"from": …} or {"only": […]}
    settings: RunSettings
    trigger: str | None  # the name of what began it; None: a hand
    trigger_id: int | None
    backfill_id: int | None
    fire_time: datetime | None
    execution_date: datetime
    event_variables: Mapping[str, Any] | None
    held: bool  # its trigger was paused before it began
    sla_at: datetime | None
    passed_sla: bool
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None
    seconds: float | None  # from its start to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is kept of a value that a block returned; `path` is relative to the server's home, None within its database."""

    name: str
    kind: str
    codec: str
    path: str | None
    bytes: int
    rows: int | None = None
    schema: tuple[Mapping[str, Any], ...] | None = None
    profile: Mapping[str, Any] | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a block run."""

    uid: str
    number: int
    epoch: int
    status: BlockStatus
    reason: str
    started_at: datetime
    ended_at: datetime | None
    failure: Failure | None
    tests: tuple[TestResult, ...]
    outputs: tuple[Output, ...]
    seconds: float | None  # the block's function alone
    cpu_seconds: float | None
    peak_bytes: int | None
    rows_in: int | None
    rows_out: int | None
    log_lines: int
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRun:
    """One block within a run, with its attempts, first to last."""

    id: int
    uid: str
    block: str
    type: str | None  # None: the code of the run has no such block any more
    upstream_blocks: tuple[str, ...] = ()
    status: BlockStatus
    reason: str
    started_at: datetime | None
    ended_at: datetime | None
    retry_at: datetime | None
    reused_from_run: int | None  # the run whose outputs stand for this one's
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One move of a run, or of a `block` of it, and why."""

    id: int
    block: str | None
    attempt: int | None
    at: datetime
    kind: str
    status: str
    reason: str

    @property
    def ends_run(self) -> bool:
        """Whether it is the end of its run."""
        return self.kind == "run.end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Event):
    """An event of some run, and whose run it is."""

    run_id: int
    run_uid: str
    project: str
    pipeline: str
    trigger_id: int | None
    backfill_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun(Run):
    """A run with its block runs, attempts and events; paths are the server's."""

    owner: str | None
    epoch: int
    folder: str
    version: str
    snapshot: str
    code: str
    home: str  # where paths of outputs begin
    blocks: tuple[BlockRun, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a run, or one `block` of it, waits or has ended as it has."""

    kind: str
    says: str
    block: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a log."""

    block: str
    attempt: int
    at: datetime
    level: str
    stream: str
    message: str
    logger: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a run goes on: which blocks run `again`, those `added` to it among them, which are reused, and which are gone."""

    again: tuple[str, ...]
    added: tuple[str, ...]
    reused: tuple[str, ...]
    gone: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """How the latest run of a trigger stands."""

    id: int
    status: RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Fire times that got no run."""

    id: int
    first: datetime
    last: datetime
    count: int
    reason: str
    noticed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger: its definition and where it stands. `next` is when it fires next, or its next times where one was asked for."""

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
    variables: Mapping[str, Any]
    sla: int | None
    settings: TriggerSettings
    rules: tuple[Rule, ...]
    tags: tuple[str, ...]
    active: bool
    fault: str | None
    in_code: bool
    last_enabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_run: LastRun | None
    next: tuple[datetime, ...] | datetime | None = None
    gaps: tuple[Gap, ...] = ()
    folder: str = ""  # of its project, where it was asked for alone


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A date that a backfill makes no run for."""

    date: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A date of a backfill without a completed run; the status of its latest, None where there is none yet."""

    date: datetime
    status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a backfill would make; `plan` is the name of just that."""

    plan: str | None
    runs: int
    dates: tuple[datetime, ...]
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Plan):
    """A backfill that was written down, and what it would make."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A backfill; `runs` says how many of its runs have each status, `dates` how many it is to make."""

    id: int
    uid: str
    project: str
    pipeline: str
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
    dates: int | None
    made: int
    runs: Mapping[str, int]
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    missing: tuple[Missing, ...] = ()
    folder: str = ""  # of its project, where it was asked for alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pipeline in a list; what is not known of one that cannot be read is None."""

    name: str
    title: str | None
    type: str | None
    description: str | None
    tags: tuple[str, ...] | None
    blocks: int | None
    warnings: tuple[str, ...]
    error: str | None
    cannot_run: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a pipeline for its definition: it was `created`, `changed` or left `unchanged`, or would be."""

    pipeline: str
    title: str
    uid: str | None
    deed: str
    changes: tuple[str, ...]  # in words, what of it is another than before
    version: str | None  # the hash of the version that it has; None where nothing was to be done


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that the server knows, where it lies there, and why it cannot be read, if it cannot."""

    id: int
    uid: str
    name: str
    path: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first rows of an output, for people; each has as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is in an output: rows of a frame or array from the `offset` on, of `total`; or a plain value."""

    name: str
    kind: str
    columns: tuple[str, ...] | None = None
    rows: tuple[tuple[Any, ...], ...] | None = None
    offset: int | None = None
    total: int | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine, whether it lives as far as the server can tell, and how many open runs it has."""

    name: str
    machine: str
    pid: int
    own: bool  # it moves only what was made for it
    started_at: datetime
    lease_until: datetime | None
    drain_requested_at: datetime | None  # since when it begins nothing more
    lives: bool
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What may be known of a secret; one without a project is there for all of them."""

    id: int
    name: str
    project: str | None
    created_at: datetime
    updated_at: datetime
    key: str
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(dataset.Dataset):
    """A dataset with its newest version; None where it was never written."""

    newest: dataset.Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of a version, from the number `offset` on, of `total`; each has as many cells as there are columns."""

    dataset: str
    version: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    offset: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What has become old of a pipeline: so many rows of that kind, or bytes of files; both are None for what is of none."""

    project: str | None
    pipeline: str | None
    kind: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What has gone, or would go where it was a `dry_run`; `faults` say what could not be cleaned, and why."""

    dry_run: bool
    cleaned: tuple[Share, ...]
    faults: tuple[str, ...]
