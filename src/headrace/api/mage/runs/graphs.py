"""The blocks of a run, as its pipeline was when it began."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from headrace.api.mage.asked import Asked
from headrace.api.mage.blocks import shapes
from headrace.api.mage.envelopes import Many, cut, page
from headrace.api.mage.resources import Resource
from headrace.model import graph
from headrace.model.pipeline import Block, Pipeline
from headrace.operations import pipeline_files, runs
from headrace.operations.pipeline_files import Draft

blocks = Resource("block", "blocks")


@blocks.list("/pipeline_runs/{run_id}/blocks", shape=shapes.ListedBlock)
def list_all(asked: Asked) -> Many:
    """The blocks of a run, as its pipeline was when it began."""
    run = runs.get(asked.home, asked.id("run_id"))
    draft = _draft(asked.home.store.projects.version(run.version_id), run.created_at)
    listed = [shapes.listed(each, draft) for each in pipeline_files.entries(draft)]
    shown, count, more = cut(listed, asked.query.limit(), asked.query.offset)
    return page(shown, count, more=more)


def _draft(pipeline: Pipeline, at: datetime) -> Draft:
    """What a file would say that says the same."""
    below = graph.downstream(pipeline.graph)
    kinds = {"blocks": pipeline.blocks, "callbacks": pipeline.callbacks, "conditionals": pipeline.conditionals}
    says = {kind: [_entry(each, below.get(each.uuid, ())) for each in those] for kind, those in kinds.items()}
    return Draft(pipeline.name, says, at)


def _entry(block: Block, below: Iterable[str]) -> dict[str, Any]:
    return {
        **block.extra,
        "uuid": block.uuid,
        "name": block.name,
        "type": block.type.value,
        "language": block.language.value,
        "upstream_blocks": list(block.upstream),
        "downstream_blocks": list(below),
        "configuration": dict(block.configuration),
        "retry_config": dict(block.retry_config) or None,
        "timeout": block.timeout,
    }
