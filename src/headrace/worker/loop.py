"""Loop: waits for whichever of many files or moments comes first, and calls what was asked for it."""

import contextlib
import heapq
import itertools
import selectors
from collections.abc import Callable
from typing import Any

from headrace import clock

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Alarm:
    """A call at a moment to come, until it is cancelled."""

    __slots__ = ("then",)

    def __init__(self, then: Callable[[], None]) -> None:
        self.then: Callable[[], None] | None = then

    def cancel(self) -> None:
        self.then = None


class Loop:
    """One thread, no polling. Times are those of `clock.monotonic`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._crowd = 1024  # so many alarms make one look for those that were cancelled

    def watch(self, file: Any, on_ready: Callable[[], None]) -> None:
        """Calls it whenever the file can be read."""
        self._selector.register(file, _READ, on_ready)

    def want_write(self, file: Any, wanted: bool) -> None:
        """Whether the callable of a watched file is to be called when it can be written to, too."""
        key = self._selector.get_key(file)
        events = _READ | _WRITE if wanted else _READ
        if key.events != events:
            self._selector.modify(file, events, key.data)

    def forget(self, file: Any) -> None:
        """Ends the watch of a file, if there is one; to be called before the file is closed."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(file)

    def after(self, seconds: float, then: Callable[[], None]) -> Alarm:
        """Calls it once, that much later, unless the alarm is cancelled before."""
        alarm = Alarm(then)
        heapq.heappush(self._alarms, (clock.monotonic() + seconds, next(self._numbers), alarm))
        if len(self._alarms) > self._crowd:
            self._drop_cancelled()
        return alarm

    def turn(self) -> None:
        """Waits for something, and calls what was asked for everything that has come."""
        watched = self._selector.get_map()
        for key, _ in self._selector.select(self._patience()):
            if watched.get(key.fd) is key:  # an earlier call may have ended this watch
                key.data()
        now = clock.monotonic()
        while self._alarms and self._alarms[0][0] <= now:
            if then := heapq.heappop(self._alarms)[2].then:
                then()

    def _patience(self) -> float | None:
        while self._alarms and self._alarms[0][2].then is None:
            heapq.heappop(self._alarms)
        return max(0.0, self._alarms[0][0] - clock.monotonic()) if self._alarms else None

    def _drop_cancelled(self) -> None:
        self._alarms = [entry for entry in self._alarms if entry[2].then is not None]
        heapq.heapify(self._alarms)
        self._crowd = max(1024, 2 * len(self._alarms))
