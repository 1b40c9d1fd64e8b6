"""Block runs: listed, looked at, with what they left behind."""

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, page
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import outputs, shapes
from headrace.model.sorting import BlockSorting
from headrace.operations import runs, sorting, values

block_runs = Resource("block_run", "block_runs")
left = Resource("output", "outputs")

LISTED = ("order_by", "pipeline_run_id", "pipeline_uuid")
_COLUMNS = {  # Mage's names for what block runs can be sorted by
    "id": "id",
    "block_uuid": "block",
    "status": "status",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "started_at": "started_at",
    "completed_at": "ended_at",
}


@block_runs.list("/block_runs", query=LISTED, shape=shapes.ListedBlockRun)
def list_all(asked: Asked) -> Many:
    """Block runs; those of the newest runs first, and of each run those first that were begun last."""
    said = asked.query.text("pipeline_run_id")
    run = int(said) if said and said.isascii() and said.isdigit() and len(said) < 19 else None  # else it says nothing
    return _page(asked, run, _order(asked), scheduled=True)


@block_runs.list("/pipeline_runs/{run_id}/block_runs", query=LISTED, shape=shapes.ListedBlockRun)
def list_of_run(asked: Asked) -> Many:
    """The block runs of a run, in the order of their ids."""
    run = runs.get(asked.home, asked.id("run_id"))
    return _page(asked, run.id, _order(asked) or ("id", False), scheduled=False)


@block_runs.detail("/block_runs/{block_run_id}", shape=shapes.ListedBlockRun)
def show(asked: Asked) -> shapes.ListedBlockRun:
    """A block run."""
    row, block = sorting.block_run(asked.home, asked.id("block_run_id"))
    return shapes.block_run(row, block, scheduled=True)


@left.list("/block_runs/{block_run_id}/outputs", query=("sample_count",), shape=outputs.Output)
def list_outputs(asked: Asked) -> Many:
    """What a block run left behind, of frames the first rows."""
    row, block = sorting.block_run(asked.home, asked.id("block_run_id"))
    count = asked.query.number("sample_count")
    found = values.find(asked.home, row.run.id, block.block)
    return Many([outputs.shape(asked.home, each, count) for each in found], {})


def _page(asked: Asked, run: int | None, by: tuple[str, bool] | None, *, scheduled: bool) -> Many:
    limit, offset = asked.query.limit(), asked.query.offset
    project = None if run is not None else asked.project.name
    wanted = BlockSorting(project=project, pipeline=asked.query.text("pipeline_uuid"), run=run, by=by)
    found = sorting.block_runs(asked.home, wanted, limit, offset)
    listed = [shapes.block_run(row, block, scheduled=scheduled) for row, block in found.rows]
    return page(listed, found.count, more=found.count > offset + limit)


def _order(asked: Asked) -> tuple[str, bool] | None:
    """`column`, or `column desc`. BadField."""
    said = asked.query.text("order_by")
    if said is None:
        return None
    name, _, direction = said.partition(" ")
    if name not in _COLUMNS or direction.lower() not in ("", "asc", "desc"):
        raise errors.BadField(field="order_by", given=said, expected=f"one of {', '.join(_COLUMNS)}, with asc or desc")
    return _COLUMNS[name], direction.lower() == "desc"
