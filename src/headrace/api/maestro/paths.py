"""Paths: each is answered with and without a slash at its end."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Paths:
    """Has the application see every path without one; nobody is sent elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/"):
            scope = {**scope, "path": path.removesuffix("/")}
        await self._inner(scope, receive, send)
