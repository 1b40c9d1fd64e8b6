"""A proxy before PostgreSQL: it delays, resets, and loses a COMMIT or the answer to one, when it is asked to."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum, auto

CHUNK = 2**16
ENCRYPTION = 8  # bytes of a request for encryption


class Loss(Enum):
    """What becomes of a COMMIT: the server never gets it, or the client never gets the answer."""

    REQUEST = auto()
    ANSWER = auto()


class Proxy:
    """Listens at `port` of this machine for a server at `host` and `to`. Each connection has a thread."""

    def __init__(self, host: str, to: int) -> None:
        self.delay = 0.0  # seconds before each piece of an answer is passed on
        self.lost = 0  # how many COMMITs were
        self._server = host, to
        self._loss: Loss | None = None
        self._losses = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    def lose(self, loss: Loss, times: int) -> None:
        """The next so many COMMITs, with the connections they come over."""
        with self._lock:
            self._loss, self._losses = loss, times

    def reset(self) -> int:
        """Every connection is torn down at once; how many there were."""
        with self._lock:
            found = list(self._open)
        for each in found:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RD)  # its thread sees an end, and lets go of both
        return len(found) // 2

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        self.reset()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), name="proxy-line", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            _tear(client)
            return
        with self._lock:
            self._open |= {client, server}
        try:
            self._pass_on(client, server)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open -= {client, server}
            _tear(client)
            _tear(server)

    def _connect(self) -> socket.socket:
        host, port = self._server
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, port))

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Until one of the two hangs up, or a COMMIT is lost."""
        asked, answered = Messages(_is_commit, asks=True), Messages(_is_committed, asks=False)
        pause = select.poll()
        while True:
            for each in select.select([client, server], [], [])[0]:
                chunk = each.recv(CHUNK)
                if not chunk:
                    return
                if each is client:
                    if asked.feed(chunk) and self._take(Loss.REQUEST):
                        return
                    server.sendall(chunk)
                else:
                    if answered.feed(chunk) and self._take(Loss.ANSWER):
                        return
                    if self.delay:
                        pause.poll(self.delay * 1000)
                    client.sendall(chunk)

    def _take(self, loss: Loss) -> bool:
        with self._lock:
            if self._loss is not loss or self._losses == 0:
                return False
            self._losses -= 1
            self.lost += 1
            return True


class Messages:
    """Finds a message among the bytes of one direction: a letter, a length that counts itself, a body.

    What a client sends first has no letter. What a server answers to a request for encryption is one letter alone.
    """

    def __init__(self, wanted: Callable[[bytes, bytes], bool], *, asks: bool) -> None:
        self._wanted = wanted
        self._asks = asks
        self._starts = True
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> bool:
        """Whether a wanted message has become whole."""
        self._pending += chunk
        found = False
        while message := self._next():
            found |= self._wanted(*message)
        return found

    def _next(self) -> tuple[bytes, bytes] | None:
        letters = 0 if self._asks and self._starts else 1
        while self._starts and not self._asks and self._pending[:1] in (b"N", b"S"):  # it has not begun to speak
            del self._pending[:1]
        if len(self._pending) < letters + 4:
            return None
        (length,) = struct.unpack_from(">I", self._pending, letters)
        if len(self._pending) < letters + length:
            return None
        letter, body = bytes(self._pending[:letters]), bytes(self._pending[letters + 4 : letters + length])
        del self._pending[: letters + length]
        self._starts = self._starts and self._asks and length <= ENCRYPTION  # after which it starts again
        return letter, body


def _is_commit(letter: bytes, body: bytes) -> bool:
    """A query, or a statement to be prepared."""
    text = body.partition(b"\0")[2] if letter == b"P" else body
    return letter in (b"Q", b"P") and text.lstrip()[:6].upper() == b"COMMIT"


def _is_committed(letter: bytes, body: bytes) -> bool:
    return letter == b"C" and body == b"COMMIT\0"


def _tear(each: socket.socket) -> None:
    """Closed without a word: its peer is told of a reset."""
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    each.close()
