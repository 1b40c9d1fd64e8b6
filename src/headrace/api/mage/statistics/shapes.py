"""Statistics by what they are of and by day, as Mage's charts read them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from headrace.api.mage.runs.shapes import block_status
from headrace.model.run import BlockStatus
from headrace.store.statistics import BlockCount, Mean, RunCount


class Series(TypedDict):
    """`data` has a number, or numbers by status, for each day (`YYYY-MM-DD`) on which there is something."""

    name: str | None
    data: dict[str, Any]


class MonitorStat(TypedDict):
    stats_type: str
    stats: dict[str, Series] | None


def statistic(kind: str, stats: dict[str, Series] | None) -> MonitorStat:
    return {"stats_type": kind, "stats": stats}


def run_counts(counts: Sequence[RunCount], type_of: Callable[[str], str] | None = None) -> dict[str, Series]:
    """By trigger; with `type_of`, which tells the type of a pipeline, by that within each day.

    Runs without a trigger are under `null`.
    """
    found: dict[str, Series] = {}
    for each in counts:
        data = _series(found, str(each.trigger_id) if each.trigger_id else "null", each.trigger)
        day = data.setdefault(each.day, {})
        statuses = day if type_of is None else day.setdefault(type_of(each.pipeline), {})
        statuses[each.status] = statuses.get(each.status, 0) + each.count
    return found


def block_counts(counts: Sequence[BlockCount]) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for each in counts:
        day, status = (
            _series(found, each.block, each.block).setdefault(each.day, {}),
            block_status(BlockStatus(each.status)),
        )
        day[status] = day.get(status, 0) + each.count
    return found


def means(found: Sequence[Mean]) -> dict[str, Series]:
    told: dict[str, Series] = {}
    for each in found:
        _series(told, each.name, each.name)[each.day] = each.seconds
    return told


def _series(found: dict[str, Series], key: str, name: str | None) -> dict[str, Any]:
    return found.setdefault(key, {"name": name, "data": {}})["data"]


def types(pipelines: Mapping[str, str]) -> Callable[[str], str]:
    """Of a pipeline that is not there any more nobody knows the type: most are of Python."""
    return lambda name: pipelines.get(name, "python")
