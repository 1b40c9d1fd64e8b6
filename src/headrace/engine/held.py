"""Held: the runs that an engine has in hand, and what is found among them by attempt or by time."""

from collections.abc import Iterator
from datetime import datetime

from headrace.engine.active import ActiveRun
from headrace.store.endings import Fenced


class Held:
    """Its loop alone changes it. `strays` are attempts of runs that were lost to others, of which reports may come."""

    def __init__(self) -> None:
        self.runs: dict[int, ActiveRun] = {}
        self.strays: dict[str, Fenced] = {}
        self._attempts: dict[str, tuple[int, str]] = {}  # attempts with the executor: their run and block
        self._waiting: set[str] = set()  # those of them that wait for other runs
        self._committing: set[str] = set()  # attempts that have run, whose outputs are being committed
        self._due: dict[int, datetime] = {}

    def keep(self, active: ActiveRun, at: datetime) -> None:
        """The run as a turn at that moment left it."""
        run_id = active.run.id
        self._drop_attempts(run_id)
        self._attempts |= {attempt.uid: (run_id, block) for block, attempt in active.begun.items()}
        self._waiting |= {attempt.uid for attempt in active.begun.values() if attempt.waiting}
        self._committing |= {attempt.uid for attempt in active.committing.values()}
        self.runs[run_id] = active
        self._due.pop(run_id, None)
        if due := active.due(at):
            self._due[run_id] = due

    def look_at(self, run_id: int, at: datetime) -> None:
        """That run is to be looked at then, though nothing happens to it."""
        self._due[run_id] = at

    def forget(self, run_id: int) -> ActiveRun:
        self._drop_attempts(run_id)
        self._due.pop(run_id, None)
        return self.runs.pop(run_id)

    def lose(self, run_id: int, at: datetime) -> ActiveRun:
        """Forgets a run that is another's now; what is reported of its attempts from now on is late."""
        active = self.forget(run_id)
        for block, attempt in (*active.begun.items(), *active.committing.items()):
            self.strays[attempt.uid] = Fenced(run_id, block, attempt.number, attempt.uid, attempt.epoch, at, "")
        return active

    def of_attempt(self, attempt: str) -> tuple[int, str]:
        """The run and block of an attempt that the executor has; run 0 when it has none such."""
        return self._attempts.get(attempt, (0, ""))

    def commits(self, attempt: str) -> bool:
        """Whether the outputs of that attempt are being committed here."""
        return attempt in self._committing

    def due(self, at: datetime) -> Iterator[ActiveRun]:
        """The runs to be looked at though nothing has happened to them."""
        for run_id, due in self._due.items():
            if due <= at:
                yield self.runs[run_id]

    def next_due(self) -> datetime | None:
        return min(self._due.values(), default=None)

    def begun(self) -> int:
        """How many attempts the executor has."""
        return len(self._attempts)

    def busy(self) -> bool:
        """Whether the executor has an attempt, or one is being committed."""
        return bool(self._attempts or self._committing)

    def under_way(self) -> int:
        """How many attempts the executor has, besides those that wait for other runs."""
        return len(self._attempts) - len(self._waiting)

    def wanting(self) -> int:
        """How many block runs have a place or want one. Any thread may ask."""
        return sum(active.wanting() for active in list(self.runs.values()))

    def _drop_attempts(self, run_id: int) -> None:
        before = self.runs.get(run_id)
        if before:
            self._committing -= {attempt.uid for attempt in before.committing.values()}
            for attempt in before.begun.values():
                self._attempts.pop(attempt.uid, None)
                self._waiting.discard(attempt.uid)
