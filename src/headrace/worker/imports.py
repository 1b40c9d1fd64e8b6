"""Imports of a project's own modules, served from its snapshot as if from the live folder.

`from utils.x import y` and `from <project>.utils.x import y` both work, with and without `__init__.py`. A module's
`__file__` is the live one, so that data beside it is found. What is installed wins over a folder of its name. What
the snapshot does not hold (extension modules, large files) is imported from the live folder.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from headrace.worker import source, wire


class Loader(SourceFileLoader):
    """Runs a snapshot's file as a module; all else that it is asked for is about the live file."""

    def __init__(
        self, name: str, workplace: wire.Workplace, file: str, before: Callable[[source.Source], None]
    ) -> None:
        super().__init__(name, str(Path(workplace.live, file)))
        self._place = workplace.snapshot, workplace.live, file
        self._before = before

    def get_code(self, fullname: str) -> CodeType:
        found = source.read(*self._place)
        self._before(found)
        return found.code

    def get_source(self, fullname: str) -> str:
        return source.read(*self._place).text


class Finder:
    """Finds the modules of one workplace's project. `before` is called with each source that is about to run."""

    def __init__(self, workplace: wire.Workplace, before: Callable[[source.Source], None]) -> None:
        self._workplace = workplace
        self._snapshot = Path(workplace.snapshot)
        self._live = Path(workplace.live)
        self._before = before

    def install(self) -> None:
        """Serve imports from now on. The live folders end `sys.path`: processes that a block starts look there."""
        sys.meta_path.insert(0, self)
        sys.path += [path for path in (str(self._live.parent), str(self._live)) if path not in sys.path]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system's question; None leaves the module to the finders behind this one."""
        if path is None:
            return None if fullname in sys.stdlib_module_names else self._top(fullname)
        name = fullname.rpartition(".")[2]
        for entry in path:
            if self._is_live(entry):
                return self._spec(fullname, Path(entry, name).relative_to(self._live))
        return None

    def is_installed(self, module: ModuleType) -> bool:
        """Whether it belongs to an installed package, not to a project or to a folder that a block added."""
        spec = getattr(module, "__spec__", None)
        places = [spec.origin, *(spec.submodule_search_locations or ())] if isinstance(spec, ModuleSpec) else []
        folders = tuple(f"{path}{os.sep}" for path in self._installed_paths())
        return any(place and place.startswith(folders) and not self._is_live(place) for place in places)

    def _is_live(self, path: str) -> bool:
        return source.is_live(path, self._workplace.live)

    def _top(self, fullname: str) -> ModuleSpec | None:
        relative = Path() if fullname == self._workplace.project else Path(fullname)
        found = self._spec(fullname, relative)
        installed = PathFinder.find_spec(fullname, self._installed_paths()) if found else None
        if found is None or installed is None:
            return found
        if installed.has_location:
            return installed
        if found.submodule_search_locations is not None:  # a namespace is shared by those who have a part of it
            found.submodule_search_locations += installed.submodule_search_locations or ()
        return found

    def _installed_paths(self) -> list[str]:
        own = {"", self._workplace.live, str(self._live.parent), self._workplace.cwd}
        return [path for path in sys.path if path not in own]

    def _spec(self, fullname: str, relative: Path) -> ModuleSpec | None:
        """The package, module or namespace at that place of the project; the project itself is at the empty path."""
        folder = str(self._live / relative)
        package, module = relative / "__init__.py", Path(f"{relative}.py")
        if (self._snapshot / package).is_file():
            return self._located(fullname, package.as_posix(), [folder])
        if (self._snapshot / module).is_file() and relative.name:
            return self._located(fullname, module.as_posix(), None)
        if (self._snapshot / relative).is_dir():
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [folder]
            return spec
        return None

    def _located(self, fullname: str, file: str, places: list[str] | None) -> ModuleSpec | None:
        loader = Loader(fullname, self._workplace, file, self._before)
        return spec_from_file_location(fullname, loader.path, loader=loader, submodule_search_locations=places)
