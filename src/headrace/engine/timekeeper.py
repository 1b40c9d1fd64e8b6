"""Timekeeper: looks after whatever begins by itself. Each of its services says when it is to be asked again."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from headrace import clock, errors

LOOK = 5.0  # seconds; nothing is looked at more often without a reason
AGAIN = 0.5  # seconds after which a database that could not be reached is asked again


class Service(Protocol):
    """Something to be done from time to time."""

    def run_once(self, now: datetime) -> datetime | None:
        """Does what is to be done now; the moment at which it is to be asked again, None when only a wake tells."""
        ...


class Timekeeper:
    """Runs services, by name, in a thread of its own: when one of them is due, or all when it is woken.

    What goes wrong in one of them is told, and neither ends it nor holds up the others.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._due: dict[str, datetime | None] = {}
        self._all_at = 0.0  # by the clock that never goes back: then all are asked, whatever they have said
        self._woken = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._live, name="timekeeper", daemon=True)

    def start(self) -> None:
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Something may have changed: every service is asked."""
        self._woken.set()

    def close(self) -> None:
        """Nothing begins by itself any more."""
        self._closing = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _live(self) -> None:
        pause = 0.0
        while not self._closing:
            woken = self._woken.wait(pause) or clock.monotonic() >= self._all_at
            self._woken.clear()
            if not self._closing:
                pause = self._look(clock.now(), all_of_them=woken)

    def _look(self, now: datetime, *, all_of_them: bool) -> float:
        """Asks the services that are due; in how many seconds the next is."""
        if all_of_them:
            self._all_at = clock.monotonic() + LOOK
        for name, service in self._services.items():
            due = self._due.get(name)
            if all_of_them or (due and due <= now):
                self._due[name] = self._ask(name, service, now)
        coming = [(due - clock.now()).total_seconds() for due in self._due.values() if due]
        return max(0.0, min([self._all_at - clock.monotonic(), *coming]))

    def _ask(self, name: str, service: Service, now: datetime) -> datetime | None:
        """When it is due again."""
        try:
            return service.run_once(now)
        except errors.StoreUnavailable as error:
            logging.getLogger(__name__).warning("the %s waits for the database: %s", name, error)
            return now + timedelta(seconds=AGAIN)
        except Exception:
            logging.getLogger(__name__).exception("the %s failed", name)
            return None
