"""What one turn of the loop decides: changes to write, work to submit, attempts to stop. Nothing here is done yet.

A turn works on copies of the runs it touches, so that a turn that cannot be written leaves no trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from headrace.engine.active import ActiveRun
from headrace.model import progress, transitions
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, Attempt, BlockStatus, RunStatus
from headrace.store.changes import AttemptEnded, Change, Profiled
from headrace.worker import wire


@dataclass(slots=True)
class Turn:
    at: datetime
    runs: dict[int, ActiveRun] = field(default_factory=dict[int, ActiveRun])
    changes: dict[int, list[Change]] = field(default_factory=dict[int, list[Change]])
    profiled: list[Profiled] = field(default_factory=list[Profiled])
    owed: list[str] = field(default_factory=list[str])  # attempts of which a `Profiled` will come
    submits: list[wire.Task] = field(default_factory=list[wire.Task])
    stops: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # attempt, reason

    def on(self, active: ActiveRun) -> ActiveRun:
        """The turn's own copy of that run."""
        if active.run.id not in self.runs:
            self.runs[active.run.id] = active.copy()
        return self.runs[active.run.id]

    def note(self, active: ActiveRun, *changes: Change) -> None:
        self.changes.setdefault(active.run.id, []).extend(changes)


def take(turn: Turn, active: ActiveRun) -> None:
    """A run comes in: what an earlier engine left under way is lost, what is to run again is opened."""
    for block, row in list(active.rows.items()):
        if row.status is BlockStatus.RUNNING or block in active.begun:
            _lose(turn, active, block)
    if active.run.status in FINAL_RUN:
        turn.note(active, active.move_run(transitions.reopen_run(turn.at, reason="resumed")))
    for block in active.plan.upstream:
        if block in active.job.reopen:
            move = transitions.reopen_block(turn.at, attempt=active.rows[block].attempt, reason="resumed")
            turn.note(active, active.move_block(block, move))


def report(turn: Turn, active: ActiveRun, block: str, finished: wire.Finished) -> None:
    """An attempt is over. One that failed is followed by another where the policy has one and the run goes on."""
    stopping = block in active.stopping or bool(active.run.cancel_requested_at)
    if active.begun[block].status is BlockStatus.QUEUED and finished.status != BlockStatus.CANCELLED:
        _start(turn, active, block)
    row, attempt = active.rows[block], _end(turn, active, block, finished)
    match attempt.status:
        case BlockStatus.COMPLETED:
            move = transitions.complete_block(turn.at, attempt=row.attempt)
        case BlockStatus.CANCELLED:
            move = transitions.cancel_block(turn.at, attempt=row.attempt, reason=attempt.reason)
        case _ if stopping:
            move = transitions.fail_block(turn.at, attempt=row.attempt, reason=attempt.reason)
        case _:
            policy = active.job.pipeline.retry_policy(block)
            move = progress.after_failure(row, policy, turn.at, reason=attempt.reason)
    turn.note(active, active.move_block(block, move))


def advance(turn: Turn, active: ActiveRun) -> None:
    """Makes every move that the statuses call for, and asks for the stops."""
    found = progress.next_moves(active.plan, active.run, active.rows, turn.at, handed=active.begun)
    if found.start:
        turn.note(active, active.move_run(found.start))
    for block, move in found.blocks.items():
        turn.note(active, active.move_block(block, move))
    for block, reason in found.stops.items():
        if block not in active.stopping:
            active.stopping.add(block)
            turn.stops.append((active.begun[block].uid, reason))
    if found.end:
        turn.note(active, active.move_run(found.end))


def admit(turn: Turn, runs: Mapping[int, ActiveRun], slots: int, ahead: int) -> None:
    """Fills the executor: its places with what waits there, then with queued blocks, and `ahead` more are handed over.

    What waits with the executor begins without a word from here, so that no place is idle while a turn is written. It
    is first come, first served there as here, so which of them runs is known.
    """
    held = {**runs, **turn.runs}
    free = slots - sum(active.running() for active in held.values())
    waiting = sorted((uid, run_id, block) for run_id, active in held.items() for uid, block in active.waiting())
    for _, run_id, block in waiting[: max(free, 0)]:
        _start(turn, turn.on(held[run_id]), block)
    free -= len(waiting)
    for active in held.values():
        for block in islice(active.queued(turn.at), max(free + ahead, 0)):
            _hand(turn, turn.on(active), block, starts=free > 0)
            free -= 1


def give_up(turn: Turn, active: ActiveRun, error: Exception) -> None:
    """Ends a run that cannot be moved any further: it failed for that error, and nothing of it goes on.

    Its attempts are recorded as cancelled before they are stopped: there is no later turn that could do so.
    """
    for block, row in list(active.rows.items()):
        if block in active.begun:
            _end(turn, active, block, wire.Finished(attempt="", epoch=0, status="cancelled", reason="let_go"))
        if row.status not in FINAL_BLOCK:
            move = transitions.cancel_block(turn.at, attempt=row.attempt, reason="let_go")
            turn.note(active, active.move_block(block, move))
    if active.run.status not in FINAL_RUN:
        why = f"let go: {type(error).__name__}: {error}"
        turn.note(active, active.move_run(transitions.end_run(RunStatus.FAILED, turn.at, reason=why)))


def _end(turn: Turn, active: ActiveRun, block: str, finished: wire.Finished) -> Attempt:
    """The attempt of that block is over, whether it ran or still waited with the executor."""
    was = active.begun[block].status
    attempt = active.finish(block, finished, turn.at)
    turn.note(active, AttemptEnded(attempt, was))
    return attempt


def _hand(turn: Turn, active: ActiveRun, block: str, *, starts: bool) -> None:
    move = transitions.start_block if starts else transitions.hand_block
    moved = active.move_block(block, move(turn.at, attempt=active.rows[block].attempt))
    turn.note(active, moved, active.begin(block, turn.at))
    turn.submits.append(active.task(block))


def _start(turn: Turn, active: ActiveRun, block: str) -> None:
    move = transitions.start_block(turn.at, attempt=active.rows[block].attempt, handed=True)
    turn.note(active, active.move_block(block, move), active.start(block, turn.at))


def _lose(turn: Turn, active: ActiveRun, block: str) -> None:
    """The attempt went with the engine that had begun it; another follows at once, and it counts as no failure."""
    row, attempt = active.rows[block], active.begun[block]
    lost = wire.Finished(attempt=attempt.uid, epoch=attempt.epoch, status="failed", reason="engine_died")
    _end(turn, active, block, lost)
    if row.status is BlockStatus.RUNNING:
        move = transitions.retry_block(
            turn.at, attempt=row.attempt, reason="engine_died", retry_at=turn.at, failures=row.failures
        )
        turn.note(active, active.move_block(block, move))
