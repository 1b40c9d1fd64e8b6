"""Bounds: how many connections the server has at once, and how many streams one caller follows."""

import contextlib
import resource
from collections import Counter
from collections.abc import Callable, Generator

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace import errors
from headrace.model.access import Caller

SPARE = 256  # of the files that may be open: for what the server opens itself
Refusing = Callable[[errors.HeadraceError], Response]


def connections(wanted: int) -> int:
    """How many there may be: no more than wanted, and than the machine lets the server open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, files - SPARE))


class Connections:
    """Turns away what comes by a connection beyond `most`; `count` tells how many there are, this one among them."""

    def __init__(self, inner: ASGIApp, most: int, count: Callable[[], int], refusing: Refusing) -> None:
        self._inner = inner
        self._most = most
        self._count = count
        self._refusing = refusing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._count() > self._most:
            refusal = self._refusing(errors.TooManyConnections(most=self._most))
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


class Streams:
    """The streams that are followed, by who follows them: a user with all their tokens, or a token of nobody."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._followed: Counter[tuple[str, int]] = Counter()

    @contextlib.contextmanager
    def followed(self, by: Caller) -> Generator[None]:
        """One of them, for as long as the context lasts. TooManyStreams."""
        who = ("token", by.token_id) if by.user_id is None else ("user", by.user_id)
        if self._followed[who] >= self._most:
            raise errors.TooManyStreams(most=self._most)
        self._followed[who] += 1
        try:
            yield
        finally:
            self._followed[who] -= 1
            self._followed += Counter()  # those of whom there are none are forgotten
