"""YAML text becomes plain values: what JSON can hold, and nothing else.

What would blow up (nesting, aliases of aliases, merges of merges) is refused by size, before it costs anything.
"""

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from headrace.project.faults import DEEPEST, LARGEST, MOST_VALUES, NotPlain, NotYaml, Path


class Document(NamedTuple):
    """`value` is made of dict, list, str, int, float, bool and None; `dates` are the paths that were dates."""

    value: Any
    dates: tuple[Path, ...]


def parse(text: str) -> Document:
    """The values of a YAML text, None for an empty one.

    Keys become text; dates become ISO text, times with their zone. Raises NotYaml, and NotPlain for what JSON cannot
    hold (nan, whole numbers beyond 64 bits).
    """
    loader = _loader(text)
    reading = _Reading()
    return Document(reading.plain(loader.load(text), ()), tuple(reading.dates))


def parse_apart(text: str, name: str) -> Document:
    """As `parse`, but of the list under that name at the top an entry that cannot be read is the error, in its place."""
    loader = _loader(text)
    reading = _Reading()
    whole, entries = loader.load_apart(text, name)
    plain = reading.plain(whole, ())
    if entries is not None:
        plain[name] = [reading.plain_or_error(each, (name, index)) for index, each in enumerate(entries)]
    return Document(plain, tuple(reading.dates))


def _loader(text: str) -> Any:
    if len(text) > LARGEST:
        raise NotYaml(f"it has {len(text)} characters; at most {LARGEST} are read")
    from headrace.project import loader  # YAML is slow to import, and much is done with a project without it

    return loader


def place(file: str, line: int | None = None, column: int | None = None) -> str:
    """A place in a file as people write it, as far as it is known."""
    return file + (f" line {line}" if line else "") + (f" column {column}" if line and column else "")


def line_of(text: str, path: Path) -> int | None:
    """The line, from 1, at which the value at `path` stands, or the nearest that holds it; None if text is no YAML.

    The text is read again for it: where a value was written matters only when somebody must be told.
    """
    return lines_of(text, [path])[0]


def lines_of(text: str, paths: Sequence[Path]) -> list[int | None]:
    """`line_of` each of several paths; the text is read once."""
    from headrace.project import loader

    return loader.lines_of(text, paths)


class _Reading:
    """One walk over loaded values; it counts them, so that aliases of aliases end."""

    def __init__(self) -> None:
        self.values = 0
        self.dates: list[Path] = []

    def plain_or_error(self, value: Any, path: Path) -> Any:
        try:
            return value if isinstance(value, NotYaml) else self.plain(value, path)
        except NotPlain as error:
            return error

    def plain(self, value: Any, path: Path) -> Any:
        self.values += 1
        if self.values > MOST_VALUES or len(path) > DEEPEST:
            raise NotPlain(path[:1], "its aliases repeat without end")
        match value:
            case str() | bool() | None:
                return value
            case int() | float():
                return _number(value, path)
            case datetime.date() | datetime.datetime():
                self.dates.append(path)
                return value.isoformat()
            case Mapping():
                pairs = cast(Mapping[Any, Any], value).items()
                return {(name := _name(key)): self.plain(below, (*path, name)) for key, below in pairs}
            case list() | tuple() | set():
                below = sorted(cast(set[Any], value), key=str) if isinstance(value, set) else cast(list[Any], value)
                return [self.plain(each, (*path, index)) for index, each in enumerate(below)]
            case bytes():
                return value.decode("utf-8", "replace")
            case _:
                raise NotPlain(path, f"a {type(value).__name__} cannot be kept")


def _number(value: float, path: Path) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotPlain(path, f"{value} is no number that can be kept; write it as text")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise NotPlain(path, "a whole number of more than 64 bits cannot be kept; write it as text")
    return value


def _name(key: Any) -> str:
    match key:
        case str():
            return key
        case None:
            return "null"
        case bool():
            return str(key).lower()
        case datetime.date():
            return key.isoformat()
        case _:
            return str(key)
