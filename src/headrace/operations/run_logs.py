"""The lines of a run, of all its blocks and attempts together: looked at page by page, searched, followed.

`merging` says in which order they come. A cursor stands between two lines; it goes on with the same run, block, attempt
and choice of lines, forward or back, also after the logs have grown.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace import errors
from headrace.app import App
from headrace.logs import choice as choosing
from headrace.logs import cuts, merging
from headrace.logs.choice import ALL, LEVELS, STREAMS, Choice
from headrace.logs.cuts import BEGIN, Cut
from headrace.logs.growth import Growth
from headrace.logs.lines import Line
from headrace.logs.merging import Merged, Source
from headrace.model.run import Attempt, Run

MOST = 10_000  # lines of a page
LONGEST_TEXT = 1_000  # characters that are looked for


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, with the block that wrote it and the number of its attempt."""

    block: str
    attempt: int
    line: Line


@dataclass(frozen=True, slots=True)
class Page:
    """Lines, first to last; the cursors before the first and behind the last of them.

    `more` says whether there was more in the direction that was asked for, or may be: a page also ends, with few lines or
    none, when 16 MiB were read for it (`merging.READ`).
    """

    lines: tuple[Entry, ...]
    before: str
    after: str
    more: bool


@dataclass(frozen=True, slots=True)
class _Logs:
    """The logs that were asked for, in the order in which their attempts began."""

    run: Run
    sources: Sequence[Source]
    names: dict[int, tuple[str, int]]  # block and attempt by the number of the log

    def cut(self, field: str, cursor: str) -> Cut:
        try:
            return cuts.read(cursor, self.run.id)
        except ValueError:
            expected = f"a cursor that a page of run {self.run.id} gave"
            raise errors.BadLogQuery(field=field, given=cursor, expected=expected) from None

    def page(self, found: Merged) -> Page:
        lines = tuple(Entry(*self.names[number], line) for number, line in found.lines)
        before, after = cuts.written(found.before, self.run.id), cuts.written(found.behind, self.run.id)
        return Page(lines, before, after, found.more)


def choice(
    *,
    level: str | None = None,
    levels: Collection[str] | None = None,
    streams: Collection[str] | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Choice:
    """The choice of lines of a level or above, or of just some levels; BadLogQuery names the field that is wrong.

    Moments are aware.
    """
    for field, given, known in (("level", [level] if level else (), LEVELS), ("stream", streams or (), STREAMS)):
        for unknown in set(given).difference(known):
            raise errors.BadLogQuery(field=field, given=unknown, expected=f"one of {', '.join(known)}")
    if text is not None and not 0 < len(text) <= LONGEST_TEXT:
        raise errors.BadLogQuery(field="text", given=text, expected=f"1 to {LONGEST_TEXT} characters")
    if since and until and until <= since:
        raise errors.BadLogQuery(field="until", given=until.isoformat(), expected="a moment later than since")
    named = frozenset(levels) if levels is not None else None
    above = choosing.at_least(level) if level else None
    both = named & above if named is not None and above is not None else named if above is None else above
    return Choice(both, frozenset(streams) if streams is not None else None, text, since, until)


def page(
    app: App,
    run: int | str,
    *,
    after: str | None = None,
    before: str | None = None,
    last: bool = False,
    limit: int = 1000,
    choice: Choice = ALL,
    block: str | None = None,
    attempt: int | None = None,
) -> Page:
    """At most `limit` lines of the run of that id or uid: the first, the `last`, those `after` a cursor or those `before` one.

    Of one block or all, of the attempts of that number or all. RunNotFound, BlockNotFound, NoSuchAttempt, BadLogQuery.
    """
    if not 1 <= limit <= MOST:
        raise errors.BadLogQuery(field="limit", given=limit, expected=f"1 to {MOST}")
    _refuse_several(after=after, before=before, last=last or None)
    logs = _logs(app, app.store.runs.get(run), block, attempt)
    if last or before is not None:
        cut = logs.cut("before", before) if before is not None else merging.end(logs.sources)
        return logs.page(merging.before(logs.sources, cut, limit, choice))
    cut = logs.cut("after", after) if after is not None else BEGIN
    return logs.page(merging.after(logs.sources, cut, limit, choice))


def _refuse_several(**ends: Any) -> None:
    """A page begins at one end. BadLogQuery."""
    first, *others = [name for name, given in ends.items() if given is not None] or [""]
    for name in others:
        raise errors.BadLogQuery(field=name, given=ends[name], expected=f"left out, where `{first}` is given")


def growth(app: App) -> Growth:
    """Tells when logs of runs grow; one is enough for a process. Close it."""
    return Growth(app.settings.home / "logs")


class Following:
    """What comes after a cursor, read whenever something may have come (`Growth`). One thread at a time may read.

    The database is asked at the beginning and when there is a log that was not there before, else only files are looked
    at. RunNotFound, BlockNotFound, NoSuchAttempt, BadLogQuery when it is made.
    """

    def __init__(
        self,
        app: App,
        run: int | str,
        *,
        after: str | None = None,
        choice: Choice = ALL,
        block: str | None = None,
        attempt: int | None = None,
    ) -> None:
        self._app = app
        self._choice = choice
        self._of = block, attempt
        self.run = app.store.runs.get(run)
        self._files = self._there()
        self._logs = _logs(app, self.run, block, attempt)
        self._cut = self._logs.cut("after", after) if after is not None else BEGIN

    def read(self, limit: int = 1000) -> Page:
        """The next lines, at most `limit`; when there are `more`, read again at once."""
        if (files := self._there()) - self._files:
            self._files, self._logs = files, _logs(self._app, self.run, *self._of)
        found = merging.after(self._logs.sources, self._cut, limit, self._choice)
        self._cut = found.behind
        return self._logs.page(found)

    def _there(self) -> frozenset[str]:
        try:
            with os.scandir(self._app.settings.home / "logs" / self.run.uid) as entries:
                return frozenset(entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()


def _logs(app: App, run: Run, block: str | None, number: int | None) -> _Logs:
    rows = app.store.runs.block_runs(run.id)
    if block is not None:
        named = [row for row in rows if row.block == block]
        if not named:
            _, pipeline = app.store.projects.names(run.pipeline_id)
            raise errors.BlockNotFound(pipeline=pipeline, block=block, names=", ".join(row.block for row in rows))
        rows = named
    blocks = {row.id: row.block for row in rows}
    tries = [each for tries in app.store.runs.attempts(blocks).values() for each in tries]
    chosen = sorted((each for each in tries if number in (None, each.number)), key=lambda attempt: attempt.id)
    if block is not None and number is not None and not chosen:
        raise errors.NoSuchAttempt(block=block, run=run.id, count=len(tries))
    names = {each.id: (blocks[each.block_run_id], each.number) for each in chosen}
    return _Logs(run, [_source(app, run, each) for each in chosen], names)


def _source(app: App, run: Run, attempt: Attempt) -> Source:
    path = app.settings.home / "logs" / run.uid / f"{attempt.uid}.jsonl"
    return Source(attempt.id, path, attempt.started_at, attempt.ended_at)
