"""The package `mage_ai` as headrace offers it to user code: the folder beside this file, whatever else is installed."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from headrace import errors

NAME = "mage_ai"
_ROOT = Path(__file__).parent


class Finder:
    """Finds `mage_ai` and what is below it. It stands first in `sys.meta_path`."""

    def install(self) -> None:
        """Serve it from now on; what is loaded of another `mage_ai` is forgotten."""
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system's question. NotProvided, which is a ModuleNotFoundError, for what is not offered."""
        if fullname.partition(".")[0] != NAME:
            return None
        place = _ROOT.joinpath(*fullname.split("."))
        if (place / "__init__.py").is_file():
            return spec_from_file_location(fullname, place / "__init__.py", submodule_search_locations=[str(place)])
        if place.with_suffix(".py").is_file():
            return spec_from_file_location(fullname, place.with_suffix(".py"))
        raise errors.NotProvided(module=fullname, names=", ".join(_offered()))


def _offered() -> list[str]:
    files = (_ROOT / NAME).rglob("*.py")
    return sorted(".".join(file.relative_to(_ROOT).with_suffix("").parts) for file in files if file.stem != "__init__")
