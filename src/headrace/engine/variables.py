"""The keyword arguments of a block: variables by precedence, with what the run itself says over them."""

from collections.abc import Mapping
from typing import Any

from headrace.model.pipeline import Block, Pipeline
from headrace.model.run import BlockRun, Run


def of(pipeline: Pipeline, block: Block, run: Run, row: BlockRun, project_path: str) -> dict[str, Any]:
    """Pipeline variables < run variables < what the run says (the names and values of Mage 0.9.80's scheduler).

    `logger` and `context` are not here: only the process that runs the block can make them.
    """
    return {
        **pipeline.variables,
        **run.variables,
        **_said_by_run(run),
        "configuration": dict(block.configuration),
        "pipeline_uuid": pipeline.name,
        "block_uuid": block.uuid,
        "repo_path": project_path,
        "retry": {"attempts": row.failures + 1},
    }


def _said_by_run(run: Run) -> Mapping[str, Any]:
    date = run.execution_date
    return {
        "ds": date.strftime("%Y-%m-%d"),
        "hr": date.strftime("%H"),
        "env": "prod",
        "event": {},
        "execution_date": date,
        "execution_partition": date.strftime("%Y%m%dT%H%M%S_%f"),
        "pipeline_run_id": run.id,
        "trigger_name": None,
    }
