"""Failures: how often something has gone wrong lately, so that nobody goes on trying for ever."""

import threading
from collections import OrderedDict, deque
from collections.abc import Collection

MOST = 10  # failures
SPAN = 300.0  # seconds within which they are counted
REMEMBERED = 10_000  # subjects; of more, those are forgotten that were tried longest ago


class Failures:
    """A try counts as a failure from its beginning on, until it is forgiven: so none slips in beside others.

    Moments are in seconds, of any clock that goes on. Any thread may use it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def begin(self, subjects: Collection[str], at: float) -> float:
        """Counts a try of each subject, unless one of them has failed too often: for how many seconds to wait then, else 0."""
        with self._lock:
            if wait := max(self._wait(each, at) for each in subjects):
                return wait
            for each in subjects:
                self._tries.setdefault(each, deque()).append(at)
                self._tries.move_to_end(each)
            while len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)
        return 0.0

    def forgive(self, subjects: Collection[str], at: float) -> None:
        """The try of that moment was none that failed."""
        with self._lock:
            for each in subjects:
                tries = self._tries.get(each, deque[float]())
                if at in tries:
                    tries.remove(at)
                if not tries:
                    self._tries.pop(each, None)

    def _wait(self, subject: str, at: float) -> float:
        tries = self._tries.get(subject, deque[float]())
        while tries and tries[0] <= at - SPAN:
            tries.popleft()
        return tries[0] + SPAN - at if len(tries) >= MOST else 0.0
