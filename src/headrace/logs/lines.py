"""Line: one kept line of a log, what it is made from and how it is written.

What a block prints is of level INFO on both streams (progress bars and most tools write to stderr what is no warning),
unless the line itself begins with a level, as `WARNING: …` or `[ERROR] …`. Records of Python's `logging` come in band
on stderr as `frame` renders them, and keep their own level, logger, time and tags.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from headrace.logs import bounds
from headrace.logs.assembling import Raw
from headrace.logs.masking import Mask

MARK = b"\x1e"  # ASCII's record separator: what follows on the line is a framed record
DEEPEST = 8  # levels of nesting of a tag that are kept

_LEVEL = re.compile(r"(\[)?(DEBUG|INFO|WARNING|ERROR|CRITICAL)(?(1)\]|:)")  # a bracket that opens also closes
_NOTHING_TO_MASK = Mask(())


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `stream` is stdout, stderr, log (Python's logging) or headrace (its own remarks); `at` is in UTC."""

    at: datetime
    level: str
    stream: str
    message: str
    logger: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict[str, Any])


class _Record(msgspec.Struct):
    level: str
    logger: str
    message: str
    at: float
    tags: dict[str, Any] | None = None


def encode(line: Line) -> bytes:
    """The line as it lies in the file: one JSON object and a newline, without what is empty."""
    entry: dict[str, Any] = {"at": line.at, "level": line.level, "stream": line.stream, "message": line.message}
    if line.logger is not None:
        entry["logger"] = line.logger
    if line.tags:
        entry["tags"] = line.tags
    return _encoder.encode(entry) + b"\n"


def decode(raw: bytes) -> Line | None:
    """The line of these bytes; None when they are none, as where a writer was killed in the middle."""
    try:
        return _lines.decode(raw)
    except (ValueError, RecursionError):
        return None


def understood(raw: Raw, stream: str, at: datetime, mask: Mask) -> Iterator[Line]:
    """The line that a block wrote; two where a record follows, on the same line, something printed without newline."""
    if raw.back is not None:
        yield _printed(bounds.text_of_ends(raw.front, raw.left_out, raw.back, mask), stream, at)
        return
    before, mark, body = raw.front.rpartition(MARK)
    record = _recorded(body, mask) if mark else None
    if before or not record:
        yield _printed(bounds.text(before if record else raw.front, mask), stream, at)
    if record:
        yield record


def frame(level: str, logger: str, message: str, at: float, tags: Mapping[str, Any] | None = None) -> bytes:
    """A record of Python's logging as a worker writes it to stderr: the mark, a JSON object, a newline.

    `at` is in seconds since the epoch. A message of more than `bounds.LONGEST` bytes keeps its ends: mask it before, for
    a secret cut in two is not recognised later. Tags of other than JSON's types are kept as their text.
    """
    kept = bounds.text(message.encode("utf-8", "replace"), _NOTHING_TO_MASK)
    record = {
        "level": _plain(level),
        "logger": _plain(logger),
        "message": kept,
        "at": at,
        "tags": _rendered(tags or {}),
    }
    return MARK + _encoder.encode(record) + b"\n"


def _printed(message: str, stream: str, at: datetime) -> Line:
    found = _LEVEL.match(message)
    return Line(at, found[2] if found else "INFO", stream, message)


def _recorded(body: bytes, mask: Mask) -> Line | None:
    try:
        record = _records.decode(body)
        at = datetime.fromtimestamp(record.at, UTC)
    except (ValueError, OverflowError, OSError, RecursionError):
        return None
    message = bounds.text(record.message.encode(), mask)
    return Line(at, mask(record.level), "log", message, mask(record.logger), _masked(record.tags or {}, mask, DEEPEST))


def _masked(value: Any, mask: Mask, deepest: int) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict | list) and not deepest:
        return "…"
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {mask(name): _masked(inner, mask, deepest - 1) for name, inner in named.items()}
    if isinstance(value, list):
        return [_masked(inner, mask, deepest - 1) for inner in cast("list[Any]", value)]
    return value


def _rendered(tags: Mapping[str, Any]) -> msgspec.Raw:
    try:
        body = _encoder.encode(dict(tags))
    except Exception:  # a tag is any object of the user's: its text stands for what JSON cannot hold
        body = _encoder.encode({_plain(name): _plain(value) for name, value in tags.items()})
    if len(body) > bounds.LONGEST:
        body = _encoder.encode({"tags": f"… {len(body)} bytes left out …"})
    return msgspec.Raw(body)


def _plain(value: Any) -> str:
    try:
        return str(value).encode("utf-8", "replace").decode()
    except Exception:
        return f"<{type(value).__name__}>"


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_records = msgspec.json.Decoder(_Record)
_lines = msgspec.json.Decoder(Line)
