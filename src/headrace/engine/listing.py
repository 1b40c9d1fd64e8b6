"""Listing: the files that lie at a path or URL, wherever fsspec can look."""

import glob
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.model.watch import Found

WILD = frozenset("*?[")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")  # as file systems call it
_TAGS = ("ETag", "etag", "md5Hash", "content_md5")


def read(subject: str, folder: Path) -> dict[str, Found]:
    """The files by path or URL; a path that is not absolute leads from the folder. That there are none is no error.

    Raises whatever the file system does when it cannot look, ValueError for one that nobody knows, and ImportError for
    one that another package has.
    """
    import fsspec.core as filesystems  # pyright: ignore[reportMissingTypeStubs]  # takes long to import, and few need it

    is_url, wild = "://" in subject, not WILD.isdisjoint(subject)
    base = glob.escape(str(folder)) if wild else folder
    where = subject if is_url else os.path.join(base, Path(subject).expanduser())  # noqa: PTH118 - `base` may be escaped
    system, path = _resolve(filesystems, where)
    system.invalidate_cache()
    infos = _matching(system, path, local=not is_url) if wild else _single(system, path)
    return {
        str(system.unstrip_protocol(path)) if is_url else path: _found(info)
        for path, info in infos.items()
        if info["type"] == "file"
    }


def _resolve(filesystems: Any, where: str) -> tuple[Any, str]:
    return filesystems.url_to_fs(where)


def _single(system: Any, path: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        return {path: system.info(path)}
    except FileNotFoundError:
        return {}


def _matching(system: Any, path: str, *, local: bool) -> Mapping[str, Mapping[str, Any]]:
    if local:
        os.scandir(_root(path)).close()  # what a pattern cannot look into, it takes for empty
    return system.glob(path, detail=True)


def _root(path: str) -> str:
    """The folder below which a pattern looks."""
    first = min(place for each in WILD if (place := path.find(each)) >= 0)
    return path[:first].rpartition("/")[0] or "/"


def _found(info: Mapping[str, Any]) -> Found:
    modified = _moment(next((info[name] for name in _TIMES if info.get(name) is not None), None))
    tag = next((str(info[name]) for name in _TAGS if info.get(name)), "")
    return Found(info.get("size"), f"{modified.isoformat() if modified else ''} {tag}".strip(), modified)


def _moment(said: Any) -> datetime | None:
    """What a file system says of a time: a moment, seconds since 1970, or a text. None when it says nothing of use."""
    if isinstance(said, int | float):
        return datetime.fromtimestamp(said, UTC)
    try:
        moment = said if isinstance(said, datetime) else datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
