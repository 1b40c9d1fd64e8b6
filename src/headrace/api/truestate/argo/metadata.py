"""A run as its engine tells of it, in the shape of a Workflow's status: nodes by their ids, filled from headrace's records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from headrace.api.truestate import statuses
from headrace.api.truestate.argo import names
from headrace.model import graph
from headrace.model.graph import Graph
from headrace.model.pipeline import Pipeline
from headrace.model.run import FINAL_RUN, Attempt, BlockRun, BlockStatus, Failure, Run, RunStatus

EXECUTOR = "headrace/local"  # what has really run it

Node = dict[str, Any]


def of(
    pipeline: Pipeline, run: Run, blocks: Sequence[BlockRun], attempts: Mapping[int, Sequence[Attempt]]
) -> dict[str, Any]:
    """`blocks` are the steps that the run has of its own."""
    tree = _Tree(names.workflow(pipeline.name, run.uid), pipeline, blocks)
    phase = statuses.of_run(run, blocks)
    completed = sum(each.status is BlockStatus.COMPLETED for each in blocks)
    return {
        "name": tree.workflow,
        "uid": run.uid,
        "phase": phase,
        "message": _of_run(run),
        "startedAt": _began(run, attempts),
        "finishedAt": run.ended_at,
        "progress": f"{completed}/{len(blocks)}",
        "nodes": {each["id"]: each for each in tree.nodes(run, phase, blocks, attempts)},
        "executor": EXECUTOR,
    }


class _Tree:
    """How the nodes of a workflow hang together: below the workflow's own what waits for nothing, below each its followers."""

    def __init__(self, workflow: str, pipeline: Pipeline, blocks: Sequence[BlockRun]) -> None:
        self.workflow = workflow
        ran = {each.block for each in blocks}
        above: Graph = {block: [each for each in pipeline.graph.get(block, ()) if each in ran] for block in ran}
        self._tasks = names.tasks(each.block for each in blocks)
        self._first = [each.block for each in blocks if not above[each.block]]
        self._below = graph.downstream(above)

    def nodes(
        self, run: Run, phase: str, blocks: Sequence[BlockRun], attempts: Mapping[int, Sequence[Attempt]]
    ) -> list[Node]:
        began = _began(run, attempts)
        own = self._node(self.workflow, "DAG", names.ENTRY, phase, _of_run(run), began, run.ended_at)
        found = [{**own, "displayName": self.workflow, "children": self._ids(self._first)}]
        for block in blocks:
            found += self._of_block(block, attempts.get(block.id, ()))
        return found

    def _of_block(self, block: BlockRun, attempts: Sequence[Attempt]) -> list[Node]:
        """One node; where it was tried again, one of type Retry above one for each attempt."""
        task, name = self._tasks[block.block], names.node(self.workflow, self._tasks[block.block])
        below = self._ids(self._below[block.block])
        phase = statuses.of_block(block.status, block.reason)
        many = len(attempts) > 1
        began = attempts[0].started_at if many else block.started_at
        message = _why(block.status, block.reason, attempts[-1].failure if attempts else None)
        node = self._node(name, _kind(phase, many=many), task, phase, message, began, block.ended_at)
        if not many:
            return [self._within({**node, "children": below})]
        tried = [self._tried(task, number, each) for number, each in enumerate(attempts)]
        tried[-1]["children"] = below
        return [self._within({**node, "children": [each["id"] for each in tried]}), *tried]

    def _tried(self, task: str, number: int, attempt: Attempt) -> Node:
        name = names.node(self.workflow, task, number)
        phase = statuses.of_block(attempt.status, attempt.reason)
        message = _why(attempt.status, attempt.reason, attempt.failure)
        node = self._node(name, "Pod", task, phase, message, attempt.started_at, attempt.ended_at)
        return self._within({**node, "displayName": f"{task}({number})", "children": []})

    def _node(
        self,
        name: str,
        kind: str,
        template: str,
        phase: str,
        message: str,
        started: datetime | None,
        ended: datetime | None,
    ) -> Node:
        return {
            "id": names.node_id(self.workflow, name),
            "name": name,
            "displayName": template,
            "type": kind,
            "templateName": template,
            "templateScope": f"local/{self.workflow}",
            "phase": phase,
            "message": message,
            "startedAt": started,
            "finishedAt": ended,
        }

    def _within(self, node: Node) -> Node:
        return {**node, "boundaryID": self.workflow}

    def _ids(self, blocks: Sequence[str]) -> list[str]:
        return [names.node_id(self.workflow, names.node(self.workflow, self._tasks[block])) for block in blocks]


def _kind(phase: str, *, many: bool) -> str:
    if phase in ("Omitted", "Skipped"):
        return "Skipped"
    return "Retry" if many else "Pod"


def _why(status: BlockStatus, reason: str, failure: Failure | None) -> str:
    """Why it is not completed, in the words of what has failed where there are any; nothing of what may yet be."""
    if status not in _TOLD:
        return ""
    return failure.message if failure and status is BlockStatus.FAILED else reason


_TOLD = frozenset(
    {BlockStatus.FAILED, BlockStatus.CANCELLED, BlockStatus.UPSTREAM_FAILED, BlockStatus.CONDITION_FAILED}
)


def _of_run(run: Run) -> str:
    return run.reason if run.status in FINAL_RUN and run.status is not RunStatus.COMPLETED else ""


def _began(run: Run, attempts: Mapping[int, Sequence[Attempt]]) -> datetime | None:
    """A run that was asked to go on began with its first attempt; its row tells when it went on."""
    moments = [run.started_at, *(each[0].started_at for each in attempts.values() if each)]
    return min((each for each in moments if each), default=None)
