"""Who moves a run: each engine has a name, and holds a lock file of that name in its home as long as anything of it lives.

The lock is handed on to the processes that stand above the blocks, so it is free only once none of them is left: then
nothing that the engine had begun goes on. Other engines of the same machine and home need not wait for its lease.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

from headrace import errors, identity
from headrace.store.engines import EngineRow

BOOT = Path("/proc/sys/kernel/random/boot_id")
GRACE = 0.25  # of a lease is waited beyond it, before its engine is taken for dead


class Owner:
    """One engine's name in the column `runs.owner`, and its lock. The operating system lets go of it whatever ends it."""

    def __init__(self, home: Path) -> None:
        self.name = identity.new()
        self._path = _lock(home, self.name)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _clear_dead(self._path.parent)
        unheld = self._path.with_suffix(".new")
        self.file = os.open(unheld, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        unheld.rename(self._path)  # under its own name it is held from the beginning

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self.file)


class Alone:
    """Held by the one engine of a home that takes up whatever run is there; EngineRunning for a second."""

    def __init__(self, home: Path) -> None:
        self._file = os.open(home / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise errors.EngineRunning(home=home) from None

    def close(self) -> None:
        os.close(self._file)


def alive(home: Path, name: str) -> bool:
    """Whether anything of the engine of that name, an engine of this home and machine, still lives."""
    try:
        file = os.open(_lock(home, name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)


def tells(home: Path, row: EngineRow) -> bool:
    """Whether the lock in this home tells of that engine's death, at once; else its lease does."""
    return row.home == home_id(home) and (row.machine == machine() or row.lease_until is None)


def watch(home: Path, name: str, died: Callable[[], None]) -> None:
    """Calls `died`, from a thread of its own, once nothing of that engine lives any more."""
    threading.Thread(target=_wait, args=(_lock(home, name), died), name="engine-watch", daemon=True).start()


def home_id(home: Path) -> str:
    """A name for the home that no other has, made at first sight."""
    path = home / "id"
    if not path.exists():
        unnamed = home / f"id.{identity.new()}"
        unnamed.write_text(identity.new())
        with contextlib.suppress(FileExistsError):
            os.link(unnamed, path)  # whole or not at all, whoever else makes one now
        unnamed.unlink()
    return path.read_text()


def machine() -> str:
    """A name for this machine since it was started."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return os.uname().nodename


def _wait(lock: Path, died: Callable[[], None]) -> None:
    with contextlib.suppress(FileNotFoundError):
        file = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_SH)
        finally:
            os.close(file)
    died()


def _clear_dead(engines: Path) -> None:
    """Takes away the files of engines that were killed."""
    for path in engines.glob("*.lock"):
        if not alive(engines.parent, path.stem):
            path.unlink(missing_ok=True)


def _lock(home: Path, name: str) -> Path:
    return home / "engines" / f"{name}.lock"
