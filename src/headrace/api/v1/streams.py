"""Streams: what happens to runs, and what their blocks write, told as it happens, as server-sent events."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import Header, Query
from pydantic import WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import frames, gate
from headrace.api.feed import Feed, Wanted
from headrace.api.streaming import Parts, Patience, Stream
from headrace.api.telling import Changes, Lines, Telling
from headrace.api.v1 import here, logs
from headrace.api.v1.given import Id, Name, RunId
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model import event, reach
from headrace.model.access import Role
from headrace.model.run import Run
from headrace.operations import run_logs, runs
from headrace.operations.run_logs import Following, Page

router = here.routes("streams")

LONGEST = 10_000  # characters of what a client shows to go on
_MARK = re.compile(r"([0-9]{1,18})(?:\.([A-Za-z0-9_-]*))?")

LastEventId = Annotated[
    str | None, Header(max_length=LONGEST, description="The `id` of the last event that was seen: go on behind it.")
]
After = Annotated[str | None, Query(max_length=LONGEST, description="The same, for who cannot set the header.")]
Until = Annotated[
    Literal["final"] | None, Query(description="`final`: once the run has ended, say so in an event `end`, and end.")
]
Kind = Annotated[str, WithJsonSchema({"type": "string", "enum": event.KINDS})]
Kinds = Annotated[
    list[Kind] | None, Query(alias="kind", max_length=50, description="Only these: `run.end`, or `run` for all of it.")
]
TELLS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {frames.MEDIA: {"schema": {"type": "string"}}}}
}


@router.get("/changes", summary="Follow what happens to runs", response_class=Response, responses=TELLS)
async def changes(
    home: Home,
    feed: here.Changes,
    request: Request,
    project: Name | None = None,
    pipeline: Name | None = None,
    run_id: Annotated[Id | None, Query()] = None,
    trigger_id: Annotated[Id | None, Query()] = None,
    backfill_id: Annotated[Id | None, Query()] = None,
    kinds: Kinds = None,
    until: Until = None,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Events `run` and `block_run`: the events of runs as they are recorded, each with whose it is.

    From now on; with `Last-Event-ID` what has happened since comes first. Some of that may have been sent before: the JSON
    has the event's own `id`. `until` needs a `run_id`.
    """
    if until and run_id is None:
        raise errors.BadField(field="until", given=until, expected="left out, unless a `run_id` is given")
    wanted = Wanted(run_id, project, pipeline, trigger_id, backfill_id, frozenset(kinds) if kinds else None, home.reach)
    _refuse_unknown(kinds or ())
    mark, cursor = _mark(last_event_id, after)
    if cursor is not None:
        raise _bad_mark(last_event_id, after)
    if run_id is not None:
        await to_thread.run_sync(runs.get, home, run_id)
    whole: App = request.app.state.home  # marks are of what happens to all
    since = None if mark is None else await to_thread.run_sync(_bounded, whole, mark)
    patience = _patience(request, home, run_id)
    told = _changes(whole, feed, wanted, since, patience, ends=until is not None)
    return Stream(_counted(request, told))


@router.get(
    "/runs/{run_id:run}/stream", summary="Follow a run and what it writes", response_class=Response, responses=TELLS
)
async def follow(
    home: Home,
    feed: here.Changes,
    request: Request,
    run_id: RunId,
    block: logs.Block = None,
    attempt: logs.Attempt = None,
    level: logs.Level = None,
    text: logs.Text = None,
    tail: logs.Tail = None,
    until: Until = None,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Events `run`, `block_run` and `log`, from the run's beginning on, or from where `Last-Event-ID` says.

    Changes are all of the run's; lines are those that were asked for, from the first on, or from the last `tail`.
    """
    mark, cursor = _mark(last_event_id, after)
    asked = logs.Asked(home, run_id, run_logs.choice(level=level, text=text), block, attempt)
    following, begin = await to_thread.run_sync(_opened, asked, cursor or None, tail)
    whole: App = request.app.state.home  # of which the run alone is told
    since = await to_thread.run_sync(_bounded, whole, mark or 0)
    patience = _patience(request, home, run_id)
    told = _run(whole, feed, following, begin, cursor, since, patience, ends=until is not None)
    return Stream(_counted(request, told))


def _opened(asked: logs.Asked, cursor: str | None, tail: int | None) -> tuple[Following, Page | None]:
    """What follows the cursor; without one, the page that comes first, and what follows that."""
    begin = asked.page(None, None, tail, tail) if tail and not cursor else None
    return asked.following(begin.after if begin else cursor), begin


@contextlib.asynccontextmanager
async def _counted(request: Request, told: AbstractAsyncContextManager[Parts]) -> AsyncGenerator[Parts]:
    """One of those that the caller may follow at once. TooManyStreams."""
    guard: gate.Gate = request.app.state.gate
    with guard.streams.followed(request.state.caller):
        async with told as parts:
            yield parts


@contextlib.asynccontextmanager
async def _changes(
    home: App, feed: Feed, wanted: Wanted, since: int | None, patience: Patience, *, ends: bool
) -> AsyncGenerator[Parts]:
    async with feed.following(wanted) as follower:
        until = await _until(home, wanted.run_id) if ends else None
        yield Telling(Changes(home, feed, follower, since), patience, feed.pace, until=until).parts()


@contextlib.asynccontextmanager
async def _run(
    home: App,
    feed: Feed,
    following: Following,
    begin: Page | None,
    cursor: str | None,
    since: int,
    patience: Patience,
    *,
    ends: bool,
) -> AsyncGenerator[Parts]:
    """The logs are watched before they are read, as the run is followed before it is looked at."""
    loop = asyncio.get_running_loop()
    async with feed.following(Wanted(run_id=following.run.id)) as follower:
        lines = Lines(following, cursor or "", follower, begin)
        stirred = partial(_soon, loop, lines)
        unwatch = await to_thread.run_sync(feed.growth.watch, following.run.uid, stirred)
        try:
            until = await _until(home, following.run.id) if ends else None
            yield Telling(Changes(home, feed, follower, since), patience, feed.pace, lines, until).parts()
        finally:
            unwatch()


def _soon(loop: asyncio.AbstractEventLoop, lines: Lines) -> None:
    """The loop is not woken for who has yet to read: of hundreds who follow a run most have, while it writes much."""
    if lines.is_stirred:
        return
    with contextlib.suppress(RuntimeError):  # the server has ended
        loop.call_soon_threadsafe(lines.stir)


async def _until(home: App, run_id: int | None) -> Run | None:
    return None if run_id is None else await to_thread.run_sync(runs.get, home, run_id)


def _patience(request: Request, home: App, run_id: int | None) -> Patience:
    """Ends a stream when its caller is not let in any more, sees other pipelines than then, or the run no more."""
    guard: gate.Gate = request.app.state.gate

    async def admit() -> None:
        caller = await guard.admit(request, Role.VIEWER)
        if reach.of(caller, Role.VIEWER) != home.reach:
            raise errors.NotAuthenticated(why="the roles are others than when the stream began")
        if run_id is not None and home.reach is not None:
            await to_thread.run_sync(runs.get, home, run_id)

    return Patience(admit)


def _refuse_unknown(kinds: Iterable[str]) -> None:
    """Whoever follows what never happens would wait for ever. BadField."""
    for kind in kinds:
        if kind not in event.KINDS:
            raise errors.BadField(field="kind", given=kind, expected=f"one of {', '.join(event.KINDS)}")


def _bounded(home: App, mark: int) -> int:
    """A mark of another database, or of one that was put back, may lie beyond all events."""
    return min(mark, home.store.happenings.last())


def _mark(header: str | None, query: str | None) -> tuple[int | None, str | None]:
    """The id of an event, and the cursor of a line; None where nothing is said. BadField."""
    said = header or query
    if not said:
        return None, None
    found = _MARK.fullmatch(said)
    if not found:
        raise _bad_mark(header, query)
    return int(found[1]), found[2]


def _bad_mark(header: str | None, query: str | None) -> errors.BadField:
    field = "Last-Event-ID" if header else "after"
    return errors.BadField(field=field, given=header or query, expected="the id of an event of this stream")
