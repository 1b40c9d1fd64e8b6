"""Logs of a pipeline's runs, and of one block run."""

from datetime import timedelta

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.logs import shapes
from headrace.api.mage.queries import GREATEST, Query
from headrace.api.mage.resources import Resource
from headrace.model.query import Span
from headrace.operations import log_files
from headrace.operations.log_files import Wanted

logs = Resource("log", "logs")
RESOURCES = (logs,)
MOST_IDS = 500  # each of which is looked up
FILTERS = (
    *("block_run_id", "block_run_id[]", "block_type", "block_type[]", "block_uuid", "block_uuid[]"),
    *("start_timestamp", "end_timestamp", "level[]", "pipeline_run_id", "pipeline_run_id[]"),
    *("pipeline_schedule_id", "pipeline_schedule_id[]"),
)


@logs.list("/pipelines/{pipeline}/logs", query=FILTERS, shape=shapes.Logs)
def of_pipeline(asked: Asked) -> Many:
    """The logs of a pipeline's runs, the newest first; levels and types of blocks are left to who reads them."""
    pipeline = asked.path("pipeline")
    log_files.refuse_unknown(asked.home, asked.project, pipeline)
    wanted = _wanted(asked.query, asked.project.name, pipeline)
    found = log_files.find(asked.home, wanted, asked.query.limit(log_files.MOST), asked.query.offset)
    return Many([shapes.logs(found, pipeline, with_runs=not (wanted.blocks or wanted.block_runs))], {})


@logs.list("/block_runs/{block_run_id}/logs", shape=shapes.Logs)
def of_block_run(asked: Asked) -> Many:
    """The log of one block run."""
    block_run = asked.id("block_run_id")
    pipeline = log_files.pipeline_of(asked.home, block_run)
    wanted = Wanted(project=asked.project.name, pipeline=pipeline, block_runs=(block_run,))
    return Many([shapes.logs(log_files.find(asked.home, wanted), pipeline, with_runs=False)], {})


def _wanted(query: Query, project: str, pipeline: str) -> Wanted:
    until = query.second("end_timestamp")
    return Wanted(
        project=project,
        pipeline=pipeline,
        triggers=_ids(query, "pipeline_schedule_id"),
        runs=_ids(query, "pipeline_run_id"),
        block_runs=_ids(query, "block_run_id"),
        blocks=query.either("block_uuid") or (),
        dates=Span(query.second("start_timestamp"), until and until + timedelta(microseconds=1)),
    )


def _ids(query: Query, name: str) -> list[int]:
    given = query.either(name) or []
    if len(given) > MOST_IDS:
        raise errors.BadField(field=name, given=f"{len(given)} ids", expected=f"at most {MOST_IDS}")
    for each in given:
        if not (each.isascii() and each.isdigit() and len(each) <= 19 and 0 < int(each) <= GREATEST):
            raise errors.BadField(field=name, given=each, expected="ids: whole numbers, 1 or more")
    return [int(each) for each in given]
