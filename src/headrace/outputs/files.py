"""Files that are on the disk before they are named, and are read where they lie."""

import mmap
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if os.name == "posix" else 0)  # Linux's value where unnamed


class Folder:
    """The folder of an attempt: made when its first file is written, and on the disk once it has settled."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._made = False

    @contextmanager
    def written(self, path: Path) -> Generator[Path]:
        """A path in it to write a new file to: on the disk when the body is done, gone when the body fails.

        A file left there is not written over but replaced, since somebody may have it mapped.
        """
        self._make()
        path.unlink(missing_ok=True)
        try:
            yield path
            settle(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def settle(self) -> None:
        """What was written is still there after a power failure."""
        if self._made:
            settle(self.place)

    def _make(self) -> None:
        if self._made:
            return
        missing = [each for each in (self.place, *self.place.parents) if not each.exists()]
        self.place.mkdir(parents=True, exist_ok=True)
        for each in missing:
            settle(each.parent)
        self._made = True


def settle(path: Path) -> None:
    """Waits until what was written to the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mapped(path: Path) -> mmap.mmap:
    """The file's bytes, private and writable: a page is copied when it is first written, the file never changes.

    No swap is reserved, so that a file larger than memory can be mapped. OSError, or ValueError when it is empty.
    """
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE | _NO_RESERVE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
