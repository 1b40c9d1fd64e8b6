"""Auditing: deeds are written down soon after they were done, many at once, so that nobody waits for it.

They lie in memory for a fifth of a second at most, or for as long as the database does not answer; a kill loses those,
and an end in good order none. Of more than MOST that wait, those that come then are only counted.
"""

import logging
import queue
import threading
from dataclasses import replace
from datetime import datetime

from headrace import clock, errors
from headrace.model.audit import Deed, Outcome
from headrace.store.audit import Audit

PAUSE = 0.2  # seconds from one batch to the next
MOST = 10_000  # deeds that wait to be written
AT_ONCE = 500
ADDRESSES = 64  # of callers whom nobody knows, that are told apart
MINUTE = 60.0  # seconds: what callers whom nobody knows have tried is written down so often


class Auditor:
    """Takes deeds from any thread; one thread of its own writes them, from the first on."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._waiting: queue.SimpleQueue[Deed] = queue.SimpleQueue()
        self._unknown: dict[tuple[str, str, str | None], Deed] = {}
        self._left_out = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, deed: Deed) -> None:
        """It is written down soon."""
        if self._waiting.qsize() < MOST:
            self._waiting.put(deed)
        else:
            self._left_out += 1
        self._begin()

    def count(self, via: str, problem: str, address: str | None, at: datetime) -> None:
        """Somebody whom nobody knows wanted in: told once a minute, with how often, of each address."""
        with self._lock:
            key = (via, problem, address)
            if key not in self._unknown and len(self._unknown) >= ADDRESSES:
                key = (via, problem, None)
            if known := self._unknown.get(key):
                self._unknown[key] = replace(known, count=known.count + 1)
            else:
                self._unknown[key] = Deed(
                    at=at,
                    who="nobody known",
                    deed="server.enter",
                    noun="server",
                    outcome=Outcome.REFUSED,
                    problem=problem,
                    address=key[2],
                    via=via,
                )
        self._begin()

    def close(self) -> None:
        """Everything that was noted is written."""
        self._closing.set()
        if self._thread:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._live, name="auditor", daemon=True)
                    self._thread.start()

    def _live(self) -> None:
        told = clock.monotonic()
        while not self._closing.wait(PAUSE):
            if clock.monotonic() - told >= MINUTE:
                self._tell_unknown()
                told = clock.monotonic()
            self._write_all()
        self._tell_unknown()
        self._write_all()

    def _tell_unknown(self) -> None:
        with self._lock:
            unknown, self._unknown = self._unknown, {}
        for each in unknown.values():
            self._waiting.put(each)

    def _write_all(self) -> None:
        while deeds := self._taken():
            if not self._written(deeds):
                return

    def _taken(self) -> list[Deed]:
        return [self._waiting.get() for _ in range(min(self._waiting.qsize(), AT_ONCE))]

    def _written(self, deeds: list[Deed]) -> bool:
        """Whether they are; otherwise they wait again, behind what has come since."""
        try:
            self._audit.add(deeds)
        except errors.StoreUnavailable as error:
            logging.getLogger(__name__).warning("the audit waits to be written: %s", error)
            for each in deeds:
                self._waiting.put(each)
            return False
        except Exception:
            if len(deeds) > 1:
                alone = [self._written([each]) for each in deeds]
                return all(alone)
            logging.getLogger(__name__).exception("a deed could not be written into the audit")
        if self._left_out:
            left, self._left_out = self._left_out, 0
            logging.getLogger(__name__).error("%s deeds are missing in the audit: too many came at once", left)
        return True
