"""What a block left behind that cannot be put back: each is a reason to retire the worker, and no fault of the block."""

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator

MEMORY = 256 * 2**20  # bytes that the process may hold more than before
DESCRIPTORS = 64  # files that may be open more than before
_PAGE = os.sysconf("SC_PAGESIZE")
_STREAMS = (0, 1, 2)


class Leftovers:
    """What there is at the moment of its making; `found` says what has come since."""

    def __init__(self) -> None:
        self._native = _native_threads()
        self._memory = _own_memory()
        self._descriptors = _open_descriptors()
        self._streams = _stream_identities()

    def found(self) -> list[str]:
        """Each thing left behind, for people."""
        return [*self._threads(), *_children(), *self._kept_files(), *self._kept_memory()]

    def _threads(self) -> Iterator[str]:
        """Threads that run Python; those of native pools are their libraries' own business."""
        tasks = _native_threads()
        if tasks > self._native:
            time.sleep(0.005)  # one that was only just started has the time to show itself
        self._native = tasks
        running = sys._current_frames().keys() - {threading.get_ident()}  # pyright: ignore[reportPrivateUsage]
        if running:
            names = sorted(thread.name for thread in threading.enumerate() if thread.ident in running)
            yield f"running threads ({', '.join(names) or len(running)})"

    def _kept_files(self) -> Iterator[str]:
        if _stream_identities() != self._streams:
            yield "its standard streams closed or replaced"
        more = _open_descriptors() - self._descriptors
        if more > DESCRIPTORS:
            yield f"{more} open files"

    def _kept_memory(self) -> Iterator[str]:
        if _own_memory() - self._memory <= MEMORY:
            return
        _let_go_of_memory()
        more = _own_memory() - self._memory
        if more > MEMORY:
            yield f"{more // 2**20} MiB of memory"


def _native_threads() -> int:
    """Those of libraries included. The kernel gives the folder of a process's threads a link for each, and two more."""
    with contextlib.suppress(OSError):
        return os.stat("/proc/self/task").st_nlink - 2  # noqa: PTH116 - a hot path
    return 1


def _children() -> Iterator[str]:
    """Child processes. Those that have ended and that nobody waited for are let go of."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                yield "running child processes"
                return


def _own_memory() -> int:
    """Bytes resident that belong to this process alone: pages of mapped files are not counted."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - a hot path
        _, resident, shared, *_ = file.read().split()
        return (int(resident) - int(shared)) * _PAGE
    return 0


def _open_descriptors() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a hot path
    return 0


def _stream_identities() -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for descriptor in _STREAMS:
        try:
            status = os.fstat(descriptor)
            found.append((status.st_dev, status.st_ino))
        except OSError:
            found.append(None)
    return found


def _let_go_of_memory() -> None:
    """Allocators keep what was freed for later use; asked, they give it back."""
    gc.collect()
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
