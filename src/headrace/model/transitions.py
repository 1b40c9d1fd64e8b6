"""Every move that a run or a block run can make, by name. `docs/states.md` draws them with the same letters.

A move says where it may start, where it leads, why, and which columns it sets. The store applies it in one guarded
statement; whether it landed is the store's answer. Nothing else writes a status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockStatus, RunStatus


@dataclass(frozen=True, slots=True)
class RunMove:
    """A move of a run. It lands only where the run has one of the statuses of `start`."""

    name: str
    start: frozenset[RunStatus]
    to: RunStatus
    reason: str
    at: datetime
    sets: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class BlockMove:
    """A move of a block run. It lands only where the block run has a status of `start` and that attempt number."""

    name: str
    start: frozenset[BlockStatus]
    to: BlockStatus
    reason: str
    at: datetime
    attempt: int
    sets: Mapping[str, Any] = field(default_factory=dict[str, Any])


def start_run(at: datetime, *, reason: str = "claimed") -> RunMove:
    """A: the run was claimed by an engine and admitted by its limits; it begins."""
    return RunMove("start", frozenset({RunStatus.INITIAL}), RunStatus.RUNNING, reason, at, {"started_at": at})


def end_run(status: RunStatus, at: datetime, *, reason: str) -> RunMove:
    """B, C, D: every block is final, or none may go on; the run completed, failed or was cancelled."""
    return RunMove("end", frozenset({RunStatus.INITIAL, RunStatus.RUNNING}), status, reason, at, {"ended_at": at})


def cancel_run(at: datetime, *, asked: datetime) -> RunMove:
    """D: somebody asked for it, then; what could be stopped is stopped."""
    ended = end_run(RunStatus.CANCELLED, at, reason="cancel_requested")
    return replace(ended, sets={**ended.sets, "cancel_requested_at": asked})


def reopen_run(at: datetime, *, reason: str) -> RunMove:
    """E: somebody asked for a final run to go on."""
    cleared = {"ended_at": None, "cancel_requested_at": None, "admitted_at": None}
    return RunMove("reopen", FINAL_RUN, RunStatus.INITIAL, reason, at, cleared)


def queue_block(at: datetime, *, attempt: int, reason: str = "upstreams_completed") -> BlockMove:
    """a: all it needs is there; it waits for a place to run."""
    return BlockMove("queue", frozenset({BlockStatus.INITIAL}), BlockStatus.QUEUED, reason, at, attempt)


def hand_block(at: datetime, *, attempt: int, reason: str = "handed_over") -> BlockMove:
    """j: its next attempt has a number and waits with the executor. `attempt` is the number it had before."""
    sets = {"attempt": attempt + 1, "retry_at": None}
    return BlockMove("hand", frozenset({BlockStatus.QUEUED}), BlockStatus.QUEUED, reason, at, attempt, sets)


def start_block(at: datetime, *, attempt: int, handed: bool = False, reason: str = "submitted") -> BlockMove:
    """b: its attempt has a place to run. Unless it was `handed` over before, the attempt gets its number now."""
    sets = {"attempt": attempt if handed else attempt + 1, "started_at": at, "retry_at": None}
    return BlockMove("start", frozenset({BlockStatus.QUEUED}), BlockStatus.RUNNING, reason, at, attempt, sets)


def commit_block(at: datetime, *, attempt: int, reason: str = "returned") -> BlockMove:
    """k: it returned; what it has written is to become a version of a dataset."""
    return BlockMove("commit", frozenset({BlockStatus.RUNNING}), BlockStatus.COMMITTING, reason, at, attempt)


def complete_block(at: datetime, *, attempt: int, reason: str = "returned") -> BlockMove:
    """c: it returned, its tests passed, its outputs can be read; what it has written is a version of a dataset."""
    return _leave_going("complete", BlockStatus.COMPLETED, at, attempt, reason)


def fail_block(at: datetime, *, attempt: int, reason: str) -> BlockMove:
    """d: the attempt failed and no other follows."""
    return _leave_going("fail", BlockStatus.FAILED, at, attempt, reason)


def retry_block(at: datetime, *, attempt: int, reason: str, retry_at: datetime, failures: int) -> BlockMove:
    """e: the attempt failed or was lost, and another follows at `retry_at`; `failures` is the count with this one."""
    sets = {"retry_at": retry_at, "failures": failures}
    return BlockMove("retry", _GOING, BlockStatus.QUEUED, reason, at, attempt, sets)


def cancel_block(at: datetime, *, attempt: int, reason: str) -> BlockMove:
    """f: it was stopped, or will not be started any more; one that is committing only where its run is let go."""
    start = _GOING | {BlockStatus.INITIAL, BlockStatus.QUEUED}
    sets = {"ended_at": at, "retry_at": None}
    return BlockMove("cancel", start, BlockStatus.CANCELLED, reason, at, attempt, sets)


def fail_upstream(at: datetime, *, attempt: int, reason: str) -> BlockMove:
    """g: a block it needs has failed."""
    start = frozenset({BlockStatus.INITIAL})
    return BlockMove("fail_upstream", start, BlockStatus.UPSTREAM_FAILED, reason, at, attempt, {"ended_at": at})


def skip_block(at: datetime, *, attempt: int, reason: str) -> BlockMove:
    """h: its condition, or that of a block it needs, said no."""
    start = frozenset({BlockStatus.INITIAL})
    return BlockMove("skip", start, BlockStatus.CONDITION_FAILED, reason, at, attempt, {"ended_at": at})


def reopen_block(at: datetime, *, attempt: int, reason: str) -> BlockMove:
    """i: somebody asked for it to run again; its earlier attempts stay."""
    sets = {"ended_at": None, "started_at": None, "retry_at": None, "failures": 0, "reused_from": None}
    return BlockMove("reopen", FINAL_BLOCK, BlockStatus.INITIAL, reason, at, attempt, sets)


_GOING = frozenset({BlockStatus.RUNNING, BlockStatus.COMMITTING})


def _leave_going(name: str, to: BlockStatus, at: datetime, attempt: int, reason: str) -> BlockMove:
    return BlockMove(name, _GOING, to, reason, at, attempt, {"ended_at": at})
