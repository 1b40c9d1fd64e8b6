"""The gate: every route asks who calls and whether he may, unless its function says that it is open to all.

Whoever calls shows a token: a program in the header `Authorization: Bearer …`, a browser in a cookie that scripts cannot
read and that other sites' pages cannot send.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar, cast

from anyio import to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from headrace import clock, errors, vault
from headrace.api import auditing, bodies
from headrace.api.bounds import Streams
from headrace.app import App
from headrace.model import reach
from headrace.model.access import Caller, Role, TokenKind
from headrace.operations import sessions, tokens

COOKIE = "headrace"
REMEMBERED = 1.0  # seconds for which a caller is believed without being looked up again
MOST = 4096  # callers that are remembered at once

Shown = Callable[[Request], tuple[str, bool]]
Route = TypeVar("Route", bound=Callable[..., Any])


def needs(role: Role) -> Callable[[Route], Route]:
    """Only callers of that role, or of one above, may call the function. Without it, any caller may look."""

    def note(function: Route) -> Route:
        cast("Any", function).needs = role
        return function

    return note


def open_to_all(function: Route) -> Route:
    """Nobody is asked who he is; the function answers for what it tells and does."""
    cast("Any", function).needs = None
    return function


def refuse_above(caller: Caller, role: Role) -> None:
    """Nobody gives or takes what is above their own. NotAllowed."""
    if not (caller.everywhere and caller.everywhere.may(role)):
        raise errors.NotAllowed(role=caller.role, needed=role)


class Gate:
    """Knows callers by what they show."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.streams = Streams(app.settings.streams)
        self._known: dict[str, tuple[float, Caller]] = {}

    async def admit(self, request: Request, needed: Role) -> Caller:
        """Who calls, by what they show where the application has its callers show it. NotAuthenticated, NotAllowed."""
        showing: Shown = request.app.state.shown
        said, by_cookie = showing(request)
        caller = request.state.caller = await self.caller(said)
        if by_cookie and request.method not in auditing.SAFE:
            refuse_foreign(request)
        _refuse_below(caller, needed)
        return caller

    async def caller(self, said: str) -> Caller:
        """Who shows that token; it is looked up at most once a second. NotAuthenticated."""
        digest, now = vault.digest(said), clock.monotonic()
        at, known = self._known.get(digest, (0.0, None))
        if known is None or now - at > REMEMBERED:
            known = await to_thread.run_sync(tokens.caller, self._app, said)
            self._remember(digest, now, known)
        if known is None or _over(known, clock.now()):
            raise errors.NotAuthenticated(why="the token is not one that lets anybody in")
        return known

    def _remember(self, digest: str, now: float, known: Caller | None) -> None:
        self._known.pop(digest, None)
        if known:
            self._known[digest] = (now, known)
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]


class Guarded(APIRoute):
    """A route behind the gate, which is passed before anything of the body is read; what is done there is audited."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()
        needed: Role | None = getattr(self.endpoint, "needs", Role.VIEWER)
        deed = auditing.Deed(str(self.tags[0]) if self.tags else "server", self.name)

        async def handle(request: Request) -> Response:
            async with auditing.noting(request, deed) as done:
                await enter(request, needed)
                bodies.refuse_large(request)
                strict = bodies.StrictRequest(request.scope, request.receive)
                if self.body_field is not None and await strict.body():
                    await strict.json()  # here, where what is wrong with it is told as it is
                done.answer = await inner(strict)
                return done.answer

        return handle


async def enter(request: Request, needed: Role | None) -> None:
    """Whoever calls is let in, and has the home before them as far as they reach. NotAuthenticated, NotAllowed."""
    home: App = request.app.state.home
    if needed is not None:
        caller = await request.app.state.gate.admit(request, needed)
        least = needed if request.method in auditing.SAFE else Role.VIEWER  # what is only told takes the role for it
        home = home.seen_by(reach.of(caller, needed, least))
    request.state.home = home


def shown(request: Request) -> tuple[str, bool]:
    """The token that is shown, and whether a browser shows it by itself."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, said = header.partition(" ")
        if scheme.lower() != "bearer" or not said.strip():
            raise errors.NotAuthenticated(why="the header Authorization is not of the form `Bearer TOKEN`")
        return said.strip(), False
    if said := request.cookies.get(COOKIE):
        return said, True
    raise errors.NotAuthenticated(why="show a token in the header `Authorization: Bearer TOKEN`")


def _refuse_below(caller: Caller, needed: Role) -> None:
    """What takes an administrator is about the whole home, and a role for the pipelines of a tag is not. NotAllowed."""
    if needed.may(Role.ADMIN):
        refuse_above(caller, needed)
    elif not caller.role.may(needed):
        raise errors.NotAllowed(role=caller.role, needed=needed)


def refuse_foreign(request: Request) -> None:
    """What a browser does by a cookie is done for a page of this server alone."""
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if origin != own:
        raise errors.NotAllowed("A page of another origin may do nothing here.")


def give_cookie(request: Request, answer: Response, said: str) -> None:
    """A browser shows that token by itself from now on; no script reads it, and no other site has it sent."""
    longest = int(sessions.LASTS[TokenKind.BROWSER].total_seconds())
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, said, max_age=longest, httponly=True, samesite="strict", secure=secure)


def address(request: Request) -> str:
    """Where it comes from."""
    return request.client.host if request.client else "nowhere"


def _over(caller: Caller, now: datetime) -> bool:
    return caller.expires_at is not None and now >= caller.expires_at
