"""Answers: what blocks ask, answered off the loop's thread: secrets and bookmarks are read, runs are started, and waited
for until they are final.

A question comes from the loop once it is recorded that its attempt waits; the answer goes back to the loop, which
records that it goes on. The end of a run is heard from this engine's own loop; of one that another engine moves, from
its row, which is looked at whenever engines are rung for, and every few seconds in case a ring was lost.
"""

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from headrace import clock, errors
from headrace.model.run import FINAL_RUN, Run
from headrace.store import Store
from headrace.store.changes import Change
from headrace.worker import wire

AT_ONCE = 4  # runs that are being started at the same time
LOOK = 5.0  # seconds; no row is looked at more often without a reason
AGAIN = 0.5  # seconds after which a database that could not be reached is asked again


@dataclass(frozen=True, slots=True)
class Question:
    """What an attempt of that block of that pipeline has asked; its project's folder, and the ids of both."""

    asked: wire.Asked
    folder: Path
    project: int
    pipeline: int
    block: str

    @property
    def key(self) -> str:
        """However often it is heard, it is one question."""
        return f"{self.asked.attempt} {self.asked.number}"

    def answer(self, answer: wire.Answer) -> wire.Answered:
        return wire.Answered(attempt=self.asked.attempt, number=self.asked.number, answer=answer)


@dataclass(frozen=True, slots=True)
class _Wait:
    question: Question
    pipeline: str
    run: Run  # as it was when it was started
    until: float  # of the monotonic clock


class Answers:
    """`start` gives the run that a question asks for, `read` the secret of a project that is asked for by its name;
    `tell` is called with each answer, from any thread.

    It is an observer of the loop, too, and may be woken whenever a run may have ended elsewhere.
    """

    def __init__(
        self,
        store: Store,
        start: Callable[[Question, wire.StartRun], Run],
        read: Callable[[int, str], wire.Secret],
        tell: Callable[[wire.Answered], None],
    ) -> None:
        self._store = store
        self._start = start
        self._read = read
        self._tell = tell
        self._waits: dict[int, list[_Wait]] = {}  # by run
        self._lock = threading.Lock()
        self._woken, self._closed = threading.Event(), threading.Event()
        self._starting = ThreadPoolExecutor(AT_ONCE, "engine-starting")
        self._reading = ThreadPoolExecutor(1, "engine-reading")  # which takes no time, and waits for no start of a run
        self._thread = threading.Thread(target=self._live, name="engine-answers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Sees to it that it is answered. It does not wait."""
        starts = isinstance(question.asked.request, wire.StartRun)
        (self._starting if starts else self._reading).submit(self._take, question)

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        """A run of this engine was moved; see `observers.Observer`."""
        if run.status in FINAL_RUN:
            self._settle(run)

    def wake(self) -> None:
        """A run may have ended."""
        if self._waits:
            self._woken.set()

    def close(self) -> None:
        """Nothing is answered when this has returned."""
        self._closed.set()
        self._woken.set()
        for pool in (self._starting, self._reading):
            pool.shutdown(cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self, now: float) -> None:
        """One look at the rows of the runs that are waited for, and at the time, by the monotonic clock."""
        with contextlib.suppress(errors.StoreUnavailable):  # it is looked at again
            for run_id in self._store.runs.settled(list(self._waits)):
                self._settle_row(run_id)
        for wait in self._overdue(now):
            self._say(wait.question, self._as_it_is(wait))

    def _live(self) -> None:
        while not self._closed.is_set():
            self._woken.wait(self._patience(clock.monotonic()))
            self._woken.clear()
            self.run_once(clock.monotonic())

    def _patience(self, now: float) -> float | None:
        with self._lock:
            ends = [wait.until for waits in self._waits.values() for wait in waits]
        return max(0.0, min(LOOK, min(ends) - now)) if ends else None

    # What is asked for is done

    def _take(self, question: Question) -> None:
        """Does it, again and again until the database answers."""
        try:
            self._do(question)
        except errors.StoreUnavailable:
            if not self._closed.wait(AGAIN):
                self._take_again(question)
        except errors.HeadraceError as error:
            self._say(question, wire.Declined(str(error)))
        except Exception as error:
            logging.getLogger(__name__).exception("what a block has asked for cannot be done")
            self._say(question, wire.Declined(f"{type(error).__name__}: {error}"))

    def _do(self, question: Question) -> None:
        match question.asked.request:
            case wire.ReadSecret(name=name):
                self._say(question, self._read(question.project, name))
            case wire.ReadBookmark():
                found = self._store.bookmarks.find(question.pipeline, question.block)
                self._say(question, wire.Marked(None if found is None else dict(found.value)))
            case wire.StartRun() as request:
                self._started(question, request, self._start(question, request))

    def _take_again(self, question: Question) -> None:
        with contextlib.suppress(RuntimeError):  # it was closed meanwhile
            self.ask(question)

    def _started(self, question: Question, request: wire.StartRun, run: Run) -> None:
        """Tells of the run, or waits for it: its row is looked at once more, for it may have ended meanwhile."""
        if not request.waits:
            self._say(question, wire.Told(run=run, pipeline=request.pipeline))
            return
        until = math.inf if request.patience is None else clock.monotonic() + request.patience
        with self._lock:
            self._waits.setdefault(run.id, []).append(_Wait(question, request.pipeline, run, until))
        self._woken.set()

    # It is final, or waited for no longer

    def _settle_row(self, run_id: int) -> None:
        try:
            self._settle(self._store.runs.get(run_id))
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            for wait in self._pop(run_id):
                self._say(
                    wait.question, wire.Declined(f"It was started as run {run_id}, which cannot be read: {error}")
                )

    def _settle(self, run: Run) -> None:
        for wait in self._pop(run.id):
            self._say(wait.question, wire.Told(run=run, pipeline=wait.pipeline))

    def _pop(self, run_id: int) -> list[_Wait]:
        with self._lock:
            return self._waits.pop(run_id, [])

    def _overdue(self, now: float) -> list[_Wait]:
        """Those whose patience is over; they wait no longer."""
        with self._lock:
            waits = [wait for waits in self._waits.values() for wait in waits]
            self._waits.clear()
            for wait in waits:
                if wait.until > now:
                    self._waits.setdefault(wait.run.id, []).append(wait)
        return [wait for wait in waits if wait.until <= now]

    def _as_it_is(self, wait: _Wait) -> wire.Told:
        run = wait.run
        with contextlib.suppress(errors.HeadraceError):
            run = self._store.runs.get(run.id)
        return wire.Told(run=run, pipeline=wait.pipeline)

    def _say(self, question: Question, answer: wire.Answer) -> None:
        self._tell(question.answer(answer))
