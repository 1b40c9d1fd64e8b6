"""What a block left behind in its latest run, or in the run that is named; and as a file to keep."""

import csv
import io
from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import outputs
from headrace.app import App
from headrace.model import output
from headrace.model.query import Query
from headrace.operations import documents, listing, sight, sorting, values

block_outputs = Resource("block_output", "block_outputs")
PORTION = 10_000  # rows that are written at once
FILTERS = (
    "block_uuid",
    "csv_lines_only",
    "dynamic_block_index",
    "exclude_blank_variable_uuids",
    "execution_partition",
    "include_print_outputs",
    "pipeline_uuid",
    "sample",
    "sample_count",
    "variable_type",
)


class BlockOutput(TypedDict):
    outputs: list[outputs.Output]


@block_outputs.detail("/block_outputs/{block:path}", query=FILTERS, shape=BlockOutput)
def show(asked: Asked) -> BlockOutput:
    """What a block left behind: in the run of `execution_partition`, else in the latest in which it has completed."""
    block, count = asked.query.text("block_uuid") or asked.path("block"), asked.query.number("sample_count")
    partition = asked.query.text("execution_partition")
    found = _of_partition(asked, block, partition) if partition else _of_latest(asked, block)
    return {"outputs": [outputs.shape(asked.home, each, count) for each in found]}


@block_outputs.detail("/pipelines/{pipeline}/block_outputs/{block}/downloads", query=("pipeline_run_id",))
def download(asked: Asked) -> Response:
    """The rows that a block left behind, as CSV."""
    run, block = asked.query.number("pipeline_run_id", 1), asked.path("block")
    found = values.find(asked.home, run, block) if run else _of_latest(asked, block, asked.path("pipeline"))
    frame = next((each for each in found if values.has_rows(each)), None)
    if frame is None:
        names = ", ".join(each.name for each in found) or "none"
        raise errors.OutputNotFound(what=f"The block {block}", name="with rows", names=names)
    values.rows(asked.home, frame, 0, 1)  # what cannot be read is told before anything is sent
    name = f'attachment; filename="{_plain(block)}.csv"'
    return StreamingResponse(_lines(asked.home, frame), 200, {"Content-Disposition": name}, "text/csv")


def _of_partition(asked: Asked, block: str, partition: str) -> tuple[output.Output, ...]:
    query = Query(
        project=asked.project.name,
        pipeline=asked.query.text("pipeline_uuid"),
        variables={"execution_partition": partition},
    )
    found = next(listing.walk(asked.home, query, 1), None)
    return values.find(asked.home, found.run.id, block) if found else ()


def _of_latest(asked: Asked, block: str, pipeline: str | None = None) -> tuple[output.Output, ...]:
    """PipelineNotFound, BlockNotFound."""
    named = pipeline or asked.query.text("pipeline_uuid") or ""
    sight.refuse_unseen(asked.home, asked.project.path, named)
    pipeline_id = asked.home.store.projects.pipeline(asked.project.path, named)
    if pipeline_id is None:
        raise errors.PipelineNotFound(project=asked.project.name, pipeline=named, names="others")
    latest = asked.home.store.runs.latest_completed(pipeline_id, block)
    if latest is None:
        return ()
    row, found = sorting.block_run(asked.home, latest)
    return values.find(asked.home, row.run.id, found.block)


def _lines(home: App, frame: output.Output) -> Iterator[str]:
    """The head, and all rows, some at a time."""
    total, first = frame.rows or 0, 0
    while True:
        page = values.rows(home, frame, first, PORTION)
        text = io.StringIO()
        writer = csv.writer(text)
        if first == 0:
            writer.writerow(page.columns)
        writer.writerows(documents.plain(page.rows))
        yield text.getvalue()
        first += PORTION
        if first >= total:
            return


def _plain(name: str) -> str:
    """The name, of characters that a file may have anywhere."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "_" for each in name)
