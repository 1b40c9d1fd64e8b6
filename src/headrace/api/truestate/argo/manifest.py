"""A run as a Workflow that Argo would take as it is: a task for each of its steps, in the order that its graph has."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from headrace.api.truestate.argo import names
from headrace.model.pipeline import Block, Pipeline
from headrace.version import __version__

VERSION = "argoproj.io/v1alpha1"
LONGEST = 86_400  # seconds that a step may run which has no timeout of its own
MEMORY = "512Mi"  # of a step that has no limit of its own
KEPT = 86_400  # seconds for which Argo keeps a workflow that has ended


def of(pipeline: Pipeline, run: str, steps: Collection[str]) -> dict[str, Any]:
    """The workflow of the run of that uid, with those steps of the pipeline. Retries are headrace's: there are none in it."""
    blocks = [block for block in pipeline.blocks if block.uuid in steps]
    tasks = names.tasks(block.uuid for block in blocks)
    return {
        "apiVersion": VERSION,
        "kind": "Workflow",
        "metadata": {
            "name": names.workflow(pipeline.name, run),
            "labels": {"headrace.run": run, "headrace.pipeline": names.label(pipeline.name)},
        },
        "spec": {
            "entrypoint": names.ENTRY,
            "arguments": {"parameters": [{"name": "run", "value": run}]},
            "templates": [_dag(blocks, tasks), *(_template(block, tasks[block.uuid]) for block in blocks)],
            "ttlStrategy": {"secondsAfterCompletion": KEPT},
            "podGC": {"strategy": "OnPodCompletion"},
        },
    }


def _dag(blocks: Collection[Block], tasks: Mapping[str, str]) -> dict[str, Any]:
    return {"name": names.ENTRY, "dag": {"tasks": [_task(block, tasks) for block in blocks]}}


def _task(block: Block, tasks: Mapping[str, str]) -> dict[str, Any]:
    name = tasks[block.uuid]
    parameters = [{"name": "block", "value": block.uuid}, {"name": "attempt", "value": "1"}]
    task = {"name": name, "template": name, "arguments": {"parameters": parameters}}
    above = [tasks[each] for each in block.upstream if each in tasks]
    return {**task, "depends": " && ".join(above)} if above else task


def _template(block: Block, name: str) -> dict[str, Any]:
    memory = MEMORY if block.memory_limit is None else str(block.memory_limit)
    return {
        "name": name,
        "inputs": {"parameters": [{"name": "block"}, {"name": "attempt"}]},
        "activeDeadlineSeconds": math.ceil(block.timeout or LONGEST),
        "container": {
            "image": f"headrace:{__version__}",
            "command": ["headrace", "worker"],
            "args": [
                "--run={{workflow.parameters.run}}",
                "--block={{inputs.parameters.block}}",
                "--attempt={{inputs.parameters.attempt}}",
            ],
            "resources": {"requests": {"cpu": "1", "memory": memory}, "limits": {"memory": memory}},
        },
    }
