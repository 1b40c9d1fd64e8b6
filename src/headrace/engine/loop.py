"""The one thread that moves states.

What happens (a run was handed over, an attempt was reported, a cancel was asked, a retry is due) comes as events on
one queue. Each turn drains the queue, decides in memory, writes all moves in one transaction, and only then submits
work. A turn that fails is taken again run by run; a run that fails alone is let go, and the others go on.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime

from headrace import clock, errors
from headrace.engine import turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.executor import Executor
from headrace.engine.observers import Observer
from headrace.engine.owed import Owed
from headrace.engine.turns import Turn
from headrace.engine.wakes import CancelAsked, Closing, Taken, Wake
from headrace.model.run import FINAL_RUN, Run
from headrace.store import Store
from headrace.store.changes import Change, Profiled
from headrace.worker import wire

AHEAD = 4  # tasks for each place of the executor that wait there, so that the place is never idle during a turn


class Loop:
    def __init__(self, store: Store, executor: Executor, observers: Sequence[Observer] = ()) -> None:
        self._store = store
        self._executor = executor
        self._observers = observers
        self._wakes: queue.SimpleQueue[Wake] = queue.SimpleQueue()
        self._runs: dict[int, ActiveRun] = {}
        self._attempts: dict[str, tuple[int, str]] = {}  # attempts with the executor: their run and block
        self._retries: dict[int, datetime] = {}  # when a run's next waiting try is due
        self._owed = Owed()
        self._closing = False
        self._thread = threading.Thread(target=self._live, name="engine-loop", daemon=True)

    def start(self) -> None:
        self._executor.start(self._wakes.put)
        self._thread.start()

    def take(self, job: Job) -> "Future[Run]":
        """Moves that run from now on. The future gets the final run, or the error for which it was let go."""
        done: Future[Run] = Future()
        done.set_running_or_notify_cancel()  # a run is cancelled by asking for it, not by looking away
        self._wakes.put(Taken(job, done))
        return done

    def cancel(self, run_id: int, at: datetime) -> None:
        """A cancel of that run has been recorded."""
        self._wakes.put(CancelAsked(run_id, at))

    def settle(self, seconds: float) -> bool:
        """Waits, at most that long, for what is still to be found out about outputs; whether all of it came."""
        return self._owed.wait(seconds)

    def close(self) -> None:
        """Ends the loop and the executor with it; whoever waits for a run under way is told EngineClosed."""
        self._wakes.put(Closing())
        if self._thread.is_alive():
            self._thread.join()
        self._executor.close()

    def _live(self) -> None:
        try:
            while not self._closing:
                self.run_once(self._wait(), clock.now())
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(errors.EngineClosed())

    def _wait(self) -> list[Wake]:
        """Everything that has happened, after waiting for something to happen or, if there is room, a retry to be due."""
        due = min(self._retries.values(), default=None) if self._has_room() else None
        try:
            events = [self._wakes.get(timeout=max(0.0, (due - clock.now()).total_seconds()) if due else None)]
        except queue.Empty:
            return []
        while not self._wakes.empty():
            events.append(self._wakes.get())
        return events

    def run_once(self, events: Sequence[Wake], now: datetime) -> None:
        """One turn. When it fails, one turn for each run, and whoever fails alone is let go."""
        self._closing |= any(isinstance(event, Closing) for event in events)
        try:
            turn = self._decided(events, now, self._runs)
        except Exception:
            for run_id, of_run in self._by_run(events).items():
                self._run_alone(run_id, of_run, now)
        else:
            self._do(turn)

    def _run_alone(self, run_id: int, events: Sequence[Wake], now: datetime) -> None:
        try:
            turn = self._decided(events, now, {run_id: self._runs[run_id]} if run_id in self._runs else {})
        except Exception as error:
            self._let_go(run_id, events, error, now)
        else:
            self._do(turn)

    def _decided(self, events: Sequence[Wake], now: datetime, among: Mapping[int, ActiveRun]) -> Turn:
        """A turn over these runs, decided and written, but not done."""
        turn = Turn(now)
        for event in events:
            self._hear(turn, event)
        for active in turn.runs.values():
            turns.advance(turn, active)
        if not self._closing:
            others = sum(len(active.begun) for run_id, active in self._runs.items() if run_id not in among)
            slots = self._executor.slots - others
            turns.admit(turn, among, slots, AHEAD * self._executor.slots)
        self._write(turn)
        return turn

    def _has_room(self) -> bool:
        most = (1 + AHEAD) * self._executor.slots
        return sum(len(active.begun) for active in self._runs.values()) < most

    def _hear(self, turn: Turn, event: Wake) -> None:
        match event:
            case Taken(job, done):
                turns.take(turn, turn.on(ActiveRun.of(job, done)))
            case CancelAsked(run_id, at):
                if held := turn.runs.get(run_id) or self._runs.get(run_id):
                    turn.on(held).ask_cancel(at)
            case wire.Finished():
                self._hear_finished(turn, event)
            case wire.Profiled(attempt=attempt, outputs=outputs):
                turn.profiled.append(Profiled(attempt, outputs))
            case Closing():
                pass

    def _hear_finished(self, turn: Turn, event: wire.Finished) -> None:
        """A report of an attempt that is not under way here (it was stopped with its run, or sent twice) says nothing."""
        run_id, block = self._attempts.get(event.attempt, (0, ""))
        if run_id not in self._runs:
            return
        active = turn.on(self._runs[run_id])
        if block in active.begun and active.begun[block].uid == event.attempt:
            turns.report(turn, active, block, event)
            if event.profiles_follow:
                turn.owed.append(event.attempt)

    def _write(self, turn: Turn) -> None:
        """All of it or nothing. A cancel that was asked elsewhere is seen here, and heard in the next turn."""
        changes = [change for of_run in turn.changes.values() for change in of_run]
        if not changes and not turn.profiled:
            return
        epochs = {run_id: active.run.epoch for run_id, active in turn.runs.items()}
        for run_id, at in self._store.runs.write(epochs, [*changes, *turn.profiled]).items():
            held = turn.runs[run_id]
            if not held.run.cancel_requested_at and at != held.job.run.cancel_requested_at:
                self._wakes.put(CancelAsked(run_id, at))

    def _do(self, turn: Turn) -> None:
        """The turn is recorded: keep what it decided, submit, stop, tell."""
        for run_id, active in turn.runs.items():
            self._keep(run_id, active)
        for task in turn.submits:
            self._executor.submit((task,))
        for attempt, reason in turn.stops:
            self._executor.stop(attempt, reason)
        for attempt in turn.owed:
            self._owed.add(attempt)
        for each in turn.profiled:
            self._owed.discard(each.attempt)
        self._tell(turn)
        for run_id, active in turn.runs.items():
            if active.run.status in FINAL_RUN:
                self._forget(run_id).done.set_result(active.run)

    def _keep(self, run_id: int, active: ActiveRun) -> None:
        before = self._runs.get(run_id)
        for attempt in before.begun.values() if before else ():
            self._attempts.pop(attempt.uid, None)
        self._attempts |= {attempt.uid: (run_id, block) for block, attempt in active.begun.items()}
        self._runs[run_id] = active
        if retry := active.next_retry():
            self._retries[run_id] = retry
        else:
            self._retries.pop(run_id, None)

    def _tell(self, turn: Turn) -> None:
        for run_id, changes in turn.changes.items():
            for observer in self._observers:
                _tell(observer, turn.runs[run_id].run, changes)

    def _forget(self, run_id: int) -> ActiveRun:
        active = self._runs.pop(run_id)
        self._retries.pop(run_id, None)
        for attempt in active.begun.values():
            self._attempts.pop(attempt.uid, None)
        return active

    def _by_run(self, events: Sequence[Wake]) -> dict[int, list[Wake]]:
        """The events of each run; runs without any are there too, for their turn may be what failed."""
        of_runs: dict[int, list[Wake]] = {run_id: [] for run_id in self._runs}
        for event in events:
            of_runs.setdefault(self._run_of(event), []).append(event)
        return of_runs

    def _run_of(self, event: Wake) -> int:
        match event:
            case Taken(job, _):
                return job.run.id
            case CancelAsked(run_id, _):
                return run_id
            case wire.Finished(attempt=attempt) | wire.Profiled(attempt=attempt):
                return self._attempts.get(attempt, (0, ""))[0]
            case Closing():
                return 0

    def _let_go(self, run_id: int, events: Sequence[Wake], error: Exception, now: datetime) -> None:
        """The run cannot be moved any further: it ends, where that can be written, and whoever waits is told why."""
        taken = [event for event in events if isinstance(event, Taken)]
        with contextlib.suppress(Exception):  # of two errors the first is the one to tell
            self._give_up(self._runs.get(run_id) or ActiveRun.of(taken[0].job, taken[0].done), error, now)
        if run_id in self._runs:
            for attempt in self._runs[run_id].begun.values():
                self._executor.stop(attempt.uid, "let_go")
            self._forget(run_id).done.set_exception(error)
        for event in taken:
            event.done.set_exception(error)
        for event in events:
            if isinstance(event, wire.Profiled):
                self._owed.discard(event.attempt)

    def _give_up(self, active: ActiveRun, error: Exception, now: datetime) -> None:
        turn = Turn(now)
        turns.give_up(turn, turn.on(active), error)
        self._write(turn)
        self._tell(turn)

    def _leave(self, why: BaseException) -> None:
        """The loop has ended: nobody waits in vain for what it held, or was about to take."""
        while not self._wakes.empty():
            if isinstance(event := self._wakes.get(), Taken):
                event.done.set_exception(why)
        for run_id in list(self._runs):
            self._forget(run_id).done.set_exception(why)


def _tell(observer: Observer, run: Run, changes: Sequence[Change]) -> None:
    """What goes wrong in an observer is its own: the run goes on."""
    try:
        observer.told(run, changes)
    except Exception:
        logging.getLogger(__name__).exception("an observer failed on run %s", run.id)
