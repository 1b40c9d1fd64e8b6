"""What the kernel of Linux tells of the folders of runs, below one folder."""

import ctypes
import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

_MODIFY, _MOVED_TO, _CREATE, _OVERFLOW, _IGNORED, _ONLYDIR = 0x2, 0x80, 0x100, 0x4000, 0x8000, 0x0100_0000
_MASK = _MODIFY | _MOVED_TO | _CREATE | _ONLYDIR
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_AT_ONCE = 2**16  # bytes


class Inotify:
    """Folders that are watched. One that is not there yet is, from the moment on at which it is made.

    Its `file` is readable when there is something to `read`. One thread at a time may call it.
    """

    def __init__(self, folder: Path, file: int) -> None:
        self.file = file
        self._folder = folder
        self._runs: dict[int, str] = {}  # by the number of their watch
        self._parent = self._watch(folder)

    @classmethod
    def of(cls, folder: Path) -> "Inotify | None":
        """None where the system has no inotify, or no more of them; the folder is made if need be."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, AttributeError):
            return None
        return cls(folder, file) if file >= 0 else None

    def add(self, run: str) -> None:
        """Watches the run's folder as soon as it is there, unless the system will have no more."""
        watch = self._watch(self._folder / run)
        if watch >= 0:
            self._runs[watch] = run

    def remove(self, run: str) -> None:
        for watch in [watch for watch, each in self._runs.items() if each == run]:
            del self._runs[watch]
            _libc.inotify_rm_watch(self.file, watch)

    def read(self, wanted: Collection[str]) -> set[str]:
        """The runs among those wanted of which something has grown or was made; those that were made are watched now."""
        grown = set[str]()
        for watch, mask, name in self._events():
            if mask & _OVERFLOW:
                grown.update(wanted)
            elif mask & _IGNORED:
                self._runs.pop(watch, None)
            elif watch != self._parent:
                grown.add(self._runs.get(watch, ""))
            elif name in wanted:
                self.add(name)
                grown.add(name)
        return grown.intersection(wanted)

    def close(self) -> None:
        os.close(self.file)

    def _events(self) -> Iterator[tuple[int, int, str]]:
        try:
            raw = os.read(self.file, _AT_ONCE)
        except BlockingIOError:
            return
        place = 0
        while place < len(raw):
            watch, mask, _, length = _EVENT.unpack_from(raw, place)
            place += _EVENT.size + length
            yield watch, mask, os.fsdecode(raw[place - length : place].rstrip(b"\0"))

    def _watch(self, folder: Path) -> int:
        return _libc.inotify_add_watch(self.file, os.fsencode(folder), _MASK)


_libc = ctypes.CDLL(None)
