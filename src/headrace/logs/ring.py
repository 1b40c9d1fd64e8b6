"""The last bytes that streams wrote, in a bounded memory, and the count of what had to go."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

ENVELOPE = 80  # bytes that a line takes in the file beyond its message, about


class Segment(NamedTuple):
    """Bytes as they came."""

    stream: str
    at: datetime
    chunk: bytes
    lines: int

    @property
    def cost(self) -> int:
        """About what it will take in the file, so that a gigabyte of empty lines is as cheap as one of long lines."""
        return len(self.chunk) + ENVELOPE * max(1, self.lines)


@dataclass(slots=True)
class Lost:
    """What is gone of one stream: whole lines, bytes, and how many of these belong to a line not yet ended."""

    lines: int = 0
    bytes: int = 0
    torn: int = 0


class Ring:
    """Holds segments for about `size` bytes of lines in the file, never less than there are. No work is done by line."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._step = max(512, min(2**16, size // 16))
        self._segments: deque[Segment] = deque()
        self._cost = 0
        self.lost: dict[str, Lost] = {}

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    def push(self, stream: str, chunk: bytes, at: datetime) -> None:
        """Take the chunk, and let go of the oldest that is no longer among the last."""
        for piece in self._pieces(chunk):
            segment = Segment(stream, at, piece, piece.count(b"\n"))
            self._segments.append(segment)
            self._cost += segment.cost
            while self._segments and self._cost - self._segments[0].cost >= self._size:
                self._let_go(self._segments.popleft())

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk in pieces small against the ring; in one piece what of it the rest of the chunk pushes out."""
        beyond = max(0, len(chunk) - self._size)
        if beyond:
            yield chunk[:beyond]
        for start in range(beyond, len(chunk), self._step):
            yield chunk[start : start + self._step]

    def _let_go(self, segment: Segment) -> None:
        self._cost -= segment.cost
        lost = self.lost.setdefault(segment.stream, Lost())
        lost.lines += segment.lines
        lost.bytes += len(segment.chunk)
        unended = len(segment.chunk) - segment.chunk.rfind(b"\n") - 1
        lost.torn = unended if segment.lines else lost.torn + unended
