"""The bell of a home: a datagram to each engine's socket under `home/engines`. It says where to look, and nothing else."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from headrace.store.database import About

SIZE = 16  # bytes of a ring


class Listener:
    """Calls `wake` in a thread of its own whenever somebody rang, until it is closed."""

    def __init__(self, home: Path, name: str, wake: Callable[[About], None]) -> None:
        self._path = home / "engines" / f"{name}.sock"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._wake = wake
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with _within(self._path.parent) as folder:
            self._socket.bind(f"{folder}/{self._path.name}")
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._path.unlink(missing_ok=True)
        self._socket.shutdown(socket.SHUT_RDWR)  # the thread's wait ends
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closed:
            rung = {self._socket.recv(SIZE), *self._waiting()}
            for about in About:
                if about.encode() in rung and not self._closed:
                    self._wake(about)

    def _waiting(self) -> set[bytes]:
        """One look answers all the rings about a thing that came before it."""
        rung = set[bytes]()
        with contextlib.suppress(BlockingIOError):
            while ring := self._socket.recv(SIZE, socket.MSG_DONTWAIT):
                rung.add(ring)
        return rung


def ring(home: Path, about: Iterable[About]) -> None:
    """Rings for every engine of the home; takes away the sockets of those that were killed."""
    with (
        contextlib.suppress(FileNotFoundError),
        _within(home / "engines") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as bell,
    ):
        bell.setblocking(False)
        for path in Path(folder).glob("*.sock"):
            for each in about:
                _ring(bell, path, each)


def _ring(bell: socket.socket, path: Path, about: About) -> None:
    try:
        bell.sendto(about.encode(), str(path))
    except BlockingIOError:
        pass  # it has rings enough to hear
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # a ring that is lost costs some seconds, and no more


@contextlib.contextmanager
def _within(folder: Path) -> Generator[str]:
    """A name of the folder that is short whatever its path: the path of a socket may have 107 bytes and no more."""
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{held}"
    finally:
        os.close(held)
