"""Names: what modules and classes hold, and whether a block replaced any of it where others will find it."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from operator import methodcaller
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Generic, TypeVar

Owner = TypeVar("Owner")
Space = Mapping[str, Any]

_PLAIN = (bool, int, float, str, bytes, type(None))
_MISSING = object()
_values = methodcaller("values")


class Names(Generic[Owner]):
    """The namespaces of many owners, as they were when each was added."""

    def __init__(self) -> None:
        self._spaces: dict[Owner, Space] = {}
        self._held: dict[Owner, dict[str, Any]] = {}
        self.listings = 0  # how often that list was made
        self._all: list[Any] | None = None  # every value held: one comparison of lists tells most of the time

    def __contains__(self, owner: Owner) -> bool:
        return owner in self._spaces

    def __iter__(self) -> Iterator[Owner]:
        return iter(self._spaces)

    def add(self, owner: Owner, space: Space) -> None:
        self._spaces[owner] = space
        self._held[owner] = dict(space)
        self._all = None

    def patches(self) -> dict[Owner, list[str]]:
        """The names that were replaced, removed or added; from now on the owners are known as they are now."""
        if self._are_the_same():
            return {}
        changed = [owner for owner, space in self._spaces.items() if not _identical(space, self._held[owner])]
        found = {owner: _patches(self._held[owner], self._spaces[owner]) for owner in changed}
        for owner in changed:
            self.add(owner, self._spaces[owner])
        return {owner: names for owner, names in found.items() if names}

    def _are_the_same(self) -> bool:
        if self._all is None:
            self._all = [*chain.from_iterable(map(_values, self._held.values()))]
            self.listings += 1
        with contextlib.suppress(Exception):  # what replaced another is compared with it, and may be an array
            return [*chain.from_iterable(map(_values, self._spaces.values()))] == self._all
        return False


def _identical(space: Space, held: Space) -> bool:
    return len(space) == len(held) and all(space.get(name, _MISSING) is value for name, value in held.items())


def _patches(held: Space, space: Space) -> list[str]:
    package = _package(held.get("__name__") or held.get("__module__"))
    pairs = [(name, held.get(name, _MISSING), space.get(name, _MISSING)) for name in {**held, **space}]
    return [name for name, old, new in pairs if old is not new and _is_patch(name, old, new, package)]


def _is_patch(name: str, old: Any, new: Any, package: str) -> bool:
    """Whether others can notice. A private cache that was filled, and what a package loads lazily of itself, is none."""
    if callable(old):
        return True
    if name.startswith("_"):
        return isinstance(new, FunctionType) and not _is_made_in(package, new)
    if isinstance(new, ModuleType):
        return sys.modules.get(new.__name__) is not new or not (old is _MISSING or isinstance(old, ModuleType))
    if old is _MISSING:
        return not _is_made_in(package, new)
    return not (type(old) is type(new) and isinstance(new, _PLAIN) and old == new)


def _is_made_in(package: str, value: Any) -> bool:
    """Whether it is a function or class of that package; any other value may be anybody's."""
    return isinstance(value, type | FunctionType | BuiltinFunctionType) and _package(value.__module__) == package


def _package(module: Any) -> str:
    return str(module).partition(".")[0]
