"""Owed: what is still to be found out about outputs of attempts that are over."""

import threading


class Owed:
    """Attempts of which a `Profiled` is still to come, and waiting until there are none."""

    def __init__(self) -> None:
        self._attempts: set[str] = set()
        self._changed = threading.Condition()

    def add(self, attempt: str) -> None:
        with self._changed:
            self._attempts.add(attempt)

    def discard(self, attempt: str) -> None:
        with self._changed:
            self._attempts.discard(attempt)
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Waits, at most that long, until none is owed; whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._attempts, seconds)
