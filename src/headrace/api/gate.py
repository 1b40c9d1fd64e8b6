"""Gate: nobody is let in without a token, unless the route itself says that it is open to all.

What is open is said on the route's own function, never by a path, so that no spelling of a path opens what is closed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, TypeVar

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from headrace import errors, vault
from headrace.app import App
from headrace.model.access import Role, Token
from headrace.operations import tokens

COOKIE = "headrace_session"
FRESH = 1.0  # seconds for which a token that was good is not asked for again
READING = ("GET", "HEAD", "OPTIONS")

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever was let in, and what he may do."""

    name: str
    role: Role


def open_to_all(endpoint: Endpoint) -> Endpoint:
    """No token is needed for this route."""
    endpoint.__dict__["open_to_all"] = True
    return endpoint


def needs(role: Role) -> Callable[[Endpoint], Endpoint]:
    """This route is for that role and those above it. Others are for viewers when they read, for editors when not."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["needs"] = role
        return endpoint

    return mark


class Gate:
    """Knows who is let in."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known: dict[str, tuple[float, Token]] = {}  # by the hash of a token that was good a moment ago

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Who it is. NotLetIn when no good token is shown."""
        text, from_cookie = _shown(connection)
        if not text:
            raise errors.NotLetIn(why="no token was shown: send `Authorization: Bearer TOKEN`")
        token = await self._good(text)
        if token is None:
            raise errors.NotLetIn(why="the token is unknown, has expired or was revoked")
        if from_cookie:
            _refuse_foreign(connection)
        return Caller(token.name, token.role)

    async def _good(self, text: str) -> Token | None:
        hashed, now = vault.digest(text), time.monotonic()
        asked, token = self._known.get(hashed, (0.0, None))
        if token is None or now - asked >= FRESH:
            token = await run_in_threadpool(tokens.admit, self._app, text)
            if len(self._known) > 10_000:
                self._known.clear()
            if token is None:
                self._known.pop(hashed, None)
            else:
                self._known[hashed] = (now, token)
        return token


class Guarded(APIRoute):
    """A route that lets in whoever the gate does."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        marks = getattr(self.endpoint, "__dict__", {})
        if not marks.get("open_to_all"):
            caller = await scope["app"].state.gate.admit(HTTPConnection(scope))
            needed = marks.get("needs") or (Role.VIEWER if scope["method"] in READING else Role.EDITOR)
            if not caller.role.may(needed):
                raise errors.NotAllowed(name=caller.name, role=caller.role.value, needed=needed.value)
            scope.setdefault("state", {})["caller"] = caller
        await super().handle(scope, receive, send)


def _shown(connection: HTTPConnection) -> tuple[str, bool]:
    """The token that is shown, and whether a browser shows it by itself."""
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and text.strip():
        return text.strip(), False
    cookie = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
    return (cookie.value, True) if cookie else ("", False)


def _refuse_foreign(connection: HTTPConnection) -> None:
    """What a browser sends for a page of somebody else is not what its user wants."""
    origin = connection.headers.get("origin")
    if origin and origin.partition("://")[2] != connection.headers.get("host"):
        raise errors.NotLetIn(why="a page from elsewhere asks for this")
