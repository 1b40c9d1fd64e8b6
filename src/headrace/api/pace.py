"""Pace: what many do on one event loop is kept within a share of a processor, so that runs come first."""

import asyncio

from headrace import clock

SHARE = 0.1


class Pace:
    """Whoever has done something rests until all have rested enough for it."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._until = 0.0

    async def rest(self, seconds: float) -> None:
        """After so many seconds of work."""
        now = clock.monotonic()
        self._until = max(self._until, now) + seconds / self._share
        await asyncio.sleep(self._until - now)
