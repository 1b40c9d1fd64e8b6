"""Which files of a project folder are its code: what a run is pinned to. Everything else is live."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from headrace.project import files

_CODE = (".py", ".sql", ".yaml", ".yml", ".r", ".R", ".md")
_DBT = (*_CODE, ".csv")  # seeds are part of a dbt project
_LIVE = frozenset(
    {"io_config.yaml", "io_config.yml", "profiles.yml", "secrets.yaml", "secrets.yml"}
)  # hold credentials
_NEVER = frozenset({"__pycache__", "node_modules", "site-packages", "dbt_packages", "dbt_modules"})
_NOT_AT_TOP = frozenset({"data", "logs", "mage_data", "secrets"})
_MARKS = frozenset({"pyvenv.cfg", "conda-meta", "CACHEDIR.TAG"})  # a folder that holds one is an environment or a cache
MOST = 20_000  # files and folders

Stat = tuple[int, int, int, int]  # of mtime and ctime in nanoseconds, size in bytes, inode


class TooMany(ValueError):
    """More files than any project's code has."""


def scan(root: Path) -> list[tuple[str, Stat]]:
    """Every file of code in the folder, as a posix path relative to it, with its stat.

    Links are followed as long as they stay in the folder. What may not be read is left out, and so is what has a name
    that begins with a dot. OSError when the folder itself cannot be read, TooMany when it holds more than 20,000.
    """
    top = os.path.realpath(root)
    found: list[tuple[str, Stat]] = []
    folders = 0
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (top,))]
    while waiting:
        prefix, above = waiting.pop()
        folders += 1
        for entry in _entries(root, prefix):
            path = prefix + entry.name
            below = _folder(entry, path, top, above)
            if below:
                waiting.append((f"{path}/", (*above, below)))
            elif stat := _code(entry, path, top):
                found.append((path, stat))
        if len(found) + folders > MOST:
            raise TooMany(f"it has more than {MOST} files of code; does it hold an environment, or data?")
    return found


def keeps(file: str) -> bool:
    """Is a file of that name, relative to the project, one that a scan would find?"""
    parts = file.split("/")
    hidden = any(part.startswith(".") or part in _NEVER for part in parts)
    return not hidden and parts[0] not in _NOT_AT_TOP and parts[-1] not in _LIVE and file.endswith(_suffixes(file))


def _suffixes(file: str) -> tuple[str, ...]:
    return _DBT if file.startswith("dbt/") else _CODE


def _entries(root: Path, prefix: str) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, or nothing if the folder is none of code or may not be read."""
    try:
        with os.scandir(os.path.join(root, prefix)) as listing:  # noqa: PTH118
            entries = list(listing)
    except OSError:
        if not prefix:
            raise
        return
    if prefix and any(entry.name in _MARKS for entry in entries):
        return
    yield from (entry for entry in entries if not entry.name.startswith(".") and not files.unprintable(entry.name))


def _folder(entry: os.DirEntry[str], path: str, top: str, above: tuple[str, ...]) -> str | None:
    """Where the folder that entry names really is; None if it is none to go into."""
    if entry.name in _NEVER or path in _NOT_AT_TOP or not _is(entry.is_dir):
        return None
    if not entry.is_symlink():
        return os.path.join(above[-1], entry.name)  # noqa: PTH118
    real = os.path.realpath(entry.path)
    return real if files.inside(top, real) and real not in above else None


def _code(entry: os.DirEntry[str], path: str, top: str) -> Stat | None:
    """The stat of a file of code; None if it is none."""
    if not entry.name.endswith(_suffixes(path)) or entry.name in _LIVE or not _is(entry.is_file):
        return None
    if entry.is_symlink() and not files.inside(top, entry.path):
        return None
    try:
        stat = entry.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino) if stat.st_size <= files.LARGEST else None


def _is(kind: Callable[[], bool]) -> bool:
    """What the entry is; nothing, if it is a link that leads in a circle."""
    try:
        return kind()
    except OSError:
        return False
