"""Growth: tells when logs of a run grow or are made, to however many want to know, by one thread.

On Linux the kernel tells (`inotify`). What it does not hear of (another machine writes to a disk that both see; no more
folders may be watched; another system) is found by looking at the sizes of the files now and then.
"""

import os
import select
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from headrace import clock
from headrace.logs.inotify import Inotify

LOOK = 1.0  # seconds between two looks at files that the kernel tells of
LOOK_ALONE = 0.25  # and where it does not
REST = 0.02  # seconds after a wake in which what comes is gathered into the next

Callback = Callable[[], object]
Sizes = dict[str, int]


class Growth:
    """The logs below a folder, which has a folder for each run. Its thread begins with the first watch.

    Threads may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._callbacks: dict[str, list[Callback]] = {}
        self._sizes: dict[str, Sizes] = {}
        self._kernel: Inotify | None = None
        self._stirred = -1  # an event that ends the thread's wait
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def watch(self, run: str, callback: Callback) -> Callback:
        """From now on calls back after some log of the run of that uid has grown, until what it returns is called.

        That may be called from any thread, and more than once. What was written before is not told: read once when
        `watch` has returned. The callback is called in the growth's own thread, for much that was written soon one after the
        other only once, and now and then for nothing; it must be quick and raise nothing.
        """
        with self._lock:
            if self._is_closed:
                return lambda: None
            self._begin()
            if run not in self._callbacks:
                self._callbacks[run], self._sizes[run] = [], self._look(run)
                if self._kernel:
                    self._kernel.add(run)
            self._callbacks[run].append(callback)
            self._stir()
        return lambda: self._forget(run, callback)

    def close(self) -> None:
        """Nobody is called back any more, also of those who would watch from now on."""
        with self._lock:
            self._callbacks.clear()
            is_first, self._is_closed = not self._is_closed, True
            if not self._thread or not is_first:
                return
            self._stir()
        self._thread.join()
        os.close(self._stirred)
        if self._kernel:
            self._kernel.close()

    def _forget(self, run: str, callback: Callback) -> None:
        with self._lock, suppress(KeyError, ValueError):
            self._callbacks[run].remove(callback)
            if not self._callbacks[run]:
                del self._callbacks[run], self._sizes[run]
                if self._kernel:
                    self._kernel.remove(run)

    def _begin(self) -> None:
        if not self._thread:
            self._stirred = os.eventfd(0, os.EFD_CLOEXEC)
            self._kernel = Inotify.of(self._folder)
            self._thread = threading.Thread(target=self._live, name="growth", daemon=True)
            self._thread.start()

    def _stir(self) -> None:
        os.eventfd_write(self._stirred, 1)

    def _live(self) -> None:
        looked = clock.monotonic()
        every = LOOK if self._kernel else LOOK_ALONE
        while not self._is_closed:
            grown = set(self._told(looked + every - clock.monotonic()))
            if clock.monotonic() >= looked + every:
                grown |= set(self._seen())
                looked = clock.monotonic()
            if grown:
                self._call(grown)
                self._wait(REST, self._stirred)

    def _told(self, patience: float) -> Collection[str]:
        """The runs of which the kernel tells; waits until it does, for so many seconds while anything is watched."""
        if not self._kernel:
            self._wait(patience if self._callbacks else None, self._stirred)
            return ()
        if self._kernel.file not in self._wait(patience if self._callbacks else None, self._stirred, self._kernel.file):
            return ()
        with self._lock:
            return self._kernel.read(self._callbacks)

    def _wait(self, patience: float | None, *files: int) -> list[int]:
        readable, _, _ = select.select(files, [], [], None if patience is None else max(0.0, patience))
        if self._stirred in readable:
            os.eventfd_read(self._stirred)
        return readable

    def _seen(self) -> list[str]:
        """The runs whose logs are not as they were at the last look."""
        with self._lock:
            before, self._sizes = self._sizes, {run: self._look(run) for run in self._callbacks}
            return [run for run, sizes in self._sizes.items() if sizes != before.get(run)]

    def _look(self, run: str) -> Sizes:
        try:
            with os.scandir(self._folder / run) as entries:
                return {entry.name: entry.stat().st_size for entry in entries}
        except OSError:
            return {}

    def _call(self, runs: Collection[str]) -> None:
        with self._lock:
            callbacks = [callback for run in runs for callback in self._callbacks.get(run, ())]
        for callback in callbacks:
            callback()
