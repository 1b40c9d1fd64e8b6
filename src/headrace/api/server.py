"""The server: its applications put together, each under its address, behind what holds for all of them."""

import importlib
import os
import re
import socket
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace import clock, errors
from headrace.api import bounds, hosts, listening, v1
from headrace.api.bodies import Sized
from headrace.api.bounds import Connections
from headrace.api.entrance import Entrance
from headrace.api.feed import Feed
from headrace.api.gate import Gate
from headrace.api.hosts import Hosts
from headrace.api.later import Later
from headrace.api.listening import Listening
from headrace.api.proxies import Proxies
from headrace.api.v1 import problems
from headrace.app import App
from headrace.operations import tokens, users

MAGE = "headrace.api.mage"  # imported when asked for
TRUESTATE = "headrace.api.truestate"
MAESTRO = "headrace.api.maestro"
AT_TRUESTATE = ("/pipelines", "/workflows", "/datasets")

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"),
)


class Server:
    """HTTP for one home, at one socket. `ended` is called should it end by itself."""

    def __init__(self, app: App, feed: Feed, bound: socket.socket, ended: Callable[[], None]) -> None:
        self._feed = feed
        self._app = app
        self._entrance = Entrance(app)
        self.url = listening.url(bound)
        application = build(app, feed, self._entrance, bound.getsockname()[0])
        most = bounds.connections(app.settings.connections)
        bounded = Connections(application, most, lambda: self._listening.connections, problems.refusal)
        self._listening = Listening(bounded, bound, ended)

    def start(self) -> None:
        """Unprotected when anybody on the network reaches it and nobody has a token."""
        if first := os.environ.get("HEADRACE_BOOTSTRAP_TOKEN"):
            tokens.bootstrap(self._app, first)
        users.ensure_owner(self._app)
        host = self._app.settings.host
        if not hosts.is_loopback(host) and not self._lets_anybody_in():
            raise errors.Unprotected(host=host)
        self._feed.start(self._app)
        self._listening.start()

    def _lets_anybody_in(self) -> bool:
        return self._app.store.tokens.any_stands(clock.now()) or self._app.store.users.any()

    def link(self) -> str:
        """Where a browser is let in, once."""
        return f"{self.url}/enter?code={self._entrance.code()}"

    def close(self) -> None:
        self._feed.close()
        self._listening.close()


def build(app: App, feed: Feed, entrance: Entrance, host: str) -> ASGIApp:
    """Everything that is answered."""
    gate = Gate(app)
    as_mage = Later(lambda: importlib.import_module(MAGE).build(app, feed, gate))
    as_truestate = Later(lambda: importlib.import_module(TRUESTATE).build(app, feed, gate))
    as_maestro = Later(lambda: importlib.import_module(MAESTRO).build(app, feed, gate))
    routes = [
        Mount("/v1", v1.build(app, feed, gate)),
        _mounted("/api", as_mage),
        _mounted("/projects/{project}/api", as_mage),
        _mounted("/platform", as_maestro),
        *(_beside(path, as_truestate) for path in AT_TRUESTATE),
        *_by_provider(app),
        Route("/enter", entrance.enter),
        Route("/", entrance.front),
    ]
    names = {*hosts.names_of(host), *hosts.names_of(app.settings.host), *app.settings.hosts}
    beyond = not hosts.is_loopback(host)
    application = Starlette(routes=routes)
    problems.tell(application)
    known = Hosts(Sized(application), names, problems.refusal, literal=beyond)
    return Proxies(Headers(known), app.settings.trusted_proxies)


def _by_provider(app: App) -> list[Route]:
    """Where browsers log in by a provider of identities, if one is set."""
    if not app.settings.oidc_issuer:
        return []
    from headrace.api.oidc import Oidc  # takes long to import, and not everybody needs it

    return Oidc(app).routes


def _mounted(path: str, application: ASGIApp) -> Mount:
    """Whatever follows the path is the application's to answer, line ends among it."""
    found = Mount(path, application)
    found.path_regex = re.compile(found.path_regex.pattern, re.DOTALL)
    return found


def _beside(path: str, application: ASGIApp) -> Route:
    """The path and all below it are the application's to answer, which sees them as they are."""
    found = Route(path, application)
    found.path_regex = re.compile(f"^{path}(?:/.*)?$", re.DOTALL)
    return found


class Headers:
    """What every answer tells a browser about itself."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._inner(scope, receive, sending)
