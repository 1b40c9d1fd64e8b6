"""Those who want to know: told of every change after it is recorded, on the loop's thread. They must not linger."""

from collections.abc import Sequence
from typing import Protocol

from headrace.model.run import Run
from headrace.store.changes import Change


class Observer(Protocol):
    def told(self, run: Run, changes: Sequence[Change]) -> None:
        """These changes of that run are recorded; `run` is as they left it."""
        ...
