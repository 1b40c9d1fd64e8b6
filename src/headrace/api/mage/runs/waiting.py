"""Waiting: Mage's answers tell of what was asked as done, so they are held back until it is, or for a few seconds."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from anyio import to_thread

from headrace.api.feed import Wanted
from headrace.api.mage.asked import Asked
from headrace.model.run import Run
from headrace.operations import runs

PATIENCE = 5.0  # seconds

Until = Callable[[Callable[[Run], bool]], Awaitable[None]]


@contextlib.asynccontextmanager
async def moves(asked: Asked, run_id: int, seconds: float = PATIENCE) -> AsyncGenerator[Until]:
    """Within, what becomes of the run is followed: `until(so)` comes back once it is so, or when the time is over."""
    async with asked.feed.following(Wanted(run_id=run_id)) as follower:

        async def until(so: Callable[[Run], bool]) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not so(await to_thread.run_sync(runs.get, asked.home, run_id)):
                        await follower.woken.wait()
                        follower.woken.clear()

        yield until
