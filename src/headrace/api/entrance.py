"""The entrance: a link that is good once lets a browser in, as the one who has started the server."""

import secrets

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headrace import clock, vault
from headrace.api import auditing, gate, pages
from headrace.app import App
from headrace.model.access import Role, TokenKind
from headrace.operations import sessions, tokens

GOOD_FOR = 600.0  # seconds


class Entrance:
    """Gives out a code, and lets in who brings it: once, and within minutes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._codes: dict[str, float] = {}

    def code(self) -> str:
        """A new one."""
        code = secrets.token_urlsafe(24)
        self._codes[vault.digest(code)] = clock.monotonic() + GOOD_FOR
        return code

    async def enter(self, request: Request) -> Response:
        """A browser comes by the link: from now on its cookie tells who it is."""
        until = self._codes.pop(vault.digest(request.query_params.get("code", "")), 0.0)
        if clock.monotonic() > until:
            return pages.page(
                "This link was used before, or is too old. <code>headrace serve</code> prints a new one.", 403
            )
        token, said = await to_thread.run_sync(
            tokens.create, self._app, "a browser", Role.OWNER, sessions.LASTS[TokenKind.BROWSER]
        )
        answer = RedirectResponse("/", 303)
        gate.give_cookie(request, answer, said)
        auditing.came_in(self._app, request, token)
        return answer

    async def front(self, _: Request) -> Response:
        return pages.page("The server runs.", 200)
