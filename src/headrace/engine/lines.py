"""Lines: commits that wait, one line for each dataset, and which of them is the next to be made."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from headrace.engine.commits import Commit

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds after each try that has left open what became of it


@dataclass(frozen=True, slots=True)
class Waiting:
    """A commit that is to be made, not before `due` by the clock of the callers (seconds).

    `doubts` counts the tries after which nobody knew whether it was made.
    """

    commit: Commit
    doubts: int = 0
    due: float = 0.0

    @property
    def line(self) -> str:
        """The dataset's, however it is spelt."""
        return self.commit.dataset.lower()

    def doubted(self, now: float) -> "Waiting":
        """As it waits after one more such try; the longer it takes, the rarer it is tried."""
        pause = PAUSES[min(self.doubts, len(PAUSES) - 1)]
        return replace(self, doubts=self.doubts + 1, due=now + pause)


class Lines:
    """Of one dataset one commit at a time is made, the first first. One that is in doubt steps aside: others pass it, and
    of all that are in doubt one at a time is tried again, so that they hold up nobody else."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._aside: list[Waiting] = []
        self._going: list[Waiting] = []

    def join(self, waiting: Waiting) -> None:
        (self._aside if waiting.doubts else self._waiting).append(waiting)

    def take(self, now: float) -> Waiting | None:
        """The next one, which is under way from now on; None when there is none that can be."""
        found = next(self._free(now), None)
        if found:
            (self._aside if found.doubts else self._waiting).remove(found)
            self._going.append(found)
        return found

    def leave(self, waiting: Waiting) -> None:
        """It is under way no more."""
        self._going.remove(waiting)

    def pause(self, now: float) -> float | None:
        """Seconds until one may be taken that cannot be now; None when time alone changes nothing."""
        return min((each.due - now for each in self._aside if each.due > now), default=None)

    def _free(self, now: float) -> Iterator[Waiting]:
        busy = {each.line for each in self._going}
        doubting = any(each.doubts for each in self._going)
        for each in itertools.chain(self._waiting, () if doubting else self._aside):
            if each.line not in busy and each.due <= now:
                yield each
