"""AttemptLog: what one attempt prints becomes lines of its file, bounded and masked.

The beginning is written line by line as it comes, to be read live. Once that has taken `head` bytes of the file, the
rest goes as raw bytes through a ring, where a gigabyte costs little more than its copying; its last `tail` bytes are
written at the close, behind one line that says what was left out.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from headrace.logs import lines, masking
from headrace.logs.appending import Appender
from headrace.logs.assembling import Assembler, Raw
from headrace.logs.lines import Line
from headrace.logs.ring import Ring


class _Entry(NamedTuple):
    """What one line of a block becomes in the file: as a rule one line, two with a record behind something printed."""

    body: bytes
    lines: int
    size: int  # bytes that the block wrote for it


class AttemptLog:
    """The log of one attempt, fed by one thread. Nothing here raises for what is printed or for what the disk does.

    Of what a block prints the file takes at most `head` bytes and one line, and `tail` bytes; remarks come on top.
    """

    def __init__(self, path: Path, head: int, tail: int, masks: Sequence[str] = ()) -> None:
        self.mask = masking.mask_of(tuple(masks))
        self._file = Appender(path)
        self._room = head
        self._tail = tail
        self._ring = Ring(tail)
        self._assemblers: dict[str, Assembler] = {}
        self._remarks: list[bytes] = []  # said while the ring fills; they follow the tail
        self._lines = 0
        self._closed = False

    @property
    def trouble(self) -> str | None:
        """Why the file stopped growing, None while it has not."""
        return self._file.trouble

    def mask_with(self, masks: Sequence[str]) -> None:
        """These values are masked in every line that is not written yet; of one too long to be held less may be left."""
        self.mask = masking.mask_of(tuple(masks))

    def feed(self, stream: str, chunk: bytes, at: datetime) -> None:
        """Take what came from `stdout` or `stderr` at that time. What comes after the close is dropped."""
        if self._closed:
            return
        taken = self._write_beginning(stream, chunk, at) if self._room > 0 else 0
        if taken < len(chunk):
            self._ring.push(stream, chunk[taken:], at)

    def say(self, message: str, at: datetime, level: str = "INFO") -> None:
        """A remark of headrace's own, on a line of its own; it is never left out."""
        if self._closed:
            return
        remark = self._remark(message, at, level)
        if self._room > 0:
            self._file.append(remark)
        else:
            self._remarks.append(remark)

    def close(self, at: datetime) -> int:
        """Write what waits, let go of the file, and say how many lines the block wrote, those left out included."""
        if not self._closed:
            self._closed = True
            self._write_end(at)
            self._file.close()
        return self._lines

    def _write_beginning(self, stream: str, chunk: bytes, at: datetime) -> int:
        """Write the lines there is room for; how many bytes of the chunk that took."""
        taken, batch = len(chunk), bytearray()
        for raw, position in self._assembler(stream).split(chunk):
            entry = self._entry(raw, stream, at)
            batch += entry.body
            self._lines += entry.lines
            self._room -= len(entry.body)
            if self._room <= 0:
                taken = position
                break
        self._file.append(batch)
        return taken

    def _write_end(self, at: datetime) -> None:
        """The last lines, and before them what was left out: what the ring let go of and what it held too much of."""
        bytes_gone = self._tell_of_losses()
        lines_gone = sum(lost.lines for lost in self._ring.lost.values())
        kept, gone = _last_within(self._tail + max(0, self._room), self._entries_of_ring(at))
        bytes_gone += sum(entry.size for entry in gone)
        lines_gone += sum(entry.lines for entry in gone)
        self._lines += lines_gone + sum(entry.lines for entry in kept)
        begins = next((segment.at for segment in self._ring), at)  # so that times go up within the file
        gap = self._gap(lines_gone, bytes_gone, begins) if bytes_gone else b""
        self._file.append(b"".join((gap, *(entry.body for entry in kept), *self._remarks)))

    def _tell_of_losses(self) -> int:
        """Tell each assembler what it will not get; how many bytes are gone that belong to no line still to come."""
        gone = 0
        for stream, lost in self._ring.lost.items():
            gone += lost.bytes - lost.torn
            if lost.lines:
                gone += self._assembler(stream).forget()
            if lost.torn:
                self._assembler(stream).lose(lost.torn)
        return gone

    def _entries_of_ring(self, at: datetime) -> Iterator[_Entry]:
        for segment in self._ring:
            for raw, _ in self._assembler(segment.stream).split(segment.chunk):
                yield self._entry(raw, segment.stream, segment.at)
        for stream, assembler in self._assemblers.items():
            if raw := assembler.last():
                yield self._entry(raw, stream, at)

    def _entry(self, raw: Raw, stream: str, at: datetime) -> _Entry:
        bodies = [lines.encode(line) for line in lines.understood(raw, stream, at.astimezone(UTC), self.mask)]
        return _Entry(b"".join(bodies), len(bodies), raw.size)

    def _assembler(self, stream: str) -> Assembler:
        if stream not in self._assemblers:
            self._assemblers[stream] = Assembler(self.mask.longest)
        return self._assemblers[stream]

    def _gap(self, count: int, size: int, at: datetime) -> bytes:
        message = f"… {count} lines ({size} bytes) left out …"
        tags = {"lines_left_out": count, "bytes_left_out": size}
        return lines.encode(Line(at.astimezone(UTC), "INFO", "headrace", message, tags=tags))

    def _remark(self, message: str, at: datetime, level: str) -> bytes:
        text = self.mask(message.encode("utf-8", "replace").decode())
        return lines.encode(Line(at.astimezone(UTC), level, "headrace", text))


def _last_within(limit: int, entries: Iterator[_Entry]) -> tuple[deque[_Entry], list[_Entry]]:
    """The last entries that together take no more than `limit` bytes, and those before them."""
    kept, gone, taken = deque[_Entry](), list[_Entry](), 0
    for entry in entries:
        kept.append(entry)
        taken += len(entry.body)
        while taken > limit:
            taken -= len(kept[0].body)
            gone.append(kept.popleft())
    return kept, gone
