"""Field: one value of a document together with its path, so that whoever finds it wrong can say where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.project import faults


class Wrong(ValueError):
    """A field is not what the format has there."""

    def __init__(self, path: faults.Path, why: str) -> None:
        super().__init__(why)
        self.path = path

    @property
    def field(self) -> str:
        return named(self.path)


def named(path: faults.Path) -> str:
    """The path as people write it: `blocks[2].type`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".") or "the whole file"


@dataclass(frozen=True, slots=True)
class Field:
    """A value, and where it stands. A field that is not written is a field whose value is None."""

    value: Any
    path: faults.Path = ()

    def at(self, name: str) -> "Field":
        """The field of that name in a mapping."""
        return Field(self.mapping().get(name), (*self.path, name))

    def mapping(self) -> Mapping[str, Any]:
        """The value as a mapping, empty when nothing is written."""
        if self.value is None:
            return {}
        if not _is(self.value, dict):
            raise self.wrong("a mapping")
        return self.value

    def items(self) -> Iterator["Field"]:
        """The fields of a list, none when nothing is written."""
        if self.value is None:
            return iter(())
        if not _is(self.value, list):
            raise self.wrong("a list")
        return (Field(each, (*self.path, index)) for index, each in enumerate(self.value))

    def text(self, otherwise: str = "") -> str:
        """The value as text; numbers and such are written out."""
        if isinstance(self.value, dict | list):
            raise self.wrong("text")
        return otherwise if self.value is None else str(self.value)

    def flag(self) -> bool:
        """True or false; false when nothing is written."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return bool(self.value)

    def seconds(self) -> float | None:
        """A number of seconds, 0 or more, also one written as text; None when nothing is written."""
        if self.value in (None, ""):
            return None
        try:
            seconds = -1 if isinstance(self.value, bool) else float(self.value)
        except (TypeError, ValueError, OverflowError):
            seconds = -1
        if not 0 <= seconds < float("inf"):
            raise self.wrong("a number of seconds")
        return seconds

    def rest(self, known: frozenset[str]) -> dict[str, Any]:
        """What a mapping holds beside the names that are known."""
        return {name: value for name, value in self.mapping().items() if name not in known}

    def wrong(self, expected: str) -> Wrong:
        """The error that says what was expected here."""
        return Wrong(self.path, f"{_shown(self.value)} is written; expected {expected}")

    def refused(self, why: str) -> Wrong:
        """The error that says why what is written here cannot be."""
        return Wrong(self.path, why)


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind)


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            written = repr(value)
            return written if len(written) <= 60 else f"{written[:57]}…"
