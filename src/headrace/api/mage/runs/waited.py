"""A pipeline, or one block of it, is run, and the answer waits for it. Mage's public pages have it; its server fails."""

from anyio import to_thread

from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import shapes, waiting
from headrace.model.run import FINAL_RUN
from headrace.operations import asking, sight, sorting, starting
from headrace.store.creating import Created

waited = Resource("run", "runs")
LONGEST = 60.0  # seconds
WRITES = ("block_uuid", "pipeline_uuid", "variables")


@waited.create("/runs", writes=WRITES, shape=shapes.ShownPipelineRun)
async def create(asked: Asked) -> shapes.ShownPipelineRun:
    """Run a pipeline, or a block on earlier outputs; the answer comes when it has ended, or a minute later."""
    created = await to_thread.run_sync(_start, asked)
    auditing.touch(asked.request, "pipeline_runs", created.run.id, created.run.id)
    async with waiting.moves(asked, created.run.id, LONGEST) as until:
        await until(lambda now: now.status in FINAL_RUN)
    return await to_thread.run_sync(_shown, asked, created.run.id)


def _start(asked: Asked) -> Created:
    pipeline, block = fields.text(asked, "pipeline_uuid"), fields.text_if_any(asked, "block_uuid")
    variables = fields.mapping(asked, "variables") or {}
    sight.refuse_unseen(asked.home, asked.project.path, pipeline)
    only = [block] if block else []
    return starting.start(asked.home, asking.Asked(asked.project.path, pipeline, variables, only=only))


def _shown(asked: Asked, run_id: int) -> shapes.ShownPipelineRun:
    return shapes.shown(sorting.one(asked.home, asked.caller, run_id))
