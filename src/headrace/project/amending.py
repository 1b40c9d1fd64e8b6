"""Files of a project that are changed on disk: as a whole or not at all, and by one at a time."""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

_TRIES = 5
_MODE = 0o666  # of a new file, less what the process's umask takes away


class Unwritable(Exception):
    """The file cannot be written; the message says why."""


def amend(path: Path, read: Callable[[], str], change: Callable[[str], str]) -> bool:
    """Whether the change made a difference to what the file says; `read` tells that, and is asked when there is one.

    It is made anew when somebody edits the file meanwhile. The file is replaced as a whole; a link stays a link, and a
    file that is not there is made of nothing. Raises Unwritable, and what `read` and `change` raise.
    """
    real = Path(os.path.realpath(path))
    try:
        with alone(real.parent):
            for _ in range(_TRIES):
                mark = _mark(real)
                text = read() if mark else ""
                changed = change(text)
                if changed == text:
                    return False
                if _replace(real, changed, lambda mark=mark: _mark(real) == mark):
                    return True
    except OSError as error:
        raise Unwritable(error.strerror or str(error)) from None
    raise Unwritable("somebody is editing it all the time")


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """No two of headrace's processes and threads amend the files of one folder at once."""
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def sync(folder: Path) -> None:
    """Waits until what the folder holds, by name, is on the disk."""
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


def write(beside: Path, text: str, like: Path) -> None:
    """Writes a new file, with the mode of the other if that is there, and waits until it is on the disk."""
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
        if like.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(like.stat().st_mode))
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _mark(path: Path) -> tuple[int, int] | None:
    """What changes whenever the file does; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _replace(path: Path, text: str, still: Callable[[], bool]) -> bool:
    """Puts a new file in the place of the old if that is still the old one."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        write(beside, text, like=path)
        if not still():
            return False
        beside.replace(path)
        sync(path.parent)
        return True
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _opened(folder: Path) -> Generator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
