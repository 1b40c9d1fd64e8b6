"""The services of one engine, started and stopped together: the loop, the intake, the answers, the committer, the heart,
and who listens for rings."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from headrace import clock, errors
from headrace.engine import owner
from headrace.engine.answers import Answers, Question
from headrace.engine.backfiller import Backfiller
from headrace.engine.begun import Begun
from headrace.engine.cleaner import Cleaner
from headrace.engine.committer import Committer
from headrace.engine.deadlines import Deadlines
from headrace.engine.executor import Executor
from headrace.engine.heart import Heart
from headrace.engine.intake import Intake
from headrace.engine.jobs import Jobs
from headrace.engine.loop import Loop
from headrace.engine.makers import Makers
from headrace.engine.matcher import Matcher
from headrace.engine.observers import Ends, Observer
from headrace.engine.owner import Alone, Owner
from headrace.engine.scheduler import Scheduler, Taker
from headrace.engine.secrets import Secrets
from headrace.engine.syncer import Syncer
from headrace.engine.tallier import Tallier
from headrace.engine.timekeeper import Service, Timekeeper
from headrace.engine.watcher import Watcher
from headrace.model.run import Run
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.database import About
from headrace.worker import wire


class Engine:
    """Moves runs: whatever run is there, or with `own` only those made for it. `makers` make what begins by itself or by a block."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        executor: Executor,
        observers: Sequence[Observer],
        makers: Makers,
        *,
        own: bool,
    ) -> None:
        self._store = store
        self._settings = settings
        self._executor = executor
        self._lease = settings.lease if settings.database else None
        self._own = own
        self._alone = Alone(settings.home) if not own and not settings.database else None
        self._owner = Owner(settings.home)
        self._makers = makers
        secrets = Secrets(store, makers.vault)
        self._answers = Answers(store, self._start_asked, secrets.answer, lambda answered: self.loop.tell(answered))
        told = (*observers, self._answers, Ends(self._wake))
        self._committer = Committer(store, settings, lambda told: self.loop.tell(told))
        self.loop = Loop(
            store, executor, told, lambda: self._intake.room_made(), self._answers.ask, self._committer.take
        )
        jobs = Jobs(store, settings, secrets, self._committer.expect)
        self._intake = Intake(store, jobs, self.loop, settings.home, owner.GRACE * settings.lease, own=own)
        self._heart = Heart(store, executor, self._lease, self._go_on) if self._lease else None
        self._timekeeper = None if own else Timekeeper(_by_themselves(store, settings, makers, self, self._wake))

    @property
    def name(self) -> str:
        """The engine's name in the rows of the runs it moves."""
        return self._owner.name

    def start(self) -> None:
        """Nothing is moved before the engine has its row."""
        since = self._register(self._owner)
        self.loop.start()
        self._answers.start()
        self._executor.hold(self._owner.file)
        if self._heart:
            self._heart.start(self.name, since)
        self._intake.start(self.name)
        if self._timekeeper:
            self._timekeeper.start()
        self._listener = self._store.listen(self.name, self._rung)

    def appetite(self) -> int:
        """How many more block runs would find something to do here. Any thread may ask."""
        return self.loop.appetite()

    @property
    def ending(self) -> bool:
        """Whether it begins nothing more."""
        return self.loop.ending

    def bring(self, run_id: int, at: datetime) -> None:
        """Moves a run that this engine has made for itself."""
        self._intake.bring(run_id, at)

    def take(self, run_id: int) -> Begun:
        """Moves a run that was made, or asked to be reopened, for this engine."""
        job, done = self._intake.take(run_id, clock.now())
        return Begun(job.run, job.pipeline, job.rows, done)

    def retire(self, seconds: float) -> bool:
        """Claims nothing more, begins no further attempt, waits at most that long for those under way; whether all ended.

        What has not ended is for others to go on with, once this engine is closed.
        """
        self._end_intake()
        return self.loop.drain(seconds)

    def close(self) -> None:
        """Ends all of it. The runs that are not final are anybody's from now on."""
        self._listener.close()
        self._end_intake()
        self._committer.close()
        self.loop.close()
        self._answers.close()
        if self._heart:
            self._heart.close()
        self._store.engines.leave(self.name)
        self._owner.close()
        if self._alone:
            self._alone.close()

    def _rung(self, about: About) -> None:
        if about is About.RUNS:
            self._intake.wake()
            self._answers.wake()
        elif self._timekeeper:
            self._timekeeper.wake()

    def _wake(self) -> None:
        """A run has ended that some trigger or backfill may go on for, or a look at files."""
        if self._timekeeper:
            self._timekeeper.wake()

    def _end_intake(self) -> None:
        """Nothing begins here any more, and nothing is taken."""
        if self._timekeeper:
            self._timekeeper.close()
        self._intake.close()

    def _start_asked(self, question: Question, request: wire.StartRun) -> Run:
        """The run that a block asks for. This engine moves it if it has room for it; one that moves only what is made for
        it moves what its blocks wait for. Any engine moves the others."""
        name = self.name
        mine = request.waits if self._own else self.appetite() > 0
        run = self._makers.starts.start(
            Path(request.project) if request.project else question.folder,
            request.pipeline,
            request.variables,
            trigger=request.trigger,
            key=question.key,
            owner=name if mine else None,
        )
        if run.owner == name and not self.loop.holds(run.id):
            self.bring(run.id, clock.now())
        return run

    def _register(self, as_owner: Owner) -> float:
        """Makes the engine's row; the moment before, of the clock that goes on while the machine sleeps."""
        since = clock.boottime()
        home, machine = owner.home_id(self._settings.home), owner.machine()
        self._store.engines.register(
            as_owner.name,
            home=home,
            machine=machine,
            pid=os.getpid(),
            lease=self._lease,
            at=clock.now(),
            own=self._own,
        )
        return since

    def _go_on(self) -> None:
        """This engine was taken for dead, or has left: its runs are others'. Unless it is ending it begins anew, under
        another name.
        """
        self.loop.depose(self.name)
        if self.ending:
            return
        new = Owner(self._settings.home)
        try:
            since = self._register(new)
        except errors.StoreUnavailable:
            new.close()
            raise
        before, self._owner = self._owner, new
        self._executor.hold(new.file)
        self._intake.go_on_as(new.name)
        if self._heart:
            self._heart.go_on_as(new.name, since)
        before.close()


def _by_themselves(
    store: Store, settings: Settings, makers: Makers, taker: Taker, wake: Callable[[], None]
) -> dict[str, Service]:
    """What begins without being asked for."""
    maker = makers.maker
    return {
        "scheduler": Scheduler(store, maker, taker),
        "watcher": Watcher(store, wake),
        "matcher": Matcher(store, maker),
        "backfiller": Backfiller(store, maker),
        "deadlines": Deadlines(store),
        "tallier": Tallier(store),
        "cleaner": Cleaner(store, settings),
        "syncer": Syncer(store, maker, makers.registry),
    }
