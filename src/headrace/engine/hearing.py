"""Hearing: what has happened, put into the turn that hears it; and of which run it is."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from headrace.engine import turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.commits import Commit, Committed, NotCommitted, Outdated, Undecided
from headrace.engine.held import Held
from headrace.engine.turns import Turn
from headrace.engine.wakes import Admitted, CancelAsked, CommitTold, Refused, Taken, Wake
from headrace.model.run import FINAL_RUN, Run
from headrace.store.changes import Profiled
from headrace.store.endings import Fenced
from headrace.worker import wire

Said = TypeVar("Said", wire.Asked, wire.Answered)


class Hearing:
    """Of the runs that are `held`. `former` are names under which this engine was taken for dead; `lose` is called with
    a run that is another's."""

    def __init__(self, held: Held, former: set[str], lose: Callable[[int, Turn], None]) -> None:
        self._held = held
        self._former = former
        self._lose = lose

    def hear(self, turn: Turn, event: Wake) -> None:
        match event:
            case Taken(job, done):
                self._hear_taken(turn, job, done)
            case wire.Finished():
                self._hear_finished(turn, event)
            case wire.Asked():
                self._hear_talk(turn, event, turns.ask)
            case wire.Answered():
                self._hear_talk(turn, event, turns.answer)
            case wire.Profiled(attempt=attempt, outputs=outputs):
                turn.profiled.append(Profiled(attempt, outputs))
            case Committed() | NotCommitted() | Undecided() | Outdated():
                self._hear_commit(turn, event)
            case CancelAsked(run_id, at) if held := self._find(turn, run_id):
                turn.on(held).ask_cancel(at)
            case Admitted(run_id, at) if (held := self._find(turn, run_id)) and not held.run.admitted_at:
                turn.on(held).admit(at)
            case Refused(run_id) if held := self._find(turn, run_id):
                turn.on(held).refused = True
            case _:
                pass

    def run_of(self, event: Wake) -> int:
        """The run that it is about; 0 when it is about none that is held."""
        match event:
            case Taken(job, _):
                return job.run.id
            case CancelAsked(run_id=run_id) | Admitted(run_id=run_id) | Refused(run_id=run_id):
                return run_id
            case Committed() | NotCommitted() | Undecided() | Outdated():
                return event.commit.run_id
            case (
                wire.Finished(attempt=attempt)
                | wire.Profiled(attempt=attempt)
                | wire.Asked(attempt=attempt)
                | wire.Answered(attempt=attempt)
            ):
                return self._held.of_attempt(attempt)[0]
            case _:
                return 0

    def _hear_taken(self, turn: Turn, job: Job, done: "Future[Run]") -> None:
        held = self._find(turn, job.run.id)
        if job.run.owner in self._former:
            turn.lost.append((job.run.id, done))
            return
        if held and held.run.epoch >= job.run.epoch:
            turn.joined.append((job.run.id, done))  # handed over twice, for somebody was not sure
            return
        if job.run.status in FINAL_RUN:
            turn.settled.append((done, job.run))
            return
        if job.run.id in self._held.runs:
            self._lose(job.run.id, turn)
        elif held:
            turn.lost.append((job.run.id, held.done))
        turn.drop(job.run.id)
        turns.take(turn, turn.on(ActiveRun.of(job, done)))

    def _find(self, turn: Turn, run_id: int) -> ActiveRun | None:
        return turn.runs.get(run_id) or self._held.runs.get(run_id)

    def _hear_finished(self, turn: Turn, event: wire.Finished) -> None:
        """A report of an attempt that is not under way here (it was recorded before, or sent twice) says nothing."""
        if stray := self._held.strays.get(event.attempt):
            turn.late.append(replace(stray, at=turn.at, reason=f"{event.status}: {event.reason}"))
            return
        if found := self._of_attempt(turn, event.attempt):
            turns.report(turn, *found, event)
            if event.profiles_follow:
                turn.owed.append(event.attempt)

    def _hear_talk(self, turn: Turn, said: Said, hear: Callable[[Turn, ActiveRun, str, Said], None]) -> None:
        """A question, or the answer to one; of an attempt that is over neither says anything."""
        if found := self._of_attempt(turn, said.attempt):
            hear(turn, *found, said)

    def _of_attempt(self, turn: Turn, attempt: str) -> tuple[ActiveRun, str] | None:
        """The run and block of an attempt that is under way here."""
        run_id, block = self._held.of_attempt(attempt)
        if run_id not in self._held.runs:
            return None
        active = turn.on(self._held.runs[run_id])
        return (active, block) if block in active.begun and active.begun[block].uid == attempt else None

    def _hear_commit(self, turn: Turn, told: CommitTold) -> None:
        """What was handed over under an earlier epoch says nothing: it was handed over again since."""
        commit = told.commit
        active, stray = self._find(turn, commit.run_id), self._held.strays.get(commit.attempt)
        match told:
            case Committed() if active and _awaits(active, commit):
                turns.committed(turn, turn.on(active), commit.block, told)
            case NotCommitted() if active and _awaits(active, commit):
                turns.not_committed(turn, turn.on(active), commit.block, told)
            case Undecided() if active and _awaits(active, commit):
                turns.undecided(turn, turn.on(active), commit.block, told)
            case Undecided():
                pass
            case Outdated() if active and _awaits(active, commit):
                turn.doubtful.append(commit.run_id)
            case _ if stray:
                turn.late.append(_late(stray, turn, told))
            case _:
                pass


def _awaits(active: ActiveRun, commit: Commit) -> bool:
    """Whether the run waits for what becomes of that commit."""
    attempt = active.committing.get(commit.block)
    return attempt is not None and attempt.uid == commit.attempt and active.run.epoch == commit.epoch


def _late(stray: Fenced, turn: Turn, told: CommitTold) -> Fenced:
    return replace(stray, at=turn.at, reason="committed" if isinstance(told, Committed) else "not committed")
