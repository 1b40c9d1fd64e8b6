"""Stretches of one log: the wanted lines between two places, first to last or last to first, read block by block.

A place is a byte in the file at which a line begins. The end of a file without a newline is a line still being written,
or one whose writer was killed: it is not shown, and places stay before it.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from headrace.logs import choice as choosing
from headrace.logs import lines
from headrace.logs.choice import Choice
from headrace.logs.lines import Line

FIRST = 2**14  # bytes of the first block, which is all that a short page needs; each next is four times as large
LARGEST = 2**20  # bytes; no line of ours is as long: what has no newline for so long is passed over


class Exhausted(Exception):
    """As much was read as was allowed."""


class Allowance:
    """How many bytes may still be read, about: the last block may go beyond."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """So many are about to be read; Exhausted when nothing was left before."""
        if self._left <= 0:
            raise Exhausted
        self._left -= size


class Found(NamedTuple):
    """A wanted line, None where there was none for a while; the place before it, and behind it, in the order of reading."""

    line: Line | None
    before: int
    behind: int


class Log:
    """The file of an attempt, open while a page is made of it; one that is not there has no lines.

    OSError when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file: int | None = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            self._file = None
        self.size = os.fstat(self._file).st_size if self._file is not None else 0

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self, start: int, end: int) -> bytes:
        """The bytes from one place to the other, as far as they are there."""
        return os.pread(self._file, end - start, start) if self._file is not None and end > start else b""

    def end(self) -> int:
        """The place behind the last ended line."""
        begin = behind = self.size
        while behind > 0:
            begin = max(0, behind - FIRST)
            if newline := self.read(begin, behind).rfind(b"\n") + 1:
                return begin + newline
            behind = begin
        return 0

    def start_since(self, moment: datetime) -> int:
        """A place before which no line was written at that moment or later; as a rule close before the first that was.

        Lines lie in the order of their time, but for records of logging that come a little late; so it is a block of
        lines, not a line, that is found to be earlier.
        """
        return self._first_block(lambda times: not times or max(times) >= moment)

    def end_until(self, moment: datetime) -> int:
        """A place behind which no line was written before that moment, as `start_since` finds it."""
        return self._first_block(lambda times: bool(times) and min(times) >= moment)

    def _first_block(self, is_it_or_later: Callable[[list[datetime]], bool]) -> int:
        low, high = 0, self.size // FIRST + 1
        while low < high:
            middle = (low + high) // 2
            if is_it_or_later(self._times(middle * FIRST)):
                high = middle
            else:
                low = middle + 1
        return self._line_from(low * FIRST)

    def _times(self, place: int) -> list[datetime]:
        """When the lines of the block there were written."""
        start = self._line_from(place)
        block = self.read(start, min(self.size, start + FIRST))
        found = (lines.decode(raw) for raw in block[: block.rfind(b"\n") + 1].split(b"\n"))
        return [line.at for line in found if line]

    def _line_from(self, place: int) -> int:
        """Where the first line begins at this place or behind it; the end of the file when none does."""
        if place <= 0:
            return 0
        while place < self.size:
            ahead = self.read(place - 1, min(self.size, place + FIRST))
            if newline := ahead.find(b"\n") + 1:
                return place - 1 + newline
            place += len(ahead)
        return self.size


def forward(log: Log, start: int, end: int, choice: Choice, allowance: Allowance) -> Iterator[Found]:
    """The wanted lines from one place to the other; Exhausted.

    What it takes to get on from `start` is not counted to the allowance: so every page gets on in each of its logs.
    """
    spans = choosing.sieve(choice)
    size = FIRST
    while start < end and (block := log.read(start, min(start + size, end))):
        whole = block.rfind(b"\n") + 1
        if not whole and start + len(block) >= end:
            return
        for first, last in spans(block[:whole]):
            if (line := lines.decode(block[first:last])) and choice.takes(line):
                yield Found(line, start + first, start + last)
        if not whole and size < LARGEST:
            size *= 4
            continue
        start += whole or len(block)
        yield Found(None, start, start)
        size = min(4 * size, LARGEST)
        allowance.take(size)


def backward(log: Log, start: int, end: int, choice: Choice, allowance: Allowance) -> Iterator[Found]:
    """The wanted lines from `end` back to `start`; else as `forward`."""
    spans = choosing.sieve(choice)
    size = FIRST
    while end > start:
        begin = max(start, end - size)
        block = log.read(begin, end)
        whole, lead = block.rfind(b"\n") + 1, 0 if begin == start else block.find(b"\n") + 1
        for first, last in reversed(list(spans(block[lead:whole]))):
            if (line := lines.decode(block[lead + first : lead + last])) and choice.takes(line):
                yield Found(line, begin + lead + last, begin + lead + first)
        if lead < whole or begin == start:
            end = begin + lead
        elif size >= LARGEST:
            end = begin
        elif 0 < whole < len(block):
            end = begin + whole
        else:
            size *= 4
            continue
        yield Found(None, end, end)
        size = min(4 * size, LARGEST)
        allowance.take(size)
