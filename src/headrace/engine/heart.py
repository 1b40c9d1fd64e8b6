"""The heart: says, over and over, that this engine lives, and tells the executor how long its blocks may go on.

An engine has a row for as long as it lives. Where several machines share a database the row has a lease; whoever finds
it over may delete the row and take the engine's runs. Its blocks are gone by then: the executor ends them at a moment
counted from before the lease was last extended, whatever has become of this process.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from headrace import clock, errors
from headrace.engine.executor import Executor
from headrace.store import Store

BEATS = 4  # in the time of one lease
AGAIN = 1.0  # seconds after which a beat that failed is tried again


class Heart:
    """`lease` is in seconds; `deposed` is called when this engine was taken for dead."""

    def __init__(self, store: Store, executor: Executor, lease: float, deposed: Callable[[], None]) -> None:
        self._store = store
        self._executor = executor
        self._lease = lease
        self._deposed = deposed
        self._name = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="engine-heart", daemon=True)

    def start(self, name: str, since: float) -> None:
        """Beats for the engine of that name; see `go_on_as`."""
        self.go_on_as(name, since)
        self._thread.start()

    def go_on_as(self, name: str, since: float) -> None:
        """The row of that name was made no earlier than `since`, of the clock that goes on while a machine sleeps."""
        self._name = name
        self._executor.extend(since + self._lease)

    def run_once(self, at: datetime) -> bool:
        """One beat; whether the database could be reached."""
        since = clock.boottime()
        try:
            lives = self._store.engines.beat(self._name, self._lease, at)
            if not lives:
                self._deposed()
        except errors.StoreUnavailable as error:
            logging.getLogger(__name__).warning("the engine could not say that it lives: %s", error)
            return False
        except Exception:
            logging.getLogger(__name__).exception("the engine could not say that it lives")
            return False
        if lives:
            self._executor.extend(since + self._lease)
        return True

    def close(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _live(self) -> None:
        pause = self._lease / BEATS
        while not self._ending.wait(pause):
            pause = self._lease / BEATS if self.run_once(clock.now()) else min(AGAIN, self._lease / BEATS)
