"""What a pipeline's code imports from outside the project: worth having at hand before its blocks are run."""

import sys
from collections.abc import Iterable, Iterator

from headrace.project import files, source
from headrace.project.folder import Project

_OURS = frozenset({"mage_ai", "headrace"})  # served to blocks by the worker itself


def third_party(project: Project, code: Iterable[str]) -> tuple[str, ...]:
    """The dotted modules, sorted, that these files import, directly or through the project's own modules.

    A module of the project that cannot be read imports nothing: whoever runs it will hear of it then.
    """
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(code)
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for each in _read(project, file).imports:
            own = [place for place in _places(project, file, each) if _exists(project, place)]
            waiting += own
            if not own and _is_outside(project, each):
                found.add(each.module)
    return tuple(sorted(found))


def _read(project: Project, file: str) -> source.Source:
    try:
        return source.read(files.text(project.path, file))
    except files.Unreadable:
        return source.Source()


def _exists(project: Project, file: str) -> bool:
    try:
        return files.find(project.path, file)
    except files.Unreadable:
        return False


def _is_outside(project: Project, each: source.Import) -> bool:
    top = each.module.partition(".")[0]
    return not each.level and top not in sys.stdlib_module_names and top not in _OURS and top != project.name


def _places(project: Project, importer: str, each: source.Import) -> Iterator[str]:
    """The files of the project that the import would run, if they are there: each package on the way, then the module.

    Both the project folder and its parent are importable, so a module may be named with or without the project.
    """
    top = each.module.partition(".")[0]
    if not each.level and top in sys.stdlib_module_names:
        return
    steps = _steps(project, importer, each)
    packages = [steps[: length + 1] for length in range(len(steps))]
    for parts in [*packages, *([*steps, name] for name in each.names)]:
        path = "/".join(parts)
        yield f"{path}.py"
        yield f"{path}/__init__.py"


def _steps(project: Project, importer: str, each: source.Import) -> list[str]:
    parts = each.module.split(".") if each.module else []
    if each.level:
        folders = importer.split("/")[:-1]
        return folders[: len(folders) - each.level + 1] + parts
    return parts[1:] if parts[0] == project.name else parts
