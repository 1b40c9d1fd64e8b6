"""Logs: the lines of a run, page by page or as one text."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headrace import errors
from headrace.api import telling
from headrace.api.v1 import answers, given, here, media
from headrace.api.v1.given import Moment, Name, RunId
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.logs.choice import Choice
from headrace.operations import run_logs
from headrace.operations.run_logs import Entry, Following, Page

router = here.routes("logs")

MOST = 5_000  # lines of a page
TEXT = "text/plain"
_CALLED = {"after": "cursor", "last": "tail"}

Block = Annotated[Name | None, Query(description="Only of this block.")]
Attempt = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only of the attempts of this number.")]
Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None, Query(description="Of this level or above.")
]
Text = Annotated[
    given.Text | None, Query(min_length=1, max_length=run_logs.LONGEST_TEXT, description="With it in any case.")
]
Streams = Annotated[
    list[Literal["stdout", "stderr", "log", "headrace"]] | None,
    Query(alias="stream", max_length=4, description="Only of these: `log` is of Python's logging."),
]
Cursor = Annotated[str | None, Query(max_length=10_000, description="`next` of an earlier page: what comes behind it.")]
Before = Annotated[str | None, Query(max_length=10_000, description="`previous` of a page: what comes before it.")]
Tail = Annotated[int | None, Query(ge=1, le=MOST, description="The last lines, at most so many.")]
Since = Annotated[Moment | None, Query(description="Written then or later.")]
Until = Annotated[Moment | None, Query(description="Written before.")]


TELLS = answers.tells("Lines", said="A page of lines; all of them, where text is asked for.", media=TEXT)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines are asked for. RunNotFound, BlockNotFound, NoSuchAttempt, BadLogQuery when they are looked for."""

    home: App
    run_id: int
    choice: Choice
    block: str | None
    attempt: int | None

    def page(self, cursor: str | None, before: str | None, tail: int | None, limit: int) -> Page:
        ends: dict[str, Any] = {"after": cursor, "before": before, "last": tail is not None, "limit": tail or limit}
        of: dict[str, Any] = {"choice": self.choice, "block": self.block, "attempt": self.attempt}
        return run_logs.page(self.home, self.run_id, **ends, **of)

    def following(self, cursor: str | None) -> Following:
        """What comes behind the cursor, also what is yet to be written."""
        of: dict[str, Any] = {"block": self.block, "attempt": self.attempt}
        return Following(self.home, self.run_id, after=cursor, choice=self.choice, **of)


@router.get("/runs/{run_id:run}/logs", summary="What the blocks of a run have written", responses=TELLS)
async def lines(
    home: Home,
    request: Request,
    run_id: RunId,
    block: Block = None,
    attempt: Attempt = None,
    level: Level = None,
    stream: Streams = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    before: Before = None,
    tail: Tail = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many.")] = 1_000,
) -> Response:
    """All blocks together, in the order in which they wrote, from the first line on.

    `next` goes on behind the page, also once there is more; `previous` before it. A search reads 16 MiB at most for a page,
    so that a page may have few lines or none and still say `more`. With `Accept: text/plain` it is all lines from `cursor` on.
    """
    choice = run_logs.choice(level=level, streams=stream, text=text, since=since, until=until)
    asked = Asked(home, run_id, choice, block, attempt)
    with _as_called():
        if media.prefers(request, TEXT):
            _refuse_back(before, tail)
            return StreamingResponse(_written(await to_thread.run_sync(asked.following, cursor)), media_type=TEXT)
        page = await to_thread.run_sync(asked.page, cursor, before, tail, limit)
    return Response(telling.page(page), media_type=answers.MEDIA)


@contextlib.contextmanager
def _as_called() -> Generator[None]:
    """What is not as it is to be is told by the name that the parameter has here."""
    try:
        yield
    except errors.BadLogQuery as error:
        error.facts["parameter"] = _CALLED.get(error.facts["field"], error.facts["field"])
        raise


def _refuse_back(before: str | None, tail: int | None) -> None:
    for field, said in (("before", before), ("tail", tail)):
        if said is not None:
            raise errors.BadLogQuery(field=field, given=said, expected="left out, where text is asked for")


def _written(following: Following) -> Iterator[str]:
    """What has been written by now, page by page."""
    more = True
    while more:
        page = following.read(MOST)
        yield "".join(map(_line, page.lines))
        more = page.more


def _line(entry: Entry) -> str:
    """2026-01-31T06:00:00.000001+00:00 INFO load: grains"""
    of = entry.line
    return f"{of.at.isoformat()} {of.level} {entry.block}: {of.message}\n"
