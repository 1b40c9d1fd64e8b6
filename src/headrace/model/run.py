"""Run, BlockRun and Attempt: what is kept of one execution of a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from headrace.model.output import Output
from headrace.model.slot import Slot


class RunStatus(StrEnum):
    INITIAL = "initial"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BlockStatus(StrEnum):
    INITIAL = "initial"
    QUEUED = "queued"
    RUNNING = "running"
    COMMITTING = "committing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UPSTREAM_FAILED = "upstream_failed"
    CONDITION_FAILED = "condition_failed"


FINAL_RUN = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
FINAL_BLOCK = frozenset(BlockStatus) - {
    BlockStatus.INITIAL,
    BlockStatus.QUEUED,
    BlockStatus.RUNNING,
    BlockStatus.COMMITTING,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. `file`, `line` and `code` are where the user's own code raised it, where that is known."""

    type: str
    message: str
    traceback: str = ""
    file: str | None = None
    line: int | None = None
    function: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class TestResult:
    """What one `@test` function said of a block's outputs; `message` says why it did not pass."""

    name: str
    passed: bool
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What holds for one run, as whoever started it said."""

    timeout: float | None = None  # seconds from the run's start; past it the run ends with `timeout_status`
    timeout_status: str = "failed"  # or "cancelled"
    retry_config: Mapping[str, Any] = field(
        default_factory=dict[str, Any]
    )  # below the blocks' own, above the pipeline's
    allow_blocks_to_fail: bool = False  # what does not need a failed block goes on


@dataclass(frozen=True, slots=True)
class Occasion:
    """What began a run: its trigger, as that was at the moment."""

    trigger: str | None = None  # its name; None: a hand
    interval: str | None = None  # of a time trigger
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])  # the trigger's own
    slot: Slot | None = None  # what it speaks for


@dataclass(frozen=True, slots=True)
class Reopening:
    """How a final run is to go on: which blocks run again, and with which code.

    `added` are blocks of that code which the run has no block run of yet.
    """

    blocks: tuple[str, ...]
    added: tuple[str, ...]
    version_id: int
    snapshot_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a pipeline, pinned to a version of it and a snapshot of its project."""

    id: int
    uid: str
    pipeline_id: int
    version_id: int
    snapshot_id: int
    status: RunStatus
    reason: str
    variables: Mapping[str, Any]
    execution_date: datetime
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    owner: str | None = None  # the engine that moves it, or last moved it
    epoch: int = 0  # how often it was claimed; every write of a result names it
    selection: Mapping[str, Any] = field(default_factory=dict[str, Any])  # what was asked: {"from": …} or {"only": […]}
    trigger_id: int | None = None  # what started it; None: a hand
    fire_time: datetime | None = None  # the moment its trigger was due, for those that time fires
    settings: RunSettings = field(default_factory=RunSettings)
    admitted_at: datetime | None = None  # since when it counts for the limits that it comes under
    backfill_id: int | None = None
    occasion: Occasion = field(default_factory=Occasion)
    event_variables: Mapping[str, Any] | None = None  # what came with the call or event that began it
    held: bool = False  # its trigger was paused before it began
    sla_at: datetime | None = None  # when it is to have ended
    passed_sla: bool = False


@dataclass(frozen=True, slots=True)
class BlockRun:
    """One block within a run; `attempt` is the number of its latest attempt, 0 before the first."""

    id: int
    uid: str
    run_id: int
    block: str
    status: BlockStatus
    reason: str
    attempt: int = 0
    failures: int = 0  # failed attempts since it was last opened; attempts lost with their engine do not count
    retry_at: datetime | None = None  # when a queued block may be tried again
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reused_from: int | None = None  # the block run whose outputs stand for this one's


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a block run."""

    id: int
    uid: str
    block_run_id: int
    number: int
    epoch: int
    status: BlockStatus
    reason: str
    started_at: datetime
    ended_at: datetime | None = None
    failure: Failure | None = None
    tests: tuple[TestResult, ...] = ()
    outputs: tuple[Output, ...] = ()
    single: bool = True  # the block returned one value, not several
    seconds: float | None = None  # the user's function alone, tests apart
    cpu_seconds: float | None = None
    peak_bytes: int | None = None  # of memory, the worker's largest resident set
    rows_in: int | None = None
    log_lines: int = 0
    waiting: bool = False  # for other runs that it has started; it counts for no limit meanwhile


@dataclass(frozen=True, slots=True)
class Event:
    """One move, and why; appended in the transaction that made it. `block` is None for a move of the run."""

    id: int
    run_id: int
    block: str | None
    attempt: int | None
    at: datetime
    kind: str
    status: str
    reason: str
