"""Limits: how much of a thing may run at once, as its project and pipeline say."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None means no limit. All count over every engine; only `run_blocks` is within one run.

    The words of the Mage format: `queue_config.concurrency` of the project is `project_blocks`; of the pipeline's
    `concurrency_config`, `pipeline_run_limit_all_triggers` is `pipeline_runs`, `pipeline_run_limit` is `trigger_runs`,
    `block_run_limit` is `run_blocks`, and `on_pipeline_run_limit_reached` says `skip` or wait.
    """

    project_blocks: int | None = None  # block runs of all pipelines of the project
    pipeline_runs: int | None = None  # runs of the pipeline, whatever started them
    trigger_runs: int | None = None  # runs that one trigger started; those started by hand count as one trigger's
    run_blocks: int | None = None  # block runs within one run
    blocks: Mapping[str, int] = field(default_factory=dict[str, int])  # runs of one block, over all runs
    skip: bool = False  # a run that finds no room is cancelled; otherwise it waits
