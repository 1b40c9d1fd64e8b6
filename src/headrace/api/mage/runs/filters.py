"""Filters: which runs a list is of, in which order, and which of them are on its page."""

import functools
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.model.query import Query, Span
from headrace.model.run import RunStatus
from headrace.model.sorting import BY_DATE, Sorting
from headrace.operations import pipelines, sorting
from headrace.operations.sorting import Row

T = TypeVar("T")
LAST_FAILED = "last_run_failed"
LISTED = (
    "backfill_id",
    "disable_retries_grouping",
    "end_timestamp",
    "global_data_product_uuid",
    "include_all_pipeline_schedules",
    "include_pipeline_tags",
    "include_pipeline_type",
    "include_pipeline_uuids",
    "order_by[]",
    "pipeline_tag[]",
    "pipeline_type",
    "pipeline_uuid",
    "pipeline_uuid[]",
    "start_timestamp",
    "status",
    "status[]",
)
_COLUMNS = {  # Mage's names for what runs can be sorted by
    "id": "id",
    "status": "status",
    "pipeline_uuid": "pipeline",
    "pipeline_schedule_id": "trigger_id",
    "backfill_id": "backfill_id",
    "execution_date": "execution_date",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "started_at": "started_at",
    "completed_at": "ended_at",
    "passed_sla": "passed_sla",
}


def asked_for(asked: Asked, trigger_id: int | None = None, pipeline: str | None = None) -> Sorting | None:
    """The list that is asked for; None where no run can be in it. BadField, BadRecord."""
    query, named = asked.query, _pipelines(asked, pipeline)
    statuses = _statuses(asked)
    backfill = query.number("backfill_id", 1)
    if named == frozenset() or statuses == frozenset() or query.text("global_data_product_uuid"):
        return None
    alone = next(iter(named)) if named and len(named) == 1 else None
    everywhere = trigger_id is not None or query.flag("include_all_pipeline_schedules")
    of = Query(
        project=None if everywhere else asked.project.name,
        pipeline=alone,
        trigger=trigger_id,
        backfill=backfill,
        statuses=statuses or frozenset(),
        created=_created(asked),
    )
    several = None if alone else named
    return Sorting(query=of, pipelines=several, latest=query.text("status") == LAST_FAILED, by=_order(asked))


def page(asked: Asked, wanted: Sorting, *, grouped: bool) -> tuple[Sequence[Row], int, bool]:
    """The rows of the page, how many the list has, and whether others follow.

    Grouped, the runs of one execution date, which are tries of the same, stay on the page where the first of them is.
    """
    limit, offset, whole = asked.query.limit(), asked.query.offset, grouped and wanted.by == BY_DATE
    found = sorting.page(asked.home, asked.caller, wanted, limit, offset, whole_dates=whole)
    return found.rows, found.count, found.count > offset + limit


def groups(asked: Asked, *, within: bool) -> bool:
    """Whether runs of one date are kept together: `within` a trigger or a pipeline, unless who asks would not have it."""
    return within and not asked.query.flag("disable_retries_grouping")


def _pipelines(asked: Asked, pipeline: str | None) -> frozenset[str] | None:
    """The names of those that the runs may be of; None: of all."""
    given = pipeline or asked.query.text("pipeline_uuid")
    named = [frozenset({given})] if given else []
    if several := asked.query.several("pipeline_uuid"):
        named.append(frozenset(several))
    tags, kind = asked.query.several("pipeline_tag"), asked.query.text("pipeline_type")
    if tags or kind:
        found = pipelines.listed_in(asked.home, asked.project.path)
        read = [each.pipeline for each in found if each.pipeline]
        named.append(
            frozenset(
                each.name
                for each in read
                if (not tags or set(tags) & set(each.tags)) and (not kind or each.type == kind)
            )
        )
    return _all_of(named)


def _statuses(asked: Asked) -> frozenset[RunStatus] | None:
    """None: all. A word that is no status is of no run."""
    alone, several = asked.query.text("status"), asked.query.several("status")
    named: list[frozenset[RunStatus]] = []
    if alone:
        named.append(frozenset({RunStatus.FAILED}) if alone == LAST_FAILED else _known([alone]))
    if several:
        named.append(_known(several))
    return _all_of(named)


def _known(words: Sequence[str]) -> frozenset[RunStatus]:
    return frozenset(status for status in RunStatus if status.value in words)


def _all_of(named: Sequence[frozenset[T]]) -> frozenset[T] | None:
    """What is in each of them; None where there are none."""
    return functools.reduce(lambda one, other: one & other, named) if named else None


def _created(asked: Asked) -> Span:
    """Both ends are within; seconds are whole."""
    since, until = asked.query.second("start_timestamp"), asked.query.second("end_timestamp")
    return Span(since, until and until + timedelta(seconds=1))


def _order(asked: Asked) -> Sequence[tuple[str, bool]]:
    """`column` or `column desc`, several with commas between. BadField."""
    given = asked.query.several("order_by")
    return tuple(_sorted_by(each) for each in given) if given else BY_DATE


def _sorted_by(said: str) -> tuple[str, bool]:
    name, _, direction = said.partition(" ")
    if name not in _COLUMNS or direction.lower() not in ("", "asc", "desc"):
        raise errors.BadField(
            field="order_by[]", given=said, expected=f"one of {', '.join(_COLUMNS)}, with asc or desc"
        )
    return _COLUMNS[name], direction.lower() == "desc"
