"""Leavings: what runs have left on the disk, looked at, weighed and taken away."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def weigh(path: Path) -> int:
    """Bytes of the file, or of all files in the folder; what is not there weighs nothing."""
    if path.is_dir():
        return sum(_size(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)  # noqa: PTH118
    return _size(path)


def take_away(path: Path) -> None:
    """The file, or the folder with all that is in it, goes; what is not there has gone. OSError for what cannot."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def folders(path: Path, before: float | None = None) -> Iterator[Path]:
    """The folders in it; if `before`, in seconds since 1970, is given: those that nothing was put into since then."""
    with contextlib.suppress(FileNotFoundError), os.scandir(path) as found:
        for each in found:
            if each.is_dir(follow_symlinks=False) and (before is None or each.stat().st_mtime < before):
                yield Path(each.path)


def _size(path: str | Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
