"""Query: which runs a list is of, and in which order."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, cast

from headrace.model.run import RunStatus


@dataclass(frozen=True, slots=True)
class Span:
    """The moments from `since` up to, and without, `until`; open on the side that is not given."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a run must be to be in the list: all that is given. The newest is first, or with `oldest_first` the oldest.

    `pipeline` is an id, or a name that pipelines of several projects may have. Each of `variables` is one of the run's
    own, of just this value. Each of `tags` is of the run's trigger, or of its pipeline as it was pinned.
    """

    project: str | None = None
    pipeline: int | str | None = None
    trigger: int | None = None
    backfill: int | None = None
    version: int | None = None  # of the pipeline, which its runs are pinned to
    statuses: frozenset[RunStatus] = frozenset()  # any of them; none means all
    created: Span = Span()
    started: Span = Span()
    ended: Span = Span()
    execution_date: Span = Span()
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: frozenset[str] = frozenset()
    passed_sla: bool | None = None
    oldest_first: bool = False

    @property
    def is_tallied(self) -> bool:
        """Whether it asks for nothing but what runs are tallied by."""
        return self == Query(
            project=self.project,
            pipeline=self.pipeline,
            trigger=self.trigger,
            statuses=self.statuses,
            oldest_first=self.oldest_first,
        )

    @property
    def digest(self) -> str:
        """Twelve digits that are the same for the same question."""
        written = json.dumps(asdict(self), sort_keys=True, default=_written)
        return hashlib.sha256(written.encode()).hexdigest()[:12]


def _written(value: Any) -> Any:
    return sorted(cast("frozenset[str]", value)) if isinstance(value, frozenset) else str(value)


def has(variables: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether the variables have each of those that are wanted, of the same value."""
    if not isinstance(variables, dict):
        return not wanted
    given = cast("dict[str, Any]", variables)
    return all(name in given and same(given[name], value) for name, value in wanted.items())


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same: 1 is 1.0 and not true, and the order of an object's names says nothing."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case dict(), dict():
            wanted = cast("dict[str, Any]", other)
            return len(cast("dict[str, Any]", one)) == len(wanted) and has(one, wanted)
        case list(), list():
            ours, theirs = cast("list[Any]", one), cast("list[Any]", other)
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        case _:
            return one == other
