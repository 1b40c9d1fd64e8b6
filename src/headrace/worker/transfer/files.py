"""Files that jobs write: one job at a time, whole or as they were."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.outputs import files as disk
from headrace.worker.transfer.connections import Address

fsspec: Any = import_module("fsspec")


@contextmanager
def alone(path: str) -> Generator[None]:
    """Other jobs wait for the file until this is over: for a lock beside it, which ends with its process."""
    folder_of(path)
    try:
        handle = os.open(f"{path}.headrace-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remote(where: Address) -> Any:
    """The fsspec file system of a path that is none of this machine; None for one that is. LoadFailed."""
    scheme, found, _ = where.path.partition("://")
    if not found:
        return None
    try:
        return fsspec.filesystem(scheme, **where.options)
    except (ImportError, ValueError, TypeError) as error:
        why = f"{scheme}:// is not reached ({where.hidden(str(error))})"
        raise errors.LoadFailed(what=f"The file {where.path}", why=why) from None


def folder_of(path: str) -> None:
    """The folder that the file is to lie in is there. LoadFailed."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def publish(made: Path, path: Path) -> None:
    """What was made, in the same folder, stands at that path from now on, also after a power failure."""
    disk.settle(made)
    made.replace(path)
    disk.settle(path.parent)


def _unwritable(path: str, error: OSError) -> errors.LoadFailed:
    return errors.LoadFailed(what=f"The file {path}", why=f"it cannot be written ({error.strerror})")
