"""Server: the dialects and what belongs to none of them, as one application; and the process's own HTTP thread."""

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from headrace import clock, errors
from headrace.api import v1
from headrace.api.bodies import Bounded
from headrace.api.gate import COOKIE
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import tokens

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
STARTS = 30.0  # seconds that the HTTP thread may take to be ready


class Invitation:
    """A link that lets one browser in, once."""

    def __init__(self) -> None:
        self._code: str | None = secrets.token_urlsafe(24)

    @property
    def code(self) -> str:
        return self._code or ""

    def take(self, code: str) -> bool:
        """Whether that is the code, and nobody came before."""
        good = self._code is not None and secrets.compare_digest(code, self._code)
        if good:
            self._code = None
        return good


def build(app: App, hosts: Sequence[str], invitation: Invitation | None = None) -> ASGIApp:
    """The whole application. `hosts` are the names by which it may be called; `*` is any."""
    first = v1.build(app)

    def enter(request: Request) -> Response:
        """Lets in whoever has the invitation: a token of his own, in a cookie that no script can read."""
        if invitation is None or not invitation.take(request.query_params.get("code", "")):
            return JSONResponse({"detail": "This link was used before, or is none of this server."}, 403)
        made = tokens.create(app, f"browser {clock.now():%Y-%m-%d %H:%M}", Role.ADMIN, lasts=tokens.SESSION)
        answer = RedirectResponse("/v1/docs", 303)
        seconds = int(tokens.SESSION.total_seconds())
        answer.set_cookie(COOKIE, made.text, max_age=seconds, httponly=True, samesite="strict")
        return answer

    routes = [Route("/enter", enter), Mount("/v1", first)]
    checks = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False), Middleware(Bounded)]
    return Starlette(routes=routes, middleware=checks)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. PortTaken when somebody else does, BadSetting for no such host."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(place, family=family, backlog=2048)
    except socket.gaierror as error:
        raise errors.BadSetting(name="host", source="--host", given=host, expected="a host of this machine") from error
    except OSError as error:
        raise errors.PortTaken(host=host, port=port, why=error.strerror or error) from error


class Server:
    """HTTP on a socket, in a thread of its own."""

    def __init__(self, application: ASGIApp, listening: socket.socket) -> None:
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="httptools",
            ws="none",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._socket = listening
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, name="http", daemon=True)

    def start(self) -> None:
        """Returns once requests are answered."""
        self._thread.start()
        self._ready.wait(STARTS)

    def close(self) -> None:
        """Takes no more requests, and ends those that go on within seconds."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _live(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.001)
        self._ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
