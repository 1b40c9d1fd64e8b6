"""Choice: which lines of a log are wanted; and finding them in its bytes, so that only what may be wanted is decoded.

That is sound because `lines.encode` writes a level as `"level":"…"` and every character of a text always the same way:
what is in a message is, as it is written, in the bytes of its line. Only letters outside ASCII may become others when
case is folded (the Kelvin sign becomes k), so lines that have any are decoded.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from headrace.logs.lines import Line

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # the lowest first
STREAMS = ("stdout", "stderr", "log", "headrace")

Span = tuple[int, int]  # where a line begins in a block of bytes, and where it ends, its newline included


def at_least(level: str) -> frozenset[str]:
    """That level and those above it; ValueError when there is none of that name."""
    return frozenset(LEVELS[LEVELS.index(level) :])


@dataclass(frozen=True, slots=True)
class Choice:
    """Lines of one of the levels, of one of the streams, with that text in any case, written from `since` on, before `until`.

    None asks for nothing.
    """

    levels: Collection[str] | None = None
    streams: Collection[str] | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, line: Line) -> bool:
        return (
            (self.levels is None or line.level in self.levels)
            and (self.streams is None or line.stream in self.streams)
            and (self.since is None or line.at >= self.since)
            and (self.until is None or line.at < self.until)
            and (self.text is None or self.text.casefold() in line.message.casefold())
        )


ALL = Choice()


def sieve(choice: Choice) -> Callable[[bytes], Iterator[Span]]:
    """A function from a block of ended lines to the spans of those that the choice may take: what it leaves out, it never does."""
    if choice.text:
        return _of_text(choice.text.casefold())
    if choice.levels is not None:
        return _of_field("level", choice.levels)
    if choice.streams is not None:
        return _of_field("stream", choice.streams)
    return _spans


def _of_text(folded: str) -> Callable[[bytes], Iterator[Span]]:
    written = _written(folded).lower()

    def found(block: bytes) -> Iterator[Span]:
        if block.isascii():
            return _around(block, block.lower().find, written) if folded.isascii() else iter(())
        return (span for span in _spans(block) if _may_have(block[slice(*span)]))

    def _may_have(line: bytes) -> bool:
        return not line.isascii() or written in line.lower()

    return found


def _of_field(name: str, values: Collection[str]) -> Callable[[bytes], Iterator[Span]]:
    """Values are few: without any, no line has one."""
    if not values:
        return lambda _: iter(())
    either = b"|".join(re.escape(_written(value)) for value in values)
    pattern = re.compile(b'"%b":"(?:%b)"' % (name.encode(), either))
    return lambda block: _lines_at(block, (found.start() for found in pattern.finditer(block)))


def _spans(block: bytes) -> Iterator[Span]:
    start = 0
    while end := block.find(b"\n", start) + 1:
        yield start, end
        start = end


def _around(block: bytes, find: Callable[[bytes, int], int], sought: bytes) -> Iterator[Span]:
    """The lines in which `find` finds what is sought."""
    end = 0
    while (place := find(sought, end)) >= 0:
        start, end = _line_at(block, place)
        yield start, end


def _lines_at(block: bytes, places: Iterator[int]) -> Iterator[Span]:
    """The lines at these ascending places, each once."""
    end = 0
    for place in places:
        if place >= end:
            start, end = _line_at(block, place)
            yield start, end


def _line_at(block: bytes, place: int) -> Span:
    return block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place) + 1


def _written(text: str) -> bytes:
    """The text as it is within a JSON string. A lone surrogate, which no log has, is replaced."""
    return msgspec.json.encode(text.encode("utf-8", "replace").decode())[1:-1]
