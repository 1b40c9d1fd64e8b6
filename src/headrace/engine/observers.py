"""Those who want to know: told of every change after it is recorded, on the loop's thread. They must not linger."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from headrace.model.run import FINAL_RUN, Run
from headrace.model.schedule import ALWAYS_ON, ONCE
from headrace.store.changes import Change


class Observer(Protocol):
    def told(self, run: Run, changes: Sequence[Change]) -> None:
        """These changes of that run are recorded; `run` is as they left it."""
        ...


def tell(observers: Iterable[Observer], run: Run, changes: Sequence[Change]) -> None:
    """Tells each of them. What goes wrong in one is its own: the run goes on."""
    for observer in observers:
        try:
            observer.told(run, changes)
        except Exception:
            logging.getLogger(__name__).exception("an observer failed on run %s", run.id)


class Ends:
    """Calls back when a run has ended for which its trigger, or its backfill, may go on."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        if run.status in FINAL_RUN and (run.backfill_id or run.occasion.interval in (ONCE, ALWAYS_ON)):
            self._ended()
