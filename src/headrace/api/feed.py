"""The feed: what happens to runs is read once, as it happens, and given to everybody who follows it.

It is an observer of the engine, which says that something has happened; what other engines do it finds by looking twice
a second, while somebody follows. A thread reads; what it has read is put down for each follower, who is then woken on the
server's event loop. Those who want the same are given the same bytes. The more of them there are, the rarer: the feed takes
a small part of the processor, and runs come first.
"""

import asyncio
import contextlib
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property

from anyio import to_thread

from headrace import clock, errors
from headrace.api import frames, progress
from headrace.api.pace import Pace
from headrace.api.progress import PAGE, Happened, Progress
from headrace.app import App
from headrace.logs.growth import Growth
from headrace.model.reach import Reach
from headrace.model.run import FINAL_RUN, Run
from headrace.operations import run_logs
from headrace.store.changes import Change
from headrace.store.happenings import Happening

LOOK = 0.5  # seconds between two looks at what others have done, while somebody follows
PAGES = 8  # that are read before what is in them is given
MOST_WAITING = 10_000  # events that one follower may be behind, before he has to come again
COST = 100e-6  # seconds of a processor that one follower takes who is woken and written to
READING = 0.1  # of a processor is what may be taken by finding what has happened
GIVING = 0.04  # and by giving it
PORTION = 5  # followers who are woken at once
REMEMBERED = 256  # runs whose end is remembered for those who ask a little late


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody wants; None asks for nothing. A kind is `run.complete`, or the `run` or `block` of it."""

    run_id: int | None = None
    project: str | None = None
    pipeline: str | None = None
    trigger_id: int | None = None
    backfill_id: int | None = None
    kinds: frozenset[str] | None = None
    reach: Reach | None = None  # of who wants them: no others are told

    def takes(self, of: Happening, seen: Collection[int] | None) -> bool:
        """Whether it is wanted; `seen` are the pipelines within reach, None where all are."""
        return (
            (seen is None or of.pipeline_id in seen)
            and self.run_id in (None, of.event.run_id)
            and self.project in (None, of.project)
            and self.pipeline in (None, of.pipeline)
            and self.trigger_id in (None, of.trigger_id)
            and self.backfill_id in (None, of.backfill_id)
            and (self.kinds is None or of.event.kind in self.kinds or of.event.kind.partition(".")[0] in self.kinds)
        )


@dataclass(frozen=True)
class Batch:
    """Events in the order in which they are given, one at least; `written` are their server-sent events."""

    happened: Sequence[Happened]

    @cached_property
    def written(self) -> bytes:
        return b"".join(frames.event(each.name, each.text, str(each.mark)) for each in self.happened)

    @cached_property
    def ends(self) -> bool:
        """Whether a run has ended in it."""
        events = (each.happening.event for each in self.happened)
        return any(event.block is None and event.status in FINAL_RUN for event in events)


class Follower:
    """Somebody who follows: what he has not been given yet, and how he is woken.

    The feed's thread puts down, the event loop takes; each counts for itself.
    """

    def __init__(self, wanted: Wanted, loop: asyncio.AbstractEventLoop) -> None:
        self.wanted = wanted
        self.loop = loop
        self.woken = asyncio.Event()
        self.lost = False  # he was too far behind, or the feed has ended: he has to come again
        self._waiting: deque[Batch] = deque()
        self._given = 0
        self._taken = 0

    def give(self, batch: Batch) -> None:
        self._given += len(batch.happened)
        if self._given - self._taken > MOST_WAITING:
            self.lost = True
        if self.lost:
            self._waiting.clear()
        else:
            self._waiting.append(batch)

    def take(self) -> Batch | None:
        """What comes next; None when that has not happened yet."""
        try:
            batch = self._waiting.popleft()
        except IndexError:
            return None
        self._taken += len(batch.happened)
        return batch


class Feed:
    def __init__(self) -> None:
        self._app: App | None = None
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._joining = threading.Lock()  # held while the database is asked; the engine's thread never waits for it
        self._lock = threading.Lock()
        self._followers: set[Follower] = set()
        self._sequence = Progress(0)
        self._growth: Growth | None = None
        self._ends: dict[int, list[Future[Run]]] = {}
        self._ended: OrderedDict[int, Run] = OrderedDict()
        self._thread = threading.Thread(target=self._live, name="feed", daemon=True)
        self.pace = Pace()  # of those who follow: what they read for themselves
        self.mark = 0  # everything up to it has been given to those who follow

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        """The engine has recorded something; those who wait for the run's end are told at once."""
        if run.status in FINAL_RUN:
            self._tell_of_end(run)
        elif run.id in self._ended:
            self.reopened(run.id)
        self._woken.set()

    def start(self, app: App) -> None:
        self._app, self._growth = app, run_logs.growth(app)
        self._thread.start()

    def close(self) -> None:
        """Everybody who follows is let go."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._growth:
            self._growth.close()
        with self._lock:
            followers, waiting = set(self._followers), [each for those in self._ends.values() for each in those]
        for each in followers:
            each.lost = True
        _wake(followers)
        for each in waiting:
            each.cancel()

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    @property
    def growth(self) -> Growth:
        """Tells when logs grow."""
        if not self._growth:
            raise RuntimeError("the feed has not been started")
        return self._growth

    @contextlib.asynccontextmanager
    async def following(self, wanted: Wanted) -> AsyncGenerator[Follower]:
        """Somebody follows from now on what he wants. StoreUnavailable."""
        follower = Follower(wanted, asyncio.get_running_loop())
        await to_thread.run_sync(self._join, follower)
        try:
            yield follower
        finally:
            with self._lock:
                self._followers.discard(follower)

    def seen(self, reach: Reach | None) -> Collection[int] | None:
        """The ids of the pipelines within reach as of now; None for all. StoreUnavailable."""
        if reach is None or reach.sees_all or self._app is None:
            return None
        return self._app.store.within(reach).projects.pipeline_ids()

    def end_of(self, run_id: int) -> "Future[Run]":
        """The final run, once this server's engine has recorded its end; `forget` it when nobody waits any more."""
        future: Future[Run] = Future()
        with self._lock:
            if run_id in self._ended:
                future.set_result(self._ended[run_id])
            elif self._closing.is_set():
                future.cancel()
            else:
                self._ends.setdefault(run_id, []).append(future)
        return future

    def forget(self, run_id: int, future: "Future[Run]") -> None:
        with self._lock:
            waiting = self._ends.get(run_id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._ends.pop(run_id, None)

    def reopened(self, run_id: int) -> None:
        """The run was asked to go on: its end is one to come."""
        with self._lock:
            self._ended.pop(run_id, None)

    def _tell_of_end(self, run: Run) -> None:
        with self._lock:
            waiting = self._ends.pop(run.id, [])
            self._ended[run.id] = run
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(run)

    def _join(self, follower: Follower) -> None:
        """The first of them has the feed begin with what comes now."""
        with self._joining:
            begun = progress.from_now(self._app) if not self._followers and self._app else None
            with self._lock:
                if begun:
                    self._sequence, self.mark = begun, begun.mark
                follower.lost = self._closing.is_set()
                self._followers.add(follower)
        self._woken.set()

    def _live(self) -> None:
        while not self._closing.is_set():
            self._woken.wait(LOOK if self._followers else None)
            self._woken.clear()
            try:
                rest = self._round()
            except errors.StoreUnavailable as error:
                logging.getLogger(__name__).warning("the feed cannot look for what has happened: %s", error)
                rest = LOOK
            except Exception:
                logging.getLogger(__name__).exception("the feed cannot look for what has happened")
                rest = LOOK
            self._closing.wait(rest)

    def _round(self) -> float:
        """Gives what has happened to those who want it; for how long to look no more, in seconds."""
        with self._lock:
            sequence, followed = self._sequence, bool(self._followers)
        if not followed or not self._app:
            return 0.0
        began = clock.monotonic()
        try:
            woken = give(self._look(self._app, sequence), self._who_follow(sequence), self.seen)
        except Exception:
            self._begin_again(sequence)
            raise
        self._has_given(sequence)
        took = clock.monotonic() - began
        self._wake(woken)
        return min(LOOK, took / READING)

    def _who_follow(self, sequence: Progress) -> list[Follower]:
        """Those who follow once it was looked: who joined meanwhile may have read for himself before what was found came."""
        with self._lock:
            return list(self._followers) if sequence is self._sequence else []

    def _has_given(self, sequence: Progress) -> None:
        with self._lock:
            if sequence is self._sequence:
                self.mark = sequence.mark

    def _begin_again(self, sequence: Progress) -> None:
        """What was found and could not be given is found once more."""
        with self._lock:
            if sequence is self._sequence:
                self._sequence = Progress(self.mark)

    def _look(self, app: App, sequence: Progress) -> list[Happened]:
        found = list[Happened]()
        for _ in range(PAGES):
            page = sequence.look(app)
            found += page
            if len(page) < PAGE:
                return found
        self._woken.set()
        return found

    def _wake(self, followers: Sequence[Follower]) -> None:
        """Some at a time, and in between the event loop and the engine have the processor."""
        for start in range(0, len(followers), PORTION):
            portion = followers[start : start + PORTION]
            _wake(portion)
            self._closing.wait(len(portion) * COST / GIVING)


Seen = Callable[[Reach | None], Collection[int] | None]


def give(found: Sequence[Happened], followers: Iterable[Follower], seen: Seen) -> list[Follower]:
    """Puts down for each follower what he wants of it; who was given something."""
    of_run: dict[int, list[Happened]] = {}
    for each in found:
        of_run.setdefault(each.happening.event.run_id, []).append(each)
    batches: dict[Wanted, Batch | None] = {}
    given = list[Follower]()
    for each in followers:
        wanted = each.wanted
        if wanted not in batches:
            theirs = found if wanted.run_id is None else of_run.get(wanted.run_id, ())
            batches[wanted] = _batch(theirs, wanted, seen(wanted.reach)) if theirs else None
        if batch := batches[wanted]:
            each.give(batch)
            given.append(each)
    return given


def _batch(found: Sequence[Happened], wanted: Wanted, seen: Collection[int] | None) -> Batch | None:
    happened = [each for each in found if wanted.takes(each.happening, seen)]
    return Batch(happened) if happened else None


def _wake(followers: Iterable[Follower]) -> None:
    """All those of one event loop with one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Event]] = {}
    for each in followers:
        by_loop.setdefault(each.loop, []).append(each.woken)
    for loop, events in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(_set_all, events)


def _set_all(events: Sequence[asyncio.Event]) -> None:
    for each in events:
        each.set()
