"""Bytes arrive in chunks of any size; lines leave, each in a bounded space.

A line ends at a newline. A carriage return within it starts it anew, as on a terminal: of a progress bar the last state
is kept. A line is held whole up to `WHOLE` bytes, so that a framed record (`lines.frame`) always is; of a longer one
the two ends are held.
"""

from collections.abc import Iterator
from typing import NamedTuple

from headrace.logs import bounds

WHOLE = 8 * bounds.LONGEST


class Raw(NamedTuple):
    """The bytes of one line. When `back` is not None, `left_out` bytes are missing between it and `front`."""

    front: bytes
    left_out: int
    back: bytes | None
    size: int  # bytes that the stream brought for it, its newline and what was overwritten included


class Assembler:
    """The line that one stream is writing. `margin` is the length in bytes of the longest secret that may be cut."""

    def __init__(self, margin: int) -> None:
        self._keep = bounds.HALF + margin + 8  # of either end; a cut may move by a character and a carriage return
        self._whole = max(WHOLE, 4 * self._keep)
        self._clear()

    def split(self, chunk: bytes) -> Iterator[tuple[Raw, int]]:
        """Each line that the chunk ends, and where in the chunk the next begins; the rest waits for its newline."""
        position = 0
        while (end := chunk.find(b"\n", position)) >= 0:
            raw = self._line(chunk[position:end])
            position = end + 1
            yield raw, position
        self._add(chunk[position:])

    def last(self) -> Raw | None:
        """What is there without a newline, if anything."""
        return self._finish(newline=0) if self._size else None

    def lose(self, size: int) -> None:
        """So many bytes of the line, which come after those there are, will not arrive."""
        self._left_out += size + len(self._back or b"")
        self._back = bytearray()
        self._size += size

    def forget(self) -> int:
        """Drop what there is of the line; how many bytes that was."""
        size = self._size
        self._clear()
        return size

    def _line(self, rest: bytes) -> Raw:
        if not self._size and len(rest) <= bounds.LONGEST and b"\r" not in rest:
            return Raw(rest, 0, None, len(rest) + 1)
        self._add(rest)
        return self._finish(newline=1)

    def _finish(self, newline: int) -> Raw:
        self._overwrite()
        ends = bytes(self._front), bytes(self._back) if self._back is not None else None
        front, back = (end.rstrip(b"\r") if end is not None else None for end in ends)
        raw = Raw(front or b"", self._left_out, back, self._size + newline)
        self._clear()
        return raw

    def _clear(self) -> None:
        self._front = bytearray()
        self._back: bytearray | None = None
        self._left_out = 0
        self._size = 0

    def _add(self, piece: bytes) -> None:
        held = self._front if self._back is None else self._back
        held += piece
        self._size += len(piece)
        if len(held) > self._whole:
            self._overwrite()
            self._trim()

    def _overwrite(self) -> None:
        """Forget what stands before the last carriage return that something follows, and all but one at the end."""
        held = self._front if self._back is None else self._back
        if b"\r" not in held:
            return
        end = len(held.rstrip(b"\r"))
        start = held.rfind(b"\r", 0, end) + 1
        if start:
            self._front, self._back, self._left_out = held[start : end + 1], None, 0
        else:
            del held[end + 1 :]

    def _trim(self) -> None:
        """Keep the two ends of a line that is too long to be held whole."""
        if self._back is None:
            if len(self._front) <= self._whole:
                return
            self._back = self._front[self._keep :]
            del self._front[self._keep :]
        beyond = max(0, len(self._back) - self._keep)
        self._left_out += beyond
        del self._back[:beyond]
