"""Applications that are put together when they are first asked for: a dialect that nobody speaks costs neither time nor memory."""

import asyncio
from collections.abc import Callable

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """What `build` makes, in a thread beside the event loop, when the first request comes; others wait for it."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._built: ASGIApp | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._built is None:
            async with self._building:
                self._built = self._built or await to_thread.run_sync(self._build)
        await self._built(scope, receive, send)
