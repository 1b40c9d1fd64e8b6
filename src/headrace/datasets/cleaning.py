"""Cleaning: what lies in a table's place and is of no version that is kept.

Which files a version has is read from the log: those of the oldest one that is kept, and from then on what each commit has
added and removed. So it takes one look at each commit, however many versions are kept.
"""

import json
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from headrace import errors
from headrace.datasets import names, tables

SPARED_HOURS = 1  # what was written since then may be of a commit that is under way


def leavings(place: str, kept: Sequence[int], before: float) -> Iterator[Path]:
    """Files in the folder of a table, last written before then (seconds since 1970), that are of none of the versions.

    Those after the last of them count as kept: who has made them may not have come to record them. `kept` is in order
    and never empty. DatasetUnreadable when the log does not tell.
    """
    folder = Path(place)
    if not names.is_url(place) and (folder / "_delta_log").is_dir():
        needed = _needed(place, kept)
        yield from (path for path in folder.glob("*.parquet*") if path.name not in needed and _is_old(path, before))
        yield from _of_log(place, kept[0], before)


def vacuum(place: str, kept: Sequence[int], *, dry: bool) -> int:
    """As `leavings`, of a table in an object store, where the library does it: how many files go, or would go."""
    table = tables.find(place)
    if table is None:
        return 0
    versions = [*kept, *range(kept[-1] + 1, table.version() + 1)]
    terms: dict[str, Any] = {"retention_hours": SPARED_HOURS, "enforce_retention_duration": False, "full": True}
    found = table.vacuum(dry_run=True, keep_versions=versions, **terms)
    if found and not dry:
        table.vacuum(dry_run=False, keep_versions=versions, **terms)
    return len(found)


def _needed(place: str, kept: Sequence[int]) -> Collection[str]:
    """The names of the files that one of the versions has, or the newest one."""
    oldest = tables.find(place, kept[0])
    since = dict.fromkeys(tables.files(oldest), kept[0])
    needed = set[str]()
    for version in range(kept[0] + 1, tables.find(place).version() + 1):
        for action in _actions(place, version):
            if "add" in action:
                since[unquote(action["add"]["path"])] = version
            elif "remove" in action:
                name = unquote(action["remove"]["path"])
                if _any_between(kept, since.pop(name, kept[0]), version) or version - 1 > kept[-1]:
                    needed.add(name)
    return needed | since.keys()


def _any_between(kept: Sequence[int], first: int, end: int) -> bool:
    """Whether one of the versions is `first` or later, and before `end`."""
    place = bisect_left(kept, first)
    return place < len(kept) and kept[place] < end


def _actions(place: str, version: int) -> list[dict[str, Any]]:
    try:
        with (tables.log(place) / f"{version:020}.json").open("rb") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise errors.DatasetUnreadable(place=place, version=version, why=f"its log: {error}") from error


def _of_log(place: str, oldest: int, before: float) -> Iterator[Path]:
    """What of the log is older than the last checkpoint from which the oldest version can be read; and what was given up."""
    log = tables.log(place)
    points = [int(path.name[:20]) for path in log.glob("[0-9]*.checkpoint.parquet")]
    floor = max((point for point in points if point <= oldest), default=0)
    for path in log.iterdir():
        number = path.name[:20]
        if number.isdigit():
            if int(number) < floor:
                yield path
        elif path.suffix == ".tmp" and _is_old(path, before):
            yield path


def _is_old(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
