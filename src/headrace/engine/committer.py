"""The committer: what attempts have written becomes versions of datasets, in threads beside the loop.

The loop hands a commit over once it is recorded that the attempt is `committing`, and records what became of it. An
engine that takes up such a run hands the same commit to its own committer. The table's own log says whether it has the
attempt's version, so it gets that once, whoever is killed when; and who holds the run no longer does not commit.

That an attempt is not committed is said only where it cannot be any more. Where that is not certain, as others may be at it
or the answer to a try was lost, it is made void first. Where not even that can be done nobody knows what became of it:
the attempt commits until that is known, and whoever asks is told why.
"""

import contextlib
import logging
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from headrace import clock, errors
from headrace.datasets import committing, names, tables, voiding
from headrace.datasets.committing import Staged
from headrace.engine.commits import Commit, Committed, NotCommitted, Outdated, Undecided
from headrace.engine.lines import Lines, Waiting
from headrace.engine.wakes import CommitTold
from headrace.model import dataset
from headrace.model.dataset import WriteMode
from headrace.model.run import Failure
from headrace.settings import Settings
from headrace.store import Store

AT_ONCE = 2  # commits; each of an upsert may take half a gigabyte of memory
AGAIN = 0.5  # seconds after which it is tried again, where the database could not be reached
LONGEST = 30.0  # seconds that the end of an engine waits for commits; an object store may never answer


class Tables(Protocol):
    """Where commits are made, and what was not is made void: see `datasets.voiding`."""

    def commit(self, place: str, staged: Staged, newest: int | None) -> committing.Committed: ...

    def void(self, place: str, staged: Staged) -> committing.Committed | None: ...


class _Table(NamedTuple):
    """Where the table of a dataset lies, as its row says it and wholly, and its newest version that is recorded."""

    location: str
    place: str
    newest: int | None


class Committer:
    """`tell` hears what became of each commit, from any thread; `where` they are made is told by `datasets.voiding`."""

    def __init__(
        self, store: Store, settings: Settings, tell: Callable[[CommitTold], None], where: Tables = voiding
    ) -> None:
        self._store = store
        self._settings = settings
        self._tell = tell
        self._tables = where
        self._lines = Lines()
        self._changed = threading.Condition()
        self._closing = False
        self._threads: list[threading.Thread] = []

    def expect(self) -> None:
        """There will be commits: who makes them begins, and gets ready what they need. Any thread may say so."""
        with self._changed:
            while len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._live, name="engine-committer", daemon=True)
                thread.start()
                self._threads.append(thread)

    def take(self, commit: Commit) -> None:
        """Makes it in its turn, if any was expected. Once it was closed it makes none."""
        with self._changed:
            self._lines.join(Waiting(commit))
            self._changed.notify_all()

    def close(self) -> None:
        """Waits for what is under way; what still stands in line is for whoever goes on with its run."""
        with self._changed:
            self._closing, threads = True, [*self._threads]
            self._changed.notify_all()
        until = clock.monotonic() + LONGEST
        for thread in threads:
            thread.join(max(0.0, until - clock.monotonic()))

    def run_once(self, commit: Commit, at: datetime, *, doubted: bool = False) -> CommitTold:
        """One try, and what became of it; of one that is `doubted` it is not known whether an earlier try has made it.

        StoreUnavailable when the rows cannot be asked: then it was not tried.
        """
        doubted = doubted or commit.taken_up or commit.withdrawn
        try:
            staged = self._staged(commit, at)
        except Exception as error:  # nobody can ever have committed that
            return NotCommitted(commit, _failure(error))
        try:
            table = self._table(commit, at)
            if not commit.withdrawn and not self._store.runs.is_committing(commit.attempt, commit.epoch):
                return Outdated(commit)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            return (Undecided if doubted else NotCommitted)(commit, _failure(error))
        return self._void(commit, table, staged) if commit.withdrawn else self._try(commit, table, staged, doubted)

    def _try(self, commit: Commit, table: _Table, staged: Staged, doubted: bool) -> CommitTold:
        try:
            return Committed(commit, table.location, self._tables.commit(table.place, staged, table.newest))
        except errors.DatasetBehind as error:  # what it has, or had, cannot be seen in another table
            return (Undecided if doubted else NotCommitted)(commit, _failure(error))
        except Exception as error:
            if doubted or not _is_sure(error):
                return self._void(commit, table, staged, error)
            return NotCommitted(commit, _failure(error))

    def _void(self, commit: Commit, table: _Table, staged: Staged, error: Exception | None = None) -> CommitTold:
        """It is not committed for that error, and cannot be any more, unless it has been after all."""
        try:
            found = self._tables.void(table.place, staged)
        except Exception as failed:
            return Undecided(commit, _failure(failed))
        if found:
            return Committed(commit, table.location, found)
        return NotCommitted(commit, _failure(_settled(error or errors.DatasetRefused(place=table.place, why=_LET_GO))))

    def _table(self, commit: Commit, at: datetime) -> _Table:
        """Of its dataset, which has a row from now on."""
        usual = names.location(self._settings.datasets, commit.dataset)
        found = self._store.datasets.ensure(commit.dataset, usual, at)
        (standing,) = self._store.datasets.standing([found])
        newest = standing.newest.version if standing.newest else None
        return _Table(found.location, names.absolute(self._settings.home, found.location), newest)

    def _staged(self, commit: Commit, at: datetime) -> Staged:
        """BadDatasetName, and other errors for what is no output of a dataset."""
        dataset.check(commit.dataset)
        output = commit.output
        return Staged(
            attempt=commit.attempt,
            files=[self._settings.home / output.path],
            mode=WriteMode(output.extra["mode"]),
            keys=output.extra.get("keys", ()),
            run=commit.run,
            block=commit.block,
            at=at,
        )

    # The threads

    def _live(self) -> None:
        with contextlib.suppress(Exception):  # the first commit will say what is wrong
            tables.get_ready()
        while waiting := self._next():
            self._make(waiting)

    def _next(self) -> Waiting | None:
        with self._changed:
            while not self._closing:
                now = clock.monotonic()
                if found := self._lines.take(now):
                    return found
                self._changed.wait(self._lines.pause(now))
        return None

    def _make(self, waiting: Waiting) -> None:
        told = self._told(waiting)
        if told:
            self._tell(told)
        with self._changed:
            self._lines.leave(waiting)
            if isinstance(told, Undecided):
                self._lines.join(waiting.doubted(clock.monotonic()))
            self._changed.notify_all()

    def _told(self, waiting: Waiting) -> CommitTold | None:
        """What became of it; None when the committer is to end before the database has answered."""
        while not self._closing:
            try:
                return _said(self.run_once(waiting.commit, clock.now(), doubted=waiting.doubts > 0))
            except errors.StoreUnavailable as error:
                _LOG.warning("attempt %s is to be committed again: %s", waiting.commit.attempt, error)
            except BaseException as error:  # a library has panicked, of which nobody knows what it had done by then
                return _said(Undecided(waiting.commit, _failure(error)))
            with self._changed:
                self._changed.wait_for(lambda: self._closing, AGAIN)
        return None


_LOG = logging.getLogger(__name__)
_LET_GO = "their run was let go"


def _said(told: CommitTold) -> CommitTold:
    """What somebody has to look after is in the log, too."""
    match told:
        case Undecided(commit, failure):
            _LOG.warning("attempt %s: it is not known whether it is committed: %s", commit.attempt, failure.message)
        case Committed(commit) if commit.withdrawn:
            which = f"version {told.version.version} of the dataset {commit.dataset}"
            _LOG.error("attempt %s of run %s, which was let go, has made %s", commit.attempt, commit.run_id, which)
        case _:
            pass
    return told


def _is_sure(error: Exception) -> bool:
    """Whether it says that nothing was written."""
    return isinstance(error, errors.HeadraceError) and not isinstance(
        error, errors.DatasetInDoubt | errors.StoreUnavailable
    )


def _settled(error: Exception) -> Exception:
    """The error as it is told once what it left in doubt is void."""
    return errors.DatasetUnwritable(**error.facts) if isinstance(error, errors.DatasetInDoubt) else error


def _failure(error: BaseException) -> Failure:
    """Where the error is none that was raised on purpose, it is told from where it came."""
    expected = isinstance(error, errors.HeadraceError)
    told = "" if expected else "".join(traceback.format_exception(error))
    return Failure(type=type(error).__name__, message=str(error), traceback=told)
