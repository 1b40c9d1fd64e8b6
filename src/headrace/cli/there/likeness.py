"""Values that are made like others, as far as these have what it takes."""

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def alike(kind: type[T], given: Any, **more: Any) -> T:
    """A value of that kind with the fields that it has in common with what is given, and those besides."""
    names = {field.name for field in fields(kind)} - set(more)  # pyright: ignore[reportArgumentType]
    return kind(**{name: getattr(given, name) for name in names if hasattr(given, name)}, **more)


def counted(count: int) -> Any:
    """Stands for so many of something of which nothing else was told."""
    return range(count)
