"""The server listens: a socket of its own from the beginning, so that a port that is taken is told before anything runs."""

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from headrace import errors

BACKLOG = 2048
UNREAD = 60_000  # milliseconds after which a client that takes nothing of what was sent is let go
PATIENCE = 3  # seconds that answers under way have once the server is to end


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there. PortTaken, CannotListen."""
    try:
        ((family, _, _, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # which has answers leave at once
    except OSError as error:
        raise errors.CannotListen(host=host, port=port, why=error.strerror or str(error)) from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise errors.PortTaken(host=host, port=port) from error
        raise errors.CannotListen(host=host, port=port, why=error.strerror or str(error)) from error
    return found


def url(bound: socket.socket) -> str:
    """Under which address it is reached from this machine."""
    address: tuple[str, int] = bound.getsockname()[:2]
    host, port = address
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host) or host  # noqa: S104 - what it is called, not bound
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


class _Server(uvicorn.Server):
    """Wakes once a second, for the date that answers carry, and not ten times; and at once when it is to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake: Callable[[], object] = lambda: None

    def end(self) -> None:
        """Any thread may say so."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # it has ended
            self._wake()

    async def main_loop(self) -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(asked.set)
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), 1.0)


class Listening:
    """Answers requests at that socket in a thread of its own, until it is closed."""

    def __init__(self, application: ASGIApp, bound: socket.socket, ended: Callable[[], None]) -> None:
        config = uvicorn.Config(
            application,
            http="httptools",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=PATIENCE,
            timeout_keep_alive=75,
        )
        self._server = _Server(config)
        self._bound = bound
        self._ended = ended
        self._thread = threading.Thread(target=self._live, name="http", daemon=True)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Nothing new is answered; what is under way has a few seconds."""
        self._server.end()
        if self._thread.is_alive():
            self._thread.join()
        self._bound.close()

    def _live(self) -> None:
        try:
            with contextlib.suppress(SystemExit):
                self._server.run(sockets=[self._bound])
        finally:
            self._ended()
