"""Telling: what one stream says, of what has happened since a mark and happens from now on, and of lines that are written."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from anyio import to_thread

from headrace import clock
from headrace.api import frames
from headrace.api.feed import Batch, Feed, Follower
from headrace.api.pace import Pace
from headrace.api.progress import PAGE, Progress
from headrace.api.streaming import Parts, Patience
from headrace.app import App
from headrace.logs.lines import Line
from headrace.model.run import FINAL_RUN, Run
from headrace.operations.run_logs import Entry, Following, Page

LINES = 500  # of a log that are read and sent at once


class Changes:
    """What a follower is told of what happens: each event once, those of a run in their order.

    Everything up to `mark` has been told.
    """

    def __init__(self, app: App, feed: Feed, follower: Follower, after: int | None) -> None:
        self.follower = follower
        self.mark = after or 0
        self.app = app
        self._feed = feed
        self._earlier = None if after is None else Progress(after, follower.wanted.run_id, settled=feed.mark)

    async def earlier(self) -> AsyncIterator[Batch]:
        """What has happened since, page by page; a batch is empty where nothing of a page was wanted."""
        count = PAGE
        while self._earlier and count >= PAGE and not self.follower.lost:
            began = clock.monotonic()
            found = await to_thread.run_sync(self._earlier.look, self.app)
            count, self.mark = len(found), self._earlier.mark
            seen = await to_thread.run_sync(self._feed.seen, self.follower.wanted.reach)
            yield Batch([each for each in found if self.follower.wanted.takes(each.happening, seen)])
            if count >= PAGE:
                await self._feed.pace.rest(clock.monotonic() - began)

    def new(self) -> Iterator[Batch]:
        """What the feed has given, less what was told before it was followed."""
        given = self._feed.mark
        while batch := self.follower.take():
            if fresh := self._fresh(batch):
                yield fresh
        self.mark = max(self.mark, given)

    def _fresh(self, batch: Batch) -> Batch | None:
        if self._earlier is None or batch.happened[0].id > self._earlier.last:
            return batch
        new = [each for each in batch.happened if self._earlier.is_new(each)]
        return Batch(new) if new else None


class Lines:
    """The lines of a run as they are written; `cursor` stands behind those that were told."""

    def __init__(self, following: Following, cursor: str, follower: Follower, begin: Page | None = None) -> None:
        self.cursor = cursor
        self._following = following
        self._follower = follower
        self._begin = begin
        self._stirred = True

    @property
    def is_stirred(self) -> bool:
        """Whether they will be read anyway, also what is written until then. Any thread may ask."""
        return self._stirred

    def stir(self) -> None:
        """There may be more of them; called on the event loop."""
        self._stirred = True
        self._follower.woken.set()

    async def more(self) -> Page | None:
        """The next of them; None when nothing says that there are any."""
        if begin := self._begin:
            self._begin = None
            self.stir()  # something may have been written since it was read
            return begin
        if not self._stirred:
            return None
        self._stirred = False
        page = await to_thread.run_sync(self._following.read, LINES)
        if page.more:
            self.stir()
        return page


class Telling:
    """One stream. It ends when its follower is lost, and once the run `until` is final; the client comes again or not."""

    def __init__(
        self, changes: Changes, patience: Patience, pace: Pace, lines: Lines | None = None, until: Run | None = None
    ) -> None:
        self._changes = changes
        self._patience = patience
        self._pace = pace
        self._lines = lines
        self._until = until
        self._may_be_over = until is not None and until.status in FINAL_RUN

    async def parts(self) -> Parts:
        yield frames.RETRY
        async for batch in self._changes.earlier():
            yield self._of(batch) or frames.still(self._mark())
            await self._patience.check()
        while not self._changes.follower.lost:
            for batch in self._changes.new():
                yield self._of(batch)
                self._patience.spoke()
                self._may_be_over |= batch.ends
            if self._lines:
                async for part in self._new_lines(self._lines):
                    yield part
            if end := await self._end():
                async for part in self._last_lines():
                    yield part
                yield end
                return
            if await self._patience.wait(self._changes.follower):
                yield frames.still(self._mark())
                self._patience.spoke()

    async def _new_lines(self, lines: Lines) -> Parts:
        began = clock.monotonic()
        if page := await lines.more():
            yield self._of_lines(page, lines)
            self._patience.spoke()
            await self._pace.rest(clock.monotonic() - began)

    async def _last_lines(self) -> Parts:
        """Everything that was written has been by the time at which a run is final."""
        if self._lines:
            self._lines.stir()
            while page := await self._lines.more():
                yield self._of_lines(page, self._lines)
                await self._patience.check()

    async def _end(self) -> bytes | None:
        """What is said last, if the run is over and not reopened since."""
        if not self._until or not self._may_be_over:
            return None
        self._may_be_over = False
        run = await to_thread.run_sync(self._changes.app.store.runs.get, self._until.id)
        if run.status not in FINAL_RUN:
            return None
        return frames.unmarked("end", _encode({"run_id": run.id, "status": run.status}))

    def _of(self, batch: Batch) -> bytes:
        """Those who are told the same are told it by the same bytes."""
        if not self._lines:
            return batch.written
        return b"".join(frames.event(each.name, each.text, self._marked(each.mark)) for each in batch.happened)

    def _of_lines(self, page: Page, lines: Lines) -> bytes:
        """A client that has read only some of them is told all of them again."""
        *before, last = [line(each) for each in page.lines] or [b""]
        lines.cursor = page.after
        if not last:
            return b""
        unmarked = b"".join(frames.unmarked("log", each) for each in before)
        return unmarked + frames.event("log", last, self._mark())

    def _mark(self) -> str:
        return self._marked(self._changes.mark)

    def _marked(self, mark: int) -> str:
        """What is shown when the client comes again."""
        return f"{mark}.{self._lines.cursor}" if self._lines else str(mark)


def line(entry: Entry) -> bytes:
    """The JSON of a line."""
    return _encode(_line(entry))


def page(found: Page) -> bytes:
    """The JSON of a page of lines."""
    lines = [_line(each) for each in found.lines]
    return _encode({"lines": lines, "next": found.after, "previous": found.before, "more": found.more})


def _line(entry: Entry) -> dict[str, Any]:
    return {"block": entry.block, "attempt": entry.attempt, **{name: getattr(entry.line, name) for name in _LINE}}


_LINE = [field.name for field in dataclasses.fields(Line)]
_encode = msgspec.json.Encoder(enc_hook=str).encode
