"""Who moves a run: each engine holds a lock file in the home for as long as it lives, so that its death is known."""

import fcntl
import os
from pathlib import Path

from headrace import identity


class Owner:
    """This engine's name in the column `runs.owner`. The operating system lets go of its lock whatever ends it."""

    def __init__(self, home: Path) -> None:
        self.name = identity.new()
        self._path = _lock(home, self.name)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _clear_dead(self._path.parent)
        unheld = self._path.with_suffix(".new")
        self._file = os.open(unheld, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unheld.rename(self._path)  # under its own name it is held from the beginning

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def alive(home: Path, name: str) -> bool:
    """Whether the engine of that name still lives."""
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


def _clear_dead(engines: Path) -> None:
    """Takes away the files of engines that were killed."""
    for path in engines.glob("*.lock"):
        if not alive(engines.parent, path.stem):
            path.unlink(missing_ok=True)


def _lock(home: Path, name: str) -> Path:
    return home / "engines" / f"{name}.lock"
