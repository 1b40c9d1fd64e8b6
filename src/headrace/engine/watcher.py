"""Watcher: looks at what file rules are about, and writes down the files that are new, or have changed, and have settled.

A look goes on in a thread of its own, for a file system far away may take its time: it holds up neither other looks
nor whatever else begins by itself. One that gives no answer in time is given up, and its trigger says so.
"""

import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace import errors
from headrace.engine import listing
from headrace.model import watch as watches
from headrace.model.watch import MOST, Found, Sight
from headrace.store import Store
from headrace.store.watches import News, Watch

AT_ONCE = 8  # looks
PATIENCE = timedelta(seconds=60)  # after which a look is given up

Begin = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Look:
    """A look that has come to its end: the files that were found, or why there was nothing to be found out."""

    watch: Watch
    began: datetime
    found: Mapping[str, Found] | Exception


def _in_a_thread(deed: Callable[[], None]) -> None:
    threading.Thread(target=deed, name="look", daemon=True).start()


class Watcher:
    """`wake` is called, from any thread, when a look has ended; then it wants to be asked again."""

    def __init__(self, store: Store, wake: Callable[[], None], begin: Begin = _in_a_thread) -> None:
        self._store = store
        self._wake = wake
        self._begin = begin
        self._going: dict[int, datetime] = {}  # rules that are being looked at, and until when that is waited for
        self._ended: queue.SimpleQueue[Look] = queue.SimpleQueue()

    def run_once(self, now: datetime) -> datetime | None:
        """Begins the looks that are due, and writes down what those that have ended have found; when the next is due."""
        self._begin_due(now)
        while not self._ended.empty():
            self._end(self._ended.get(), now)
        return self._store.watches.next_due()

    def _begin_due(self, now: datetime) -> None:
        free = AT_ONCE - sum(until > now for until in self._going.values())
        due = self._store.watches.due(now, free) if free > 0 else []
        for each in (silent for silent in due if silent.rule_id in self._going):
            why = f"there was no answer within {PATIENCE.total_seconds():g} seconds"
            self._store.watches.fail(each, why, now + PATIENCE)
        for each in self._store.watches.take((each for each in due if each.rule_id not in self._going), now + PATIENCE):
            self._going[each.rule_id] = each.look_at
            self._begin(lambda watch=each: self._look(watch, now))

    def _look(self, watch: Watch, began: datetime) -> None:
        try:
            found: Mapping[str, Found] | Exception = listing.read(watch.rule.subject, watch.folder)
        except Exception as error:
            found = error
        self._ended.put(Look(watch, began, found))
        self._wake()

    def _end(self, look: Look, now: datetime) -> None:
        del self._going[look.watch.rule_id]
        try:
            self._record(look, now)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("rule %s cannot be looked after", look.watch.rule_id)
            self._store.watches.fail(look.watch, _told(error), look.began + PATIENCE)

    def _record(self, look: Look, now: datetime) -> None:
        watch, found = look.watch, look.found
        if isinstance(found, Exception):
            self._fail(look, found)
        elif len(found) > MOST:
            self._fail(look, ValueError(f"{len(found):,} files match; at most {MOST:,} are looked after"))
        else:
            sight = _sight(watch, found, look.began)
            again = watches.next_look(look.began, watch.rule.every, sight.rests_at)
            self._store.watches.saw(
                watch, sight.seen, [_news(watch, path, found[path]) for path in sight.news], again, now
            )

    def _fail(self, look: Look, error: Exception) -> None:
        again = watches.next_look(look.began, look.watch.rule.every)
        self._store.watches.fail(look.watch, _told(error), again)


def _sight(watch: Watch, found: Mapping[str, Found], at: datetime) -> Sight:
    if watch.seen is None:
        return watches.begin(found, at)
    return watches.look(watch.seen, found, at, watch.rule.settle)


def _news(watch: Watch, path: str, found: Found) -> News:
    this = f"{path}\0{found.size}\0{found.stamp}"
    mark = f"{watch.rule_id}:{hashlib.blake2b(this.encode(errors='surrogateescape'), digest_size=16).hexdigest()}"
    return News(mark, {"path": path, "size": found.size, "modified": found.modified})


def _told(error: Exception) -> str:
    """What went wrong, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = " ".join(str(error).split())
    return said if isinstance(error, ValueError | ImportError) and said else f"{type(error).__name__}: {said}"
