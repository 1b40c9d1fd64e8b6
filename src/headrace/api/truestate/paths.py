"""Paths: each is answered with and without a slash at its end, and under the name that it had before."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

EARLIER = "/workflows"  # what pipelines were called
NOW = "/pipelines"


class Paths:
    """Has the application see every path in its one form; nobody is sent elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": straight(scope["path"]), _ASKED: scope["path"]}
        await self._inner(scope, receive, send)


_ASKED = "headrace.path"  # in a scope: the path as it was asked for


def is_earlier(request: Request) -> bool:
    """Whether it was asked for under the earlier name."""
    return _is_earlier(request.scope[_ASKED])


def straight(path: str) -> str:
    """`/workflows/1/runs` is `/pipelines/1/runs/`."""
    if _is_earlier(path):
        path = NOW + path.removeprefix(EARLIER)
    return path if path.endswith("/") else f"{path}/"


def _is_earlier(path: str) -> bool:
    return path == EARLIER or path.startswith(f"{EARLIER}/")
