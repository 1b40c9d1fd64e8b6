"""Modules as they were: what a block imported is sorted out, and what it changed in other people's modules is noticed.

Modules of the project and fakes are dropped, so that the next block gets its own. Python's and ours stay. Those of
installed packages are named, for a template to import before the next worker is forked. A name replaced in a module or
class that was there before (a monkeypatch) is not mended, since copies of it may be anywhere.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from headrace.worker import names, source

_FIXED = 1 << 8  # of a class's flags: it is immutable
_OURS = ("headrace", "mage_ai")
_UNSEEN = ("headrace", "cython_runtime")  # there Cython's code notes, when it first raises, how it shows tracebacks


class Modules:
    """The modules loaded at the moment of its making. `is_installed` tells those of installed packages from others.

    Names are compared in all modules whose own names are public; members in the public classes of the modules that
    blocks name in their code.
    """

    def __init__(self, is_installed: Callable[[ModuleType], bool]) -> None:
        self._is_installed = is_installed
        self._loaded: dict[str, Any] = {}
        self._in_modules: names.Names[str] = names.Names()
        self._in_classes: names.Names[type] = names.Names()
        self._prepared: set[str] = set()
        self._listings = 0
        self._remember(dict(sys.modules))

    def prepare(self, code: source.Source) -> None:
        """Remembers the classes that this code can get at, before it runs for the first time.

        Modules of Python's own that it imports are imported now, so that they, too, are known as they were.
        """
        if code.path in self._prepared:
            return
        self._prepared.add(code.path)
        for name in code.imports:
            if name.partition(".")[0] in sys.stdlib_module_names and name not in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        self._remember({name: module for name, module in self._fresh().items() if _is_ours(name, module)})
        for name in self._named(code):
            self._remember_classes(sys.modules[name])

    def sort_out(self) -> tuple[str, ...]:
        """Drops what was the block's alone, puts back what was there; the names of installed modules that came."""
        if sys.modules == self._loaded:
            return ()
        fresh = self._fresh()
        staying = {name: module for name, module in fresh.items() if _is_ours(name, module)}
        installed = [name for name, module in fresh.items() if name not in staying and self._is_installed(module)]
        for name in fresh.keys() - staying.keys() - set(installed):
            del sys.modules[name]
        for name, module in self._loaded.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
        self._remember(staying)
        return tuple(installed)

    def has_new_listings(self) -> bool:
        """Whether what is remembered was listed anew since this was last asked."""
        before, self._listings = self._listings, self._in_modules.listings + self._in_classes.listings
        return self._listings > before

    def patched(self) -> list[str]:
        """The names, dotted, that were replaced, removed or added where others would find them."""
        owners = dict(self._in_modules.patches())
        owners |= {f"{kind.__module__}.{kind.__qualname__}": held for kind, held in self._in_classes.patches().items()}
        return [f"{owner}.{name}" for owner, held in owners.items() for name in held]

    def _fresh(self) -> dict[str, Any]:
        added = sys.modules.keys() - self._loaded.keys()
        return {name: module for name, module in list(sys.modules.items()) if name in added} if added else {}

    def _remember(self, modules: Mapping[str, Any]) -> None:
        self._loaded.update(modules)
        for name, module in modules.items():
            if type(module) is ModuleType and _is_public(name):
                self._in_modules.add(name, vars(module))

    def _remember_classes(self, module: ModuleType) -> None:
        public = [value for name, value in vars(module).items() if isinstance(value, type) and not name.startswith("_")]
        for kind in {each for value in public for each in value.__mro__ if not each.__flags__ & _FIXED}:
            if kind not in self._in_classes:
                self._in_classes.add(kind, vars(kind))

    def _named(self, code: source.Source) -> Iterator[str]:
        """The loaded modules that the code can name: `pd.core.frame` after `import pandas as pd`, say."""
        parts = {part for name in code.imports for part in name.split(".")}
        words = code.words | parts
        for name in self._in_modules:
            top, *below = name.split(".")
            if top in parts and words.issuperset(below):
                yield name


def _is_public(name: str) -> bool:
    return name.partition(".")[0] not in _UNSEEN and not any(part.startswith("_") for part in name.split("."))


def _is_ours(name: str, module: Any) -> bool:
    """Whether it is a module of Python, or of headrace, and no fake under such a name."""
    top = name.partition(".")[0]
    return (top in sys.stdlib_module_names or top in _OURS) and getattr(module, "__spec__", None) is not None
