"""Statistics of runs and block runs by day, for the last 30 days unless others are asked for."""

from datetime import UTC, datetime, timedelta

from headrace import clock
from headrace.api.mage.asked import Asked
from headrace.api.mage.resources import Resource
from headrace.api.mage.statistics import shapes
from headrace.model.query import Query, Span
from headrace.operations import statistics

noun = Resource("monitor_stat", "monitor_stats")
RESOURCES = (noun,)
USUAL = timedelta(days=30)
EARLIEST = datetime.min.replace(tzinfo=UTC) + USUAL
FILTERS = ("end_time", "group_by_pipeline_type", "pipeline_schedule_id", "pipeline_uuid", "start_time")


@noun.detail("/monitor_stats/{kind}", query=FILTERS, shape=shapes.MonitorStat)
def show(asked: Asked) -> shapes.MonitorStat:
    """Counts by status, or seconds from creation to completion; of another kind than the four, null."""
    kind, query = asked.path("kind"), _query(asked)
    match kind:
        case "pipeline_run_count":
            grouped = asked.query.flag("group_by_pipeline_type")
            types = shapes.types(statistics.types(asked.home, asked.project)) if grouped else None
            return shapes.statistic(kind, shapes.run_counts(statistics.run_counts(asked.home, query), types))
        case "pipeline_run_time":
            return shapes.statistic(kind, shapes.means(statistics.run_means(asked.home, query)))
        case "block_run_count":
            return shapes.statistic(kind, shapes.block_counts(statistics.block_counts(asked.home, query)))
        case "block_run_time":
            return shapes.statistic(kind, shapes.means(statistics.block_means(asked.home, query)))
        case _:
            return shapes.statistic(kind, None)


def _query(asked: Asked) -> Query:
    until = asked.query.moment("end_time") or clock.now()
    since = asked.query.moment("start_time") or max(until, EARLIEST) - USUAL
    return Query(
        project=asked.project.name,
        pipeline=asked.query.text("pipeline_uuid"),
        trigger=asked.query.number("pipeline_schedule_id", least=1),
        created=Span(since, until),
    )
