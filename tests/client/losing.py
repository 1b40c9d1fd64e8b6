"""A proxy before a server: it loses answers, breaks connections off, and answers for a server that is away."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

AWAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Proxy:
    """Listens at `url` for the server at another. Each connection has a thread."""

    def __init__(self, to: str) -> None:
        split = urlsplit(to)
        self._server = str(split.hostname), int(split.port or 0)
        self.losing = 0  # so many of the next answers never reach who has asked
        self.away = 0  # so many of the next connections are answered with 503
        self.lost = 0
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def reset(self) -> int:
        """Every connection is torn down; how many there were."""
        found = list(self._open)
        for each in found:
            _tear(each)
        return len(found)

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
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.away:
            self.away -= 1
            client.recv(2**16)
            client.sendall(AWAY)
            client.close()
            return
        with contextlib.suppress(OSError, ValueError):
            self._pass_on(client, socket.create_connection(self._server))
        self._open.discard(client)
        _tear(client)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        self._open.add(client)
        with server:
            while True:
                for each in select.select([client, server], [], [])[0]:
                    chunk = each.recv(2**16)
                    if not chunk:
                        return
                    if each is server and self.losing:
                        self.losing -= 1
                        self.lost += 1
                        return
                    (server if each is client else client).sendall(chunk)


def _tear(each: socket.socket) -> None:
    """Closed without a word: its peer is told of a reset."""
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def before(url: str) -> Iterator[Proxy]:
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
