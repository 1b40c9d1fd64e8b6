"""Streams: answers that go on for as long as there is something to tell, and somebody to tell it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headrace import clock, errors
from headrace.api import frames
from headrace.api.feed import Follower

CHECK = 5.0  # seconds between two looks whether the token that was shown still lets in
STILL = 15.0  # seconds of silence after which it is said that all is well

Parts = AsyncGenerator[bytes]
Admitted = Callable[[], Awaitable[object]]


class Stream(Response):
    """Server-sent events. Nothing is sent before `opening` is entered, so that what it raises can be answered."""

    media_type = frames.MEDIA

    def __init__(self, opening: AbstractAsyncContextManager[Parts]) -> None:
        self.status_code = 200
        self.background = None
        self._opening = opening
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opening as parts:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            gone, sending = asyncio.create_task(_until_gone(receive)), asyncio.create_task(_send(parts, send))
            try:
                await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
            finally:
                gone.cancel()
                sending.cancel()
                await asyncio.gather(gone, sending, return_exceptions=True)


async def _send(parts: Parts, send: Send) -> None:
    """Until nothing more is to come; what goes wrong on the way ends it too, and the client comes again."""
    async with contextlib.aclosing(parts):
        with contextlib.suppress(errors.HeadraceError):
            async for part in parts:
                if part:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Patience:
    """How a stream waits for what comes next: it looks whether its caller is still let in, and breaks a long silence.

    One alarm is set at a time, and stays set when something comes before it: hundreds who follow are woken often.
    """

    def __init__(self, admitted: Admitted) -> None:
        self._admitted = admitted
        self._checked = self._spoke = clock.monotonic()
        self._alarm_set = False

    def spoke(self) -> None:
        """Something was sent."""
        self._spoke = clock.monotonic()

    async def wait(self, follower: Follower) -> bool:
        """Until he is woken, or there may be nothing; whether it is to be said that all is well. NotAuthenticated, NotAllowed."""
        self._set_alarm(follower)
        await follower.woken.wait()
        follower.woken.clear()
        await self.check()
        return clock.monotonic() >= self._spoke + STILL

    async def check(self) -> None:
        """Looks whether the caller is still let in, if that was long ago. NotAuthenticated, NotAllowed."""
        if clock.monotonic() >= self._checked + CHECK:
            await self._admitted()
            self._checked = clock.monotonic()

    def _set_alarm(self, follower: Follower) -> None:
        if not self._alarm_set:
            due = min(self._checked + CHECK, self._spoke + STILL)
            follower.loop.call_later(max(0.0, due - clock.monotonic()), self._ring, follower)
            self._alarm_set = True

    def _ring(self, follower: Follower) -> None:
        self._alarm_set = False
        follower.woken.set()
