"""The one thread that moves states.

What happens (a run was handed over, an attempt was reported, a cancel was asked, a try is due) comes as events on one
queue. Each turn drains the queue, decides in memory, writes all moves in one transaction, and only then submits work.

A turn that fails is taken again run by run; a run that fails alone is let go, and the others go on. When it is not
known whether a turn was written, what is remembered of its runs is forgotten: they are read again, and the turn's
events heard again, of which those that were recorded find nothing left to do.
"""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial

from headrace import clock, errors
from headrace.engine import jobs, observers, turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.answers import Question
from headrace.engine.commits import Commit
from headrace.engine.executor import Executor
from headrace.engine.hearing import Hearing
from headrace.engine.held import Held
from headrace.engine.observers import Observer
from headrace.engine.owed import Owed
from headrace.engine.turns import Turn
from headrace.engine.wakes import CancelAsked, Closing, Draining, Rung, Taken, Wake
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.store import Store
from headrace.store.turn import Turn as Writing
from headrace.worker import wire

AHEAD = 4  # tasks for each place of the executor that wait there, so that the place is never idle during a turn
PATIENCE = 3  # times that a run's rows are read anew because they are not as remembered, before it is let go
PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)  # seconds between two looks whether the database can be reached again


class Loop:
    """`roomier` is called, on the loop's thread, when there may be room for more runs, or when it is idle once it was
    drained; `ask` with what blocks ask, and `commit` with what they have written of datasets, each once it is recorded.

    `ended` is done when the loop has ended: with the error, if one ended it, for then its engine is to end as well.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observers: Sequence[Observer],
        roomier: Callable[[], None],
        ask: Callable[[Question], None],
        commit: Callable[[Commit], None],
    ) -> None:
        self._store = store
        self._executor = executor
        self._observers = observers
        self._roomier = roomier
        self._ask = ask
        self._commit = commit
        self._wakes: queue.SimpleQueue[Wake] = queue.SimpleQueue()
        self._held = Held()
        self._owed = Owed()
        self._coming: set[int] = set()  # runs handed over and not in hand yet
        self._doubted: set[int] = set()  # runs of which it is not known whether the last turn was written
        self._unheard: list[Wake] = []  # the events of those turns
        self._refused: Counter[int] = Counter()  # how often in a row a run's turn matched no row
        self._failures = 0  # times in a row that the database could not be reached
        self._closing = self._draining = False
        self._former: set[str] = set()  # names under which this engine was taken for dead
        self._hearing = Hearing(self._held, self._former, lambda run_id, turn: self._lose(run_id, turn.at))
        self._turning = threading.Lock()
        self._idle = threading.Event()
        self.ended: Future[None] = Future()
        self._clock = clock.Steady()
        self._thread = threading.Thread(target=self._live, name="engine-loop", daemon=True)

    def start(self) -> None:
        self._executor.start(self._wakes.put)
        self._thread.start()

    def take(self, job: Job) -> "Future[Run]":
        """Moves that run from now on. The future gets the final run, or the error for which it was let go."""
        done: Future[Run] = Future()
        done.set_running_or_notify_cancel()  # a run is cancelled by asking for it, not by looking away
        self._coming.add(job.run.id)
        self._wakes.put(Taken(job, done))
        return done

    def tell(self, wake: Wake) -> None:
        """Something has happened that concerns the runs it moves."""
        self._wakes.put(wake)

    def holds(self, run_id: int) -> bool:
        """Whether it has that run in hand, or is about to. Any thread may ask."""
        return run_id in self._coming or run_id in self._held.runs

    def depose(self, name: str) -> None:
        """This engine was taken for dead under that name: the runs it had then are others', and nothing of them goes on.

        Any thread may say so; on return no more of their blocks will be submitted.
        """
        with self._turning:
            self._former.add(name)
            for run_id, active in list(self._held.runs.items()):
                if active.run.owner == name:
                    self._lose(run_id, clock.now())

    def appetite(self) -> int:
        """How many more block runs would find something to do here; below 1 there are enough. Any thread may ask."""
        return 0 if self._is_ending() else (1 + AHEAD) * self._executor.slots - self._held.wanting() - len(self._coming)

    @property
    def ending(self) -> bool:
        """Whether no further attempt begins here. Any thread may ask."""
        return self._is_ending()

    def settle(self, seconds: float) -> bool:
        """Waits, at most that long, for what is still to be found out about outputs; whether all of it came."""
        return self._owed.wait(seconds)

    @property
    def idle(self) -> bool:
        """Whether it was drained, and nothing is under way any more. Any thread may ask."""
        return self._idle.is_set()

    def drain(self, seconds: float) -> bool:
        """Begins no further attempt, and waits at most that long for those under way; whether none is left."""
        self._wakes.put(Draining())
        return self._idle.wait(seconds)

    def close(self) -> None:
        """Ends the loop and the executor with it; whoever waits for a run under way is told EngineClosed."""
        self._wakes.put(Closing())
        if self._thread.is_alive():
            self._thread.join()
        self._executor.close()

    def _live(self) -> None:
        try:
            while not self._closing:
                self.run_once(self._wait(), self._clock.now())
        except BaseException as error:
            self._leave(error)
            self.ended.set_exception(error)
        else:
            self._leave(errors.EngineClosed())
            self.ended.set_result(None)

    # One turn

    def _wait(self) -> list[Wake]:
        """Everything that has happened, after waiting for something to happen or a time to come."""
        events: list[Wake] = []
        if not self._failures:
            due = self._held.next_due() if self._has_room() else None
            left = max(0.0, (due - self._clock.now()).total_seconds()) if due else None
            try:
                events.append(self._wakes.get(timeout=left))
            except queue.Empty:
                return events
        elif self._pause():
            events.append(Closing())
        while not self._wakes.empty():
            events.append(self._wakes.get())
        return events

    def run_once(self, events: Sequence[Wake], now: datetime) -> None:
        """One turn. When it fails, one turn for each run, and whoever fails alone is let go."""
        with self._turning:
            self._turn(events, now)

    def _turn(self, events: Sequence[Wake], now: datetime) -> None:
        self._closing |= any(isinstance(event, Closing) for event in events)
        self._draining |= any(isinstance(event, Draining) for event in (*self._unheard, *events))
        if self._doubted or self._unheard:
            try:
                self._settle_doubts(now)
            except errors.StoreUnavailable as error:
                self._unheard += events
                self._note_unavailable(error)
                return
            events, self._unheard = [*self._unheard, *events], []
        self._take_turn(events, now)
        if self._draining and not self._held.busy() and not self._doubted:
            self._idle.set()
            self._roomier()

    def _take_turn(self, events: Sequence[Wake], now: datetime) -> None:
        turn = Turn(now)
        try:
            self._decide(turn, events, self._held.runs)
        except errors.StoreUnavailable as error:
            self._doubt(events, turn, error)
        except Exception:
            for run_id, of_run in self._by_run(events).items():
                self._run_alone(run_id, of_run, now)
        else:
            self._failures = 0
            self._do(turn)

    def _run_alone(self, run_id: int, events: Sequence[Wake], now: datetime) -> None:
        turn, held = Turn(now), self._held.runs
        try:
            self._decide(turn, events, {run_id: held[run_id]} if run_id in held else {})
        except errors.StoreUnavailable as error:
            self._doubt(events, turn, error)
        except errors.MoveRefused as error:
            self._contest(run_id, events, error, now)
        except Exception as error:
            self._let_go(run_id, events, error, now)
        else:
            self._do(turn)

    def _decide(self, turn: Turn, events: Sequence[Wake], among: Mapping[int, ActiveRun]) -> None:
        """A turn over these runs, decided and written, but not done."""
        for event in events:
            self._hearing.hear(turn, event)
        for active in list(self._held.due(turn.at)):
            if active.run.id in among:
                turn.on(active)
        for active in turn.runs.values():
            turns.advance(turn, active)
        if limits := () if self._is_ending() else turns.wanted_limits(turn, among):
            with self._store.runs.turn() as writing:
                self._admit(turn, among, turns.rooms(turn, writing.room(limits)))
                self._write(turn, writing)
        else:
            self._admit(turn, among, {})
            if turn.changes or turn.profiled or turn.late:
                with self._store.runs.turn() as writing:
                    self._write(turn, writing)

    def _admit(self, turn: Turn, among: Mapping[int, ActiveRun], rooms: Mapping[int, int]) -> None:
        if not self._is_ending():
            others = sum(active.under_way() for run_id, active in self._held.runs.items() if run_id not in among)
            turns.admit(turn, among, self._executor.slots - others, AHEAD * self._executor.slots, rooms)

    def _write(self, turn: Turn, writing: Writing) -> None:
        """All of it or nothing. A cancel that was asked elsewhere is seen here, and heard in the next turn."""
        changes = [change for of_run in turn.changes.values() for change in of_run]
        epochs = {run_id: active.run.epoch for run_id, active in turn.runs.items()}
        for run_id, at in writing.write(epochs, [*changes, *turn.profiled]).items():
            if not turn.runs[run_id].run.cancel_requested_at:
                self._wakes.put(CancelAsked(run_id, at))
        writing.fenced(turn.late)
        if turns.makes_room(turn):
            writing.ring()
        elif turns.ends_runs(turn):
            writing.ring_for_waiting()

    def _is_ending(self) -> bool:
        return self._closing or self._draining

    def _has_room(self) -> bool:
        return self._held.under_way() < (1 + AHEAD) * self._executor.slots

    # What is done once it is written

    def _do(self, turn: Turn) -> None:
        """The turn is recorded: keep what it decided, submit, stop, tell."""
        for active in turn.runs.values():
            self._held.keep(active, turn.at)
            self._refused.pop(active.run.id, None)
        self._coming -= turn.runs.keys()
        for task in turn.submits:
            self._executor.submit((task,))
        for attempt, reason in turn.stops:
            self._executor.stop(attempt, reason)
        for answered in turn.answers:
            self._executor.answer(answered)
        for question in turn.questions:
            self._ask(question)
        for commit in turn.commits:
            self._commit(commit)
        for attempt in turn.owed:
            self._owed.add(attempt)
        for each in turn.profiled:
            self._owed.discard(each.attempt)
        for late in turn.late:
            self._held.strays.pop(late.uid, None)
        self._doubt_runs(turn.doubtful)
        self._tell(turn)
        self._answer(turn)
        ended = [active.run for active in turn.runs.values() if active.run.status in FINAL_RUN]
        for run in ended:
            self._held.forget(run.id).done.set_result(run)
        if ended or turns.makes_room(turn):
            self._roomier()

    def _answer(self, turn: Turn) -> None:
        """Those who handed over runs of which there is nothing to do here."""
        for done, run in turn.settled:
            self._coming.discard(run.id)
            done.set_result(run)
        for run_id, done in turn.joined:
            self._coming.discard(run_id)
            self._held.runs[run_id].done.add_done_callback(partial(_pass_on, done))
        for run_id, done in turn.lost:
            self._coming.discard(run_id)
            done.set_exception(errors.RunLost(run=run_id))

    def _tell(self, turn: Turn) -> None:
        for run_id, changes in turn.changes.items():
            observers.tell(self._observers, turn.runs[run_id].run, changes)

    # When it is not known whether it is written

    def _doubt_runs(self, run_ids: Sequence[int]) -> None:
        """Their rows are read again in the next turn, which comes at once."""
        self._doubted.update(run_ids)
        if run_ids:
            self._wakes.put(Rung())

    def _doubt(self, events: Sequence[Wake], turn: Turn, error: Exception) -> None:
        self._unheard += events
        self._doubted |= turn.runs.keys()
        self._note_unavailable(error)

    def _note_unavailable(self, error: Exception) -> None:
        if not self._failures:
            logging.getLogger(__name__).warning("the engine waits for its database: %s", error)
        self._failures += 1

    def _pause(self) -> bool:
        """Waits before the database is asked again; whether it is to end instead."""
        until = clock.monotonic() + PAUSES[min(self._failures, len(PAUSES)) - 1]
        heard: list[Wake] = []
        while (left := until - clock.monotonic()) > 0 and not any(isinstance(each, Closing) for each in heard):
            try:
                heard.append(self._wakes.get(timeout=left))
            except queue.Empty:
                break
        self._unheard += heard
        return any(isinstance(each, Closing) for each in heard)

    def _settle_doubts(self, now: datetime) -> None:
        """Every doubted run is as its rows say from here on. Raises StoreUnavailable with the rest still in doubt."""
        events, self._unheard = self._unheard, []
        while events:
            try:
                self._unheard += self._renewed(events[0], now)
            except errors.StoreUnavailable:
                self._unheard += events
                raise
            del events[0]
        for run_id in list(self._doubted):
            if run_id in self._held.runs:
                self._reread(run_id, now)
            self._doubted.discard(run_id)

    def _renewed(self, event: Wake, now: datetime) -> list[Wake]:
        """The event as it is to be heard again: of a run that was being taken, with its rows as they are now."""
        if not isinstance(event, Taken) or event.job.run.id in self._held.runs:
            return [event]
        try:
            job = jobs.reread(self._store, event.job)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._let_go(event.job.run.id, [event], error, now)
            return []
        if job.run.epoch != event.job.run.epoch:
            self._coming.discard(job.run.id)
            event.done.set_exception(errors.RunLost(run=job.run.id))
            return []
        if any(attempt.epoch == job.run.epoch for attempt in job.begun.values()):
            self._keep_read(ActiveRun.of(job, event.done), now)
            return []
        return [Taken(job, event.done)]

    def _reread(self, run_id: int, now: datetime) -> None:
        held = self._held.runs[run_id]
        try:
            job = jobs.reread(self._store, held.job)
            read = ActiveRun.of(job, held.done)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._let_go(run_id, (), error, now)
            return
        if (job.run.owner, job.run.epoch) != (held.run.owner, held.run.epoch):
            self._lose(run_id, now)
        elif job.run.status in FINAL_RUN:
            self._held.forget(run_id).done.set_result(job.run)
            self._roomier()
        else:
            self._go_on(held, read, now)

    def _go_on(self, held: ActiveRun, read: ActiveRun, now: datetime) -> None:
        read.remember(held)
        self._keep_read(read, now)

    def _keep_read(self, read: ActiveRun, now: datetime) -> None:
        """What was begun by a turn whose answer was lost is submitted now: it is recorded, and nobody has run it; so is
        what was to be committed."""
        unsent = [block for block, each in read.begun.items() if not self._held.of_attempt(each.uid)[0]]
        unmade = [commit for commit in read.commits() if not self._held.commits(commit.attempt)]
        self._held.keep(read, now)
        self._held.look_at(read.run.id, now)
        self._coming.discard(read.run.id)
        for block in unsent:
            self._executor.submit((read.task(block),))
        for commit in unmade:
            self._commit(commit)

    # When a run cannot go on here

    def _contest(self, run_id: int, events: Sequence[Wake], error: errors.MoveRefused, now: datetime) -> None:
        """The rows are not as remembered: as a rule the run is another engine's by now, which reading it again tells."""
        self._refused[run_id] += 1
        if self._refused[run_id] > PATIENCE:
            self._let_go(run_id, events, error, now)
        else:
            self._unheard += events
            self._doubt_runs([run_id])

    def _lose(self, run_id: int, now: datetime) -> None:
        """The run is another's: nothing of it goes on here, and what is still reported of it is late."""
        active = self._held.lose(run_id, now)
        for attempt in active.begun.values():
            self._executor.stop(attempt.uid, "engine_deposed")
        active.done.set_exception(errors.RunLost(run=run_id))

    def _let_go(self, run_id: int, events: Sequence[Wake], error: Exception, now: datetime) -> None:
        """The run cannot be moved any further: it ends, where that can be written, and whoever waits is told why."""
        logging.getLogger(__name__).error("run %s is let go", run_id, exc_info=error)
        self._refused.pop(run_id, None)
        taken = [event for event in events if isinstance(event, Taken)]
        try:
            ended = self._give_up(run_id, taken, error, now)
        except errors.StoreUnavailable as unavailable:
            self._unheard += events
            self._doubted.add(run_id)
            self._note_unavailable(unavailable)
            return
        if run_id in self._held.runs:
            for attempt in self._held.runs[run_id].begun.values():
                self._executor.stop(attempt.uid, "let_go")
            self._held.forget(run_id).done.set_exception(error)
        for commit in ended.commits() if ended else ():
            self._commit(replace(commit, withdrawn=True))
        self._coming.discard(run_id)
        for event in taken:
            event.done.set_exception(error)
        for event in events:
            if isinstance(event, wire.Profiled):
                self._owed.discard(event.attempt)

    def _give_up(self, run_id: int, taken: Sequence[Taken], error: Exception, now: datetime) -> ActiveRun | None:
        """By the moves of its rows; where those are what is wrong with it, without looking at them. The run as it was
        before that, if it is known and was this engine's to end."""
        turn, active = Turn(now), self._held.runs.get(run_id)
        job = active.job if active else taken[0].job if taken else None
        if job is None:
            return None
        try:
            active = active or ActiveRun.of(job, Future())
            turns.give_up(turn, turn.on(active), error)
            with self._store.runs.turn() as writing:
                self._write(turn, writing)
        except errors.StoreUnavailable:
            raise
        except Exception:
            ended = self._store.runs.close(run_id, job.run.epoch, RunStatus.FAILED, turns.let_go(error), now)
            return active if ended else None
        self._tell(turn)
        return active

    def _by_run(self, events: Sequence[Wake]) -> dict[int, list[Wake]]:
        """The events of each run; runs without any are there too, for their turn may be what failed."""
        of_runs: dict[int, list[Wake]] = {run_id: [] for run_id in self._held.runs}
        for event in events:
            of_runs.setdefault(self._hearing.run_of(event), []).append(event)
        return of_runs

    def _leave(self, why: BaseException) -> None:
        """The loop has ended: nobody waits in vain for what it held, or was about to take."""
        while not self._wakes.empty():
            self._unheard.append(self._wakes.get())
        for event in self._unheard:
            if isinstance(event, Taken):
                event.done.set_exception(why)
        with self._turning:
            for run_id in list(self._held.runs):
                self._held.forget(run_id).done.set_exception(why)
        self._idle.set()


def _pass_on(second: "Future[Run]", first: "Future[Run]") -> None:
    """Whoever waits for the second is told what the first was told."""
    if error := first.exception():
        second.set_exception(error)
    else:
        second.set_result(first.result())
