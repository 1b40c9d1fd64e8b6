"""What runs in this process now: the workplace it serves, whom its blocks may ask, and the block whose file is being run.

User code reaches this through `mage_ai`, whose functions take no argument that could carry it; so it is the one thing
in a worker that is global.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any

from headrace.worker import wire

Function = Callable[..., Any]


class Module(ModuleType):
    """The module in which a block's code runs.

    It stands in `sys.modules`, under the name that the file would be imported by, so that dataclasses and type hints
    find the block's names in its `__dict__` (in Mage a block's `__name__` is `builtins`, where they are not). They are
    not its attributes: pickle for other processes (Spark, joblib, ours) therefore takes the block's functions and
    classes along by value, as nobody else could import them.
    """

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise AttributeError(f"{name!r} is a name of a block, which cannot be imported")


@dataclass(slots=True)
class Block:
    """A block while it runs: the functions its code has decorated, by the decorator's name, in their order."""

    decorator: str  # the name of the one that marks the function to run
    module: Module
    decorated: dict[str, list[Function]] = field(default_factory=dict[str, list[Function]])

    def enter(self) -> None:
        """From now on its module is there."""
        sys.modules[self.module.__name__] = self.module

    def leave(self) -> None:
        sys.modules.pop(self.module.__name__, None)


workplace: wire.Workplace | None = None
ask: Callable[[wire.Request], wire.Answer] | None = None  # any thread of a block may, and waits
loading: Block | None = None  # while its file is run, what the file decorates is noted


def decorator(name: str) -> Function:
    """A decorator that gives back what it decorates, and notes it if a block's own file decorates it.

    It works bare and called, with whatever arguments: `@d`, `@d()`, `@d('x')`. Functions of other modules that the
    block imports are theirs, even when a decorator of the same name stands over them.
    """

    def decorate(*given: Any, **options: Any) -> Any:
        if len(given) != 1 or options or not callable(given[0]):
            return decorate
        _note(name, given[0], sys._getframe(1))  # pyright: ignore[reportPrivateUsage]
        return given[0]

    decorate.__name__ = decorate.__qualname__ = name
    return decorate


def _note(name: str, function: Function, decorating: FrameType) -> None:
    if loading is not None and decorating.f_globals is loading.module.__dict__:
        loading.decorated.setdefault(name, []).append(function)
