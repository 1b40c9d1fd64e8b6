"""The intake: what comes in from the store. It hears requests, takes the runs of the dead, claims runs, reads their jobs.

It looks when it is woken, when an engine may have died, and every few seconds in case a wake was lost.
"""

import logging
import threading
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from headrace import clock, errors
from headrace.engine import owner, turns
from headrace.engine.active import Job
from headrace.engine.jobs import Jobs
from headrace.engine.loop import Loop
from headrace.engine.wakes import Admitted, CancelAsked, Refused, Rung
from headrace.model.run import Run, RunStatus
from headrace.store import Store

LOOK = 5.0  # seconds; nothing is looked at more often without a reason
AGAIN = 0.5  # seconds after which a database that could not be reached is asked again


class Intake:
    """`own` restricts it to runs that were made for this engine; `grace` is waited beyond another engine's lease."""

    def __init__(self, store: Store, jobs: Jobs, loop: Loop, home: Path, grace: float, *, own: bool) -> None:
        self._store = store
        self._jobs = jobs
        self._loop = loop
        self._home = home
        self._grace = grace
        self._own = own
        self._name = ""
        self._watched: set[str] = set()
        self._unsure = True  # whether every run that is this engine's by its row has reached the loop
        self._more = False  # whether runs wait that there was no room for
        self._drained = False  # whether somebody has asked that nothing more begins here
        self._left = False  # whether it was drained and is no engine any more
        self._next_search = self._next_burial = 0.0  # by the monotonic clock
        self._woken, self._bereaved = threading.Event(), threading.Event()
        self._looking = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._live, name="engine-intake", daemon=True)

    def start(self, name: str) -> None:
        self.go_on_as(name)
        self._woken.set()
        self._thread.start()

    def go_on_as(self, name: str) -> None:
        """What is claimed from now on is claimed for the engine of that name."""
        self._name = name
        self._unsure = True

    def wake(self) -> None:
        """Something may have come."""
        self._woken.set()

    def room_made(self) -> None:
        """The loop has more room than before, or nothing left to do."""
        if self._more or self._drained:
            self._woken.set()

    def take(self, run_id: int, at: datetime) -> "tuple[Job, Future[Run]]":
        """Hands over a run that was made, or is to be reopened, for this engine.

        Raises what it cannot be read for, and RunLost when it is another's by now.
        """
        with self._looking:
            self._store.runs.reopen(self._name, at, own=True)
            job = self._jobs.read(run_id)
            if job.run.owner != self._name:
                raise errors.RunLost(run=run_id)
            return job, self._loop.take(job)

    def bring(self, run_id: int, at: datetime) -> None:
        """Hands over a run that was made for this engine by itself, if it is that still. One that cannot be read ends here."""
        with self._looking:
            self._hand_over(run_id, at)

    def close(self) -> None:
        """Nothing is claimed any more."""
        self._closing = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self, at: datetime) -> float:
        """One look; in how many seconds the next is due if nothing happens before."""
        self._woken.clear()
        try:
            with self._looking:
                return self._look(at)
        except errors.StoreUnavailable as error:
            self._unsure = True
            logging.getLogger(__name__).warning("the engine cannot look for runs: %s", error)
            return AGAIN
        except Exception:
            self._unsure = True
            logging.getLogger(__name__).exception("the engine cannot look for runs")
            return LOOK

    def _live(self) -> None:
        pause = 0.0
        while not self._closing:
            self._woken.wait(pause)
            if not self._closing:
                pause = self.run_once(clock.now())

    def _look(self, at: datetime) -> float:
        if not self._own and (self._bereaved.is_set() or clock.monotonic() >= self._next_burial):
            self._bereaved.clear()
            self._next_burial = clock.monotonic() + self._bury_dead(at)
        self._loop.tell(Rung())
        for run_id, asked in self._store.runs.asked(self._name).items():
            self._loop.tell(CancelAsked(run_id, asked))
        if self._is_drained():
            self._let_go()
        else:
            self._take_in(at)
        return LOOK if self._own else min(LOOK, max(0.0, self._next_burial - clock.monotonic()))

    def _take_in(self, at: datetime) -> None:
        self._store.runs.reopen(self._name, at, own=self._own)
        self._claim(at)
        if self._unsure or clock.monotonic() >= self._next_search:
            self._find_lost(at)

    def _is_drained(self) -> bool:
        """Once it is asked, nothing more is taken, and no further attempt begins."""
        if not self._drained and self._store.engines.is_drained(self._name):
            self._loop.drain(0)
            self._drained = True
        return self._drained

    def _let_go(self) -> None:
        """As soon as nothing is under way here this engine is none any more: its runs, also those that are still being
        made for it, are others' to claim.
        """
        if self._loop.idle and not self._left:
            self._loop.depose(self._name)
            self._store.engines.leave(self._name)
            self._left = True

    def _bury_dead(self, at: datetime) -> float:
        """Declares dead whoever is; in how many seconds somebody else may be."""
        engines = self._store.engines
        for each in engines.living():
            if each.name == self._name or not owner.tells(self._home, each):
                continue
            if not owner.alive(self._home, each.name):
                engines.bury(each.name)
            elif each.name not in self._watched:
                self._watched.add(each.name)
                owner.watch(self._home, each.name, self._bereave)
        engines.bury_lapsed(self._grace, at)
        lapse = engines.next_lapse(self._grace, at)
        return LOOK if lapse is None else min(LOOK, max(lapse, 0.1))

    def _bereave(self) -> None:
        self._bereaved.set()
        self._woken.set()

    def _claim(self, at: datetime) -> None:
        room = 0 if self._own else max(0, self._loop.appetite())
        claims = self._store.runs.claim(self._name, room, at, own=self._own)
        self._more = not self._own and len(claims.taken) >= room
        for run_id, admitted in claims.admitted.items():
            self._loop.tell(Admitted(run_id, admitted))
        for run_id in claims.taken:
            self._hand_over(run_id, at)
        for run_id in claims.refused:
            self._loop.tell(Refused(run_id))
        if self._more and self._loop.appetite() > 0:
            self._woken.set()

    def _find_lost(self, at: datetime) -> None:
        """A claim whose answer was lost has claimed, and admitted, all the same."""
        for run_id, admitted in self._store.runs.owned(self._name).items():
            if self._loop.holds(run_id):
                if admitted:
                    self._loop.tell(Admitted(run_id, admitted))
            elif not self._own:
                self._hand_over(run_id, at)
        self._unsure, self._next_search = False, clock.monotonic() + LOOK

    def _hand_over(self, run_id: int, at: datetime) -> None:
        """A run that is another's by now is left to that; one that cannot be read at all ends here, with the reason."""
        try:
            job = self._jobs.read(run_id)
            if job.run.owner == self._name:
                self._loop.take(job)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("run %s cannot be read", run_id)
            self._store.runs.close(run_id, None, RunStatus.FAILED, turns.let_go(error), at, owner=self._name)
