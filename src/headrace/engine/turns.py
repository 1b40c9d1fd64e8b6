"""What one turn of the loop decides: changes to write, work to submit, attempts to stop. Nothing here is done yet.

A turn works on copies of the runs it touches, so that a turn that cannot be written leaves no trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.engine.active import ActiveRun, versions
from headrace.engine.answers import Question
from headrace.engine.commits import Commit, Committed, NotCommitted, Undecided
from headrace.model import progress, transitions
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, Attempt, BlockStatus, Run, RunStatus
from headrace.store.bookmarks import Bookmark
from headrace.store.changes import AttemptCommits, AttemptEnded, AttemptWaits, Change, Profiled
from headrace.store.endings import Fenced
from headrace.worker import wire

# Before another attempt of what the lease has ended: until the heart has beaten, it would be refused like this one.
AFTER_LAPSE = timedelta(seconds=1)


@dataclass(slots=True)
class Turn:
    at: datetime
    runs: dict[int, ActiveRun] = field(default_factory=dict[int, ActiveRun])
    changes: dict[int, list[Change]] = field(default_factory=dict[int, list[Change]])
    profiled: list[Profiled] = field(default_factory=list[Profiled])
    owed: list[str] = field(default_factory=list[str])  # attempts of which a `Profiled` will come
    submits: list[wire.Task] = field(default_factory=list[wire.Task])
    commits: list[Commit] = field(default_factory=list[Commit])
    stops: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # attempt, reason
    questions: list[Question] = field(default_factory=list[Question])
    answers: list[wire.Answered] = field(default_factory=list[wire.Answered])
    doubtful: list[int] = field(default_factory=list[int])  # runs whose rows are not as they are remembered
    late: list[Fenced] = field(default_factory=list[Fenced])  # reports of attempts of runs that are others' now
    settled: list[tuple[Future[Run], Run]] = field(default_factory=list[tuple[Future[Run], Run]])  # final when taken
    joined: list[tuple[int, Future[Run]]] = field(default_factory=list[tuple[int, Future[Run]]])  # in hand when taken
    lost: list[tuple[int, Future[Run]]] = field(default_factory=list[tuple[int, Future[Run]]])  # others' when taken

    def on(self, active: ActiveRun) -> ActiveRun:
        """The turn's own copy of that run."""
        if active.run.id not in self.runs:
            self.runs[active.run.id] = active.copy()
        return self.runs[active.run.id]

    def drop(self, run_id: int) -> None:
        """Nothing of that run is in this turn any more."""
        self.runs.pop(run_id, None)
        self.changes.pop(run_id, None)

    def note(self, active: ActiveRun, *changes: Change) -> None:
        self.changes.setdefault(active.run.id, []).extend(changes)


def take(turn: Turn, active: ActiveRun) -> None:
    """A run comes in: what an earlier engine left under way is lost, and what it left to be committed is committed here.

    KeyError for a running block of which there is no attempt: nobody will ever report it. MoveRefused for attempts of
    this engine's own epoch: the run has been in hand here since it was read.
    """
    for block, row in list(active.rows.items()):
        if row.status is BlockStatus.RUNNING or block in active.begun:
            _refuse_own(active, active.begun[block])
            _lose(turn, active, block, "engine_died", turn.at)
    for block, attempt in active.committing.items():
        _refuse_own(active, attempt)
        turn.commits.append(active.commit_of(block))


def _refuse_own(active: ActiveRun, attempt: Attempt) -> None:
    if attempt.epoch == active.run.epoch:
        raise errors.MoveRefused(move="take", subject=f"run {active.run.id}")


def report(turn: Turn, active: ActiveRun, block: str, finished: wire.Finished) -> None:
    """An attempt is over. One that failed is followed by another where the policy has one and the run goes on; of one
    that has written rows of a dataset these are committed first."""
    finished = active.checked(block, finished)
    stopping = block in active.stopping or bool(active.run.cancel_requested_at)
    if active.begun[block].status is BlockStatus.QUEUED and finished.status != BlockStatus.CANCELLED:
        _start(turn, active, block)
    if finished.reason == "lease_lapsed":
        _lose(turn, active, block, finished.reason, turn.at + AFTER_LAPSE)
    elif active.writes_dataset(finished):
        _commit(turn, active, block, finished)
    else:
        _follow(turn, active, _end(turn, active, block, finished), block, stopping=stopping)


def _follow(turn: Turn, active: ActiveRun, attempt: Attempt, block: str, *, stopping: bool) -> None:
    """The move of the block run whose attempt has ended so."""
    row = active.rows[block]
    match attempt.status:
        case BlockStatus.COMPLETED:
            move = transitions.complete_block(turn.at, attempt=row.attempt)
        case BlockStatus.CANCELLED:
            move = transitions.cancel_block(turn.at, attempt=row.attempt, reason=attempt.reason)
        case _ if stopping:
            move = transitions.fail_block(turn.at, attempt=row.attempt, reason=attempt.reason)
        case _:
            move = progress.after_failure(row, active.policy(block), turn.at, reason=attempt.reason)
    turn.note(active, active.move_block(block, move))


def _commit(turn: Turn, active: ActiveRun, block: str, finished: wire.Finished) -> None:
    commits = active.commit(block, finished, turn.at)
    move = transitions.commit_block(turn.at, attempt=active.rows[block].attempt)
    turn.note(active, active.move_block(block, move), commits)
    turn.commits.append(active.commit_of(block))


def committed(turn: Turn, active: ActiveRun, block: str, done: Committed) -> None:
    """What an attempt has written is a version of its dataset: the block completed."""
    attempt = active.committing[block]
    outputs = tuple(map(done.told, attempt.outputs))
    ended = _settle(turn, active, block, BlockStatus.COMPLETED, attempt.reason, outputs=outputs)
    turn.note(active, done.written(turn.at))
    _follow(turn, active, ended, block, stopping=False)


def not_committed(turn: Turn, active: ActiveRun, block: str, told: NotCommitted) -> None:
    """What an attempt has written became no version: it failed. Another follows as after any failure."""
    stopping = bool(active.run.cancel_requested_at)
    ended = _settle(turn, active, block, BlockStatus.FAILED, "not_committed", failure=told.failure)
    _follow(turn, active, ended, block, stopping=stopping)


def undecided(turn: Turn, active: ActiveRun, block: str, told: Undecided) -> None:
    """Nobody knows yet what became of the commit: whoever asks is told why."""
    for change in active.delay(block, told.failure):
        turn.note(active, change)


def _settle(turn: Turn, active: ActiveRun, block: str, status: BlockStatus, reason: str, **found: Any) -> Attempt:
    """The attempt of that block commits no longer."""
    attempt = active.settle(block, status, reason, turn.at, **found)
    _note_ended(turn, active, block, AttemptEnded(attempt, BlockStatus.COMMITTING))
    return attempt


def ask(turn: Turn, active: ActiveRun, block: str, asked: wire.Asked) -> None:
    """A block asks, and so it runs; while it waits for another run it has no place."""
    if active.begun[block].status is BlockStatus.QUEUED:
        _start(turn, active, block)
    if asked.request.waits:
        _wait(turn, active, block, active.awaited.get(block, frozenset()) | {asked.number})
    folder, pipeline_id = Path(active.job.workplace.live), active.run.pipeline_id
    turn.questions.append(Question(asked, folder, active.job.project, pipeline_id, block))


def answer(turn: Turn, active: ActiveRun, block: str, answered: wire.Answered) -> None:
    """A block is answered. One that waits for nothing more goes on, whether there is a place for it or not."""
    _wait(turn, active, block, active.awaited.get(block, frozenset()) - {answered.number})
    turn.answers.append(answered)


def advance(turn: Turn, active: ActiveRun) -> None:
    """Makes every move that the statuses call for, and asks for the stops."""
    found = progress.next_moves(
        active.plan, active.run, active.rows, turn.at, handed=active.begun, refused=active.refused
    )
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


def admit(
    turn: Turn, runs: Mapping[int, ActiveRun], slots: int, ahead: int, rooms: Mapping[int, int] | None = None
) -> None:
    """Fills the executor: its places with what waits there, then with queued blocks, and `ahead` more are handed over.

    What waits with the executor begins without a word from here, so that no place is idle while a turn is written. It
    is first come, first served there as here, so which of them runs is known. `rooms` says how many more attempts each
    limit admits; one that is not there is a limit no more.
    """
    held = {**runs, **turn.runs}
    free = slots - sum(active.running() for active in held.values())
    line = sorted((uid, run_id, block) for run_id, active in held.items() for uid, block in active.in_line())
    for _, run_id, block in line[: max(free, 0)]:
        _start(turn, turn.on(held[run_id]), block)
    free -= len(line)
    left = dict(rooms or {})
    for active in held.values():
        for block in active.queued(turn.at):
            if free + ahead <= 0:
                return
            has_place = turn.runs.get(active.run.id, active).has_place()
            if has_place and _is_admitted(left, active.job.limits.get(block, ())):
                _hand(turn, turn.on(active), block, starts=free > 0)
                free -= 1


def wanted_limits(turn: Turn, runs: Mapping[int, ActiveRun]) -> set[int]:
    """The limits that blocks which could be handed over now come under."""
    limited = [active for active in {**runs, **turn.runs}.values() if active.job.limits]
    return {
        limit for active in limited for block in active.queued(turn.at) for limit in active.job.limits.get(block, ())
    }


def rooms(turn: Turn, free: Mapping[int, int]) -> dict[int, int]:
    """How many more attempts each limit admits: the free places by the rows, and those that this turn frees or takes."""
    left = dict(free)
    for limit, places in _freed(turn):
        if limit in left:
            left[limit] += places
    return left


def makes_room(turn: Turn) -> bool:
    """Whether others may go on for what ends in this turn."""
    ended = any(active.job.limited and active.run.status in FINAL_RUN for active in turn.runs.values())
    return ended or any(places > 0 for _, places in _freed(turn))


def ends_runs(turn: Turn) -> bool:
    """Whether somebody may wait for what ends in this turn."""
    return any(active.run.status in FINAL_RUN for active in turn.runs.values())


def _freed(turn: Turn) -> Iterator[tuple[int, int]]:
    """How many places attempts free in this turn, and under which limits; less than none where one goes on after it
    has waited for other runs. The rows do not know it until the turn is written."""
    for run_id, changes in turn.changes.items():
        if limits := turn.runs[run_id].job.limits:
            blocks = {row.id: row.block for row in turn.runs[run_id].rows.values()}
            for change in changes:
                if isinstance(change, AttemptEnded | AttemptWaits | AttemptCommits) and (places := _places(change)):
                    yield from ((limit, places) for limit in limits.get(blocks[change.attempt.block_run_id], ()))


def _places(change: AttemptEnded | AttemptWaits | AttemptCommits) -> int:
    """How many places of its limits the attempt frees: one that waits has none, until it goes on; nor one that commits."""
    if isinstance(change, AttemptCommits):
        return 1
    if isinstance(change, AttemptEnded):
        return 0 if change.waited or change.was is BlockStatus.COMMITTING else 1
    return 1 if change.attempt.waiting else -1


def _is_admitted(left: dict[int, int], limits: Sequence[int]) -> bool:
    """Whether every limit has room; it is then taken."""
    bounding = [limit for limit in limits if limit in left]
    if any(left[limit] < 1 for limit in bounding):
        return False
    for limit in bounding:
        left[limit] -= 1
    return True


def give_up(turn: Turn, active: ActiveRun, error: Exception) -> None:
    """Ends a run that cannot be moved any further: it failed for that error, and nothing of it goes on.

    Its attempts are recorded as cancelled before they are stopped: there is no later turn that could do so. What commits
    is made void afterwards. A commit that is under way at that very moment may still land in the table; no row will
    name it, and the log says so.
    """
    for block, row in list(active.rows.items()):
        if block in active.committing:
            _settle(turn, active, block, BlockStatus.CANCELLED, "let_go")
        if block in active.begun:
            _end(turn, active, block, wire.Finished(attempt="", epoch=0, status="cancelled", reason="let_go"))
        if row.status not in FINAL_BLOCK:
            move = transitions.cancel_block(turn.at, attempt=row.attempt, reason="let_go")
            turn.note(active, active.move_block(block, move))
    if active.run.status not in FINAL_RUN:
        turn.note(active, active.move_run(transitions.end_run(RunStatus.FAILED, turn.at, reason=let_go(error))))


def let_go(error: Exception) -> str:
    """The reason of a run that ends because the engine could not go on with it."""
    return f"let go: {type(error).__name__}: {error}"


def _end(turn: Turn, active: ActiveRun, block: str, finished: wire.Finished) -> Attempt:
    """The attempt of that block is over, whether it ran or still waited with the executor."""
    was = active.begun[block]
    attempt = active.finish(block, finished, turn.at)
    _note_ended(turn, active, block, AttemptEnded(attempt, was.status, waited=was.waiting))
    return attempt


def _note_ended(turn: Turn, active: ActiveRun, block: str, ended: AttemptEnded) -> None:
    """With a version that is made of what it has loaded the block's bookmark moves."""
    turn.note(active, ended)
    for each in versions(ended.attempt):
        if each.extra.get("bookmark") is not None:
            turn.note(active, _bookmark(active, block, ended.attempt.uid, each.extra["bookmark"], turn.at))


def _bookmark(active: ActiveRun, block: str, attempt: str, value: Mapping[str, Any], at: datetime) -> Bookmark:
    return Bookmark(pipeline_id=active.run.pipeline_id, block=block, value=value, attempt=attempt, updated_at=at)


def _hand(turn: Turn, active: ActiveRun, block: str, *, starts: bool) -> None:
    move = transitions.start_block if starts else transitions.hand_block
    moved = active.move_block(block, move(turn.at, attempt=active.rows[block].attempt))
    turn.note(active, moved, active.begin(block, turn.at))
    turn.submits.append(active.task(block))


def _start(turn: Turn, active: ActiveRun, block: str) -> None:
    move = transitions.start_block(turn.at, attempt=active.rows[block].attempt, handed=True)
    turn.note(active, active.move_block(block, move), active.start(block, turn.at))


def _wait(turn: Turn, active: ActiveRun, block: str, questions: frozenset[int]) -> None:
    for change in active.wait(block, questions):
        turn.note(active, change)


def _lose(turn: Turn, active: ActiveRun, block: str, reason: str, retry_at: datetime) -> None:
    """The attempt went with the engine or the lease that had begun it; another follows, and it counts as no failure."""
    row, attempt = active.rows[block], active.begun[block]
    lost = wire.Finished(attempt=attempt.uid, epoch=attempt.epoch, status="failed", reason=reason)
    _end(turn, active, block, lost)
    if row.status is BlockStatus.RUNNING:
        move = transitions.retry_block(
            turn.at, attempt=row.attempt, reason=reason, retry_at=retry_at, failures=row.failures
        )
        turn.note(active, active.move_block(block, move))
