"""Appends to one file, and never fails: a disk that takes no more ends the file, with the reason kept."""

import os
from pathlib import Path


class Appender:
    """A file that grows by whole batches of lines. It is made, with the folders above it, when there is something to write.

    `trouble` says why it stopped growing, None while it has not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self.trouble: str | None = None

    def append(self, batch: bytes | bytearray) -> None:
        """Write all of it, or note the trouble; after trouble nothing more is written."""
        if not batch or self.trouble is not None:
            return
        try:
            self._write(batch)
        except OSError as error:
            self.trouble = f"the log {self._path} cannot be written: {error.strerror}"

    def close(self) -> None:
        """Let go of the file; nothing happens when it is not open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.close(descriptor)
        except OSError as error:
            self.trouble = f"the log {self._path} cannot be written: {error.strerror}"

    def _write(self, batch: bytes | bytearray) -> None:
        if self._descriptor is None:
            self._descriptor = self._opened()
            batch = self._newline_if_torn(self._descriptor) + batch
        rest = memoryview(batch)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _opened(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    @staticmethod
    def _newline_if_torn(descriptor: int) -> bytes:
        """A writer that was killed may have left half a line; what follows must not be taken for its end."""
        size = os.fstat(descriptor).st_size
        return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""
