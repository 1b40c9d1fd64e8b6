"""Reading a log, from any place on, also while it is written.

A cursor is a place in the file: the byte behind the last line that was read. Reading goes on there when the file has
grown. The end of a file without a newline is a line still being written, or one whose writer was killed: it is not
shown, and the cursor stays before it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from headrace.logs import lines
from headrace.logs.lines import Line

BLOCK = 2**16


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, the cursor to go on with, and whether there was more in the file."""

    lines: tuple[Line, ...]
    cursor: int
    more: bool


def page(
    path: Path,
    after: int = 0,
    limit: int = 1000,
    levels: Collection[str] | None = None,
    text: str | None = None,
) -> Page:
    """Up to `limit` lines from the cursor `after` on: of those levels, with that text in any case; all when None.

    A file that is not there has no lines. OSError when it cannot be read.
    """
    found: list[Line] = []
    cursor = after
    for line, end in _read(path, after):
        if line and _wanted(line, levels, text):
            if len(found) == limit:
                return Page(tuple(found), cursor, more=True)
            found.append(line)
        cursor = end
    return Page(tuple(found), cursor, more=False)


def read(
    path: Path,
    after: int = 0,
    limit: int | None = None,
    levels: Collection[str] | None = None,
    text: str | None = None,
) -> Iterator[Line]:
    """The lines that `page` would give, one by one: a log of any length in the space of a line."""
    wanted = (line for line, _ in _read(path, after) if line and _wanted(line, levels, text))
    for count, line in enumerate(wanted):
        if count == limit:
            return
        yield line


def tail(path: Path, count: int) -> Page:
    """The last `count` lines; what lies before them is not read. Its cursor is the end, to be followed from."""
    try:
        with path.open("rb") as file:
            start = _start_of_last(file, count)
    except (FileNotFoundError, NotADirectoryError):
        return Page((), 0, more=False)
    return page(path, start, limit=count)


def _read(path: Path, after: int) -> Iterator[tuple[Line | None, int]]:
    """Each ended line from a place on, None for one that was torn, and where it ends."""
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return
    with file:
        end = file.seek(max(0, after))
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            end += len(raw)
            yield lines.decode(raw), end


def _wanted(line: Line, levels: Collection[str] | None, text: str | None) -> bool:
    return (levels is None or line.level in levels) and (text is None or text.casefold() in line.message.casefold())


def _start_of_last(file: BufferedReader, count: int) -> int:
    """Where the last `count` ended lines begin, looked for from the end of the file backwards."""
    start, ahead = file.seek(0, 2), count + 1  # the newline before them is looked for too
    while start > 0:
        size = min(BLOCK, start)
        start -= size
        file.seek(start)
        block = file.read(size)
        newlines = block.count(b"\n")
        if newlines >= ahead:
            return start + _nth_last_newline(block, ahead) + 1
        ahead -= newlines
    return 0


def _nth_last_newline(block: bytes, nth: int) -> int:
    place = len(block)
    for _ in range(nth):
        place = block.rfind(b"\n", 0, place)
    return place
