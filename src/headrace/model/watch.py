"""Watch: which of the files that lie somewhere are new or changed, and have come to rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST = timedelta(seconds=5)  # between the beginnings of two looks
MOST = 1000  # files of one look


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was found; `stamp` is whatever tells that it has changed: the time of it, an ETag, or both."""

    size: int | None
    stamp: str
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is remembered: since when it is of that size and stamp, and whether nothing of it is to be told."""

    size: int | None
    stamp: str
    since: datetime
    told: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look has come to: what is to be remembered, the files that are to be told of, and when another is to rest."""

    seen: Mapping[str, Seen]
    news: tuple[str, ...]
    rests_at: datetime | None


def begin(found: Mapping[str, Found], at: datetime) -> Sight:
    """What lies there is where a rule starts from."""
    return Sight({path: Seen(each.size, each.stamp, at, True) for path, each in found.items()}, (), None)


def look(before: Mapping[str, Seen], found: Mapping[str, Found], at: datetime, settle: float) -> Sight:
    """A file is told of once it was seen as it is for `settle` seconds; what is not there any more is forgotten."""
    rest = timedelta(seconds=settle)
    seen = {path: _seen(before.get(path), each, at) for path, each in found.items()}
    news = [path for path, each in seen.items() if not each.told and each.since + rest <= at]
    seen |= {path: Seen(seen[path].size, seen[path].stamp, seen[path].since, True) for path in news}
    rests = [each.since + rest for each in seen.values() if not each.told]
    return Sight(seen, tuple(news), min(rests, default=None))


def next_look(started: datetime, every: float, rests_at: datetime | None = None) -> datetime:
    """When to look again after a look that began then."""
    usual = started + max(LEAST, timedelta(seconds=every))
    return usual if rests_at is None else min(usual, max(started + LEAST, rests_at))


def _seen(before: Seen | None, found: Found, at: datetime) -> Seen:
    if before and (before.size, before.stamp) == (found.size, found.stamp):
        return before
    return Seen(found.size, found.stamp, at, False)
