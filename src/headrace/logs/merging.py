"""The lines of a run, of all its logs together, as pages.

Lines of one log stay in the order they were written; of lines of several logs that run side by side the earlier comes
first, and of lines of the same moment that of the earlier attempt. A page reads only the logs that have lines in the
time that it covers: one is looked into once the others have got to where its attempt began.

A line is in the page that first finds it. So pages that follow each other have every line once, also while logs grow
and attempts begin; a line that comes late, with a time that pages have passed, is in the next. Read again from the
beginning it stands in its time.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace.logs import stretches
from headrace.logs.choice import Choice
from headrace.logs.cuts import Cut
from headrace.logs.lines import Line
from headrace.logs.stretches import Allowance, Exhausted, Found, Log

READ = 16 * 2**20  # bytes, about, that are read for a page
SLACK = timedelta(seconds=1)  # by which lines may lie outside of the times of their attempt: others wrote these down

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """The log of one attempt. Numbers rise with the order in which attempts began; once it has `ended` it does not grow."""

    number: int
    path: Path
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Merged:
    """Lines with the numbers of their logs, first to last; the cuts before and behind them.

    `more` says whether there was more, in the direction of reading. It is also true of a page that ends because as much
    was read as is for one page: then it may have few lines or none.
    """

    lines: tuple[tuple[int, Line], ...]
    before: Cut
    behind: Cut
    more: bool


class _Strand:
    """One log on its way into a page: `line` is its next, if any, and `place` where that would be read."""

    def __init__(self, source: Source, log: Log, place: int, found: Iterator[Found]) -> None:
        self.source = source
        self.place = self._behind = place
        self.line: Line | None = None
        self.is_over = False
        self._log = log
        self._found = found

    def advance(self) -> None:
        """Goes on to the next wanted line; Exhausted, with the place kept."""
        self.line, self.place = None, self._behind
        for found in self._found:
            self.line, self.place, self._behind = found
            if self.line:
                return
        self.is_over = True
        self.close()

    def close(self) -> None:
        self._log.close()


class _Merge:
    """Takes lines from strands, always the first in the order of reading: `sign` is 1 forward in time, -1 backward.

    `waiting` are sources that are opened once the others have got to their moment.
    """

    def __init__(
        self,
        sign: int,
        waiting: Sequence[tuple[datetime, Source]],
        strand: Callable[[Source], _Strand],
        allowance: Allowance,
    ) -> None:
        self._sign = sign
        self._waiting = _with_earliest(sign, waiting)
        self._strand = strand
        self._allowance = allowance
        self._heads: list[tuple[float, int, _Strand]] = []
        self.strands: dict[int, _Strand] = {}
        self.lines: list[tuple[int, Line]] = []

    def take(self, limit: int, under_way: Sequence[Source]) -> bool:
        """Collects so many lines; whether there are more, or may be, since as much was read as is allowed."""
        try:
            for source in under_way:
                self._begin(source)
            while self._has_next() and len(self.lines) < limit:
                _, _, strand = heapq.heappop(self._heads)
                assert strand.line  # noqa: S101 - else it were no head
                self.lines.append((strand.source.number, strand.line))
                self._advance(strand)
            return bool(self._heads)
        except Exhausted:
            return True
        finally:
            for strand in self.strands.values():
                strand.close()

    def _has_next(self) -> bool:
        while self._waiting and (not self._heads or self._waiting[-1][0] <= self._heads[0][0]):
            self._allowance.take(stretches.FIRST)
            self._begin(self._waiting.pop()[1])
        return bool(self._heads)

    def _begin(self, source: Source) -> None:
        strand = self.strands[source.number] = self._strand(source)
        self._advance(strand)

    def _advance(self, strand: _Strand) -> None:
        strand.advance()
        if strand.line:
            key = self._sign * strand.line.at.timestamp(), self._sign * strand.source.number
            heapq.heappush(self._heads, (*key, strand))


def after(sources: Sequence[Source], cut: Cut, limit: int, choice: Choice, size: int = READ) -> Merged:
    """The first `limit` wanted lines behind the cut. `sources` are in the order of their numbers."""
    allowance = Allowance(size)

    def strand(source: Source) -> _Strand:
        log, place = Log(source.path), cut.places.get(source.number, 0)
        start = log.start_since(choice.since) if choice.since and not place else place
        end = log.end_until(choice.until) if choice.until else log.size
        return _Strand(source, log, start, stretches.forward(log, start, end, choice, allowance))

    waiting = [(each.began - SLACK, each) for each in sources if each.number > cut.upto]
    merge = _Merge(1, waiting, strand, allowance)
    more = merge.take(limit, [each for each in sources if each.number in cut.places])

    def place(source: Source) -> int | None:
        if strand := merge.strands.get(source.number):
            return None if strand.is_over and source.ended else strand.place
        return _place(cut, source)

    upto = max([cut.upto, *merge.strands])  # also those that were only looked into: so every page gets on
    return Merged(tuple(merge.lines), cut, _cut(sources, place, upto), more)


def before(sources: Sequence[Source], cut: Cut, limit: int, choice: Choice, size: int = READ) -> Merged:
    """The last `limit` wanted lines before the cut. `sources` are in the order of their numbers."""
    allowance = Allowance(size)

    def strand(source: Source) -> _Strand:
        log = Log(source.path)
        whole = log.end_until(choice.until) if choice.until else log.size
        end = min(cut.places.get(source.number, whole), whole)
        start = log.start_since(choice.since) if choice.since else 0
        return _Strand(source, log, end, stretches.backward(log, start, end, choice, allowance))

    wholly = [each for each in sources if _place(cut, each) is None]
    waiting = sorted(((each.ended or _EVER, each) for each in wholly), key=lambda pair: pair[0], reverse=True)
    merge = _Merge(-1, [(ended + SLACK, each) for ended, each in waiting], strand, allowance)
    more = merge.take(limit, [each for each in sources if cut.places.get(each.number)])

    def place(source: Source) -> int | None:
        strand = merge.strands.get(source.number)
        if not strand:
            return _place(cut, source)
        return 0 if strand.is_over else strand.place

    return Merged(tuple(reversed(merge.lines)), _cut(sources, place), cut, more)


def end(sources: Sequence[Source]) -> Cut:
    """The cut behind every line that has been written by now."""
    return _cut(sources, lambda source: None if source.ended else _end(source.path))


def _end(path: Path) -> int:
    with closing(Log(path)) as log:
        return log.end()


def _place(cut: Cut, source: Source) -> int | None:
    """How far the log is before the cut; None: the whole of it."""
    if source.number in cut.places:
        return cut.places[source.number]
    return 0 if source.number > cut.upto else None


def _cut(sources: Sequence[Source], place: Callable[[Source], int | None], upto: int = 0) -> Cut:
    places = {each.number: place(each) for each in sources}
    upto = max([upto, *(number for number, found in places.items() if found != 0)])
    return Cut(upto, {number: found for number, found in places.items() if found is not None and number < upto + 1})


def _with_earliest(sign: int, waiting: Sequence[tuple[datetime, Source]]) -> list[tuple[float, Source]]:
    """The sources, the first at the end, each with the earliest moment of its own and of those that come after it."""
    earliest, found = float("inf"), list[tuple[float, Source]]()
    for moment, source in reversed(waiting):
        earliest = min(earliest, sign * moment.timestamp())
        found.append((earliest, source))
    return found
