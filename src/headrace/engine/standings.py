"""Standings: what stays of each pipeline, whatever its age, looked up once for one cleaning."""

from collections.abc import Sequence
from functools import lru_cache

from headrace.model.retention import Ended, Policy, Standing
from headrace.store import Store


class Standings:
    """What stays of each pipeline, looked up once for one cleaning."""

    def __init__(self, store: Store, policy: Policy) -> None:
        self._retention = store.retention
        self._policy = policy
        self._edge = lru_cache(maxsize=None)(self._retention.edge)
        self._completed = lru_cache(maxsize=None)(self._retention.newest_completed)
        self._with = lru_cache(maxsize=None)(self._retention.newest_with)
        self._of_trigger = lru_cache(maxsize=None)(self._retention.newest_of)

    def edges(self, pipeline_id: int) -> Standing:
        """Without what is needed for itself."""
        runs = self._edge(pipeline_id, self._policy.runs.newest, failed=False)
        failed = self._edge(pipeline_id, self._policy.failed.newest, failed=True)
        return Standing(runs, failed, frozenset())

    def of(self, pipeline_id: int, those: Sequence[Ended]) -> Standing:
        """As far as it concerns those runs: the newest completed one, that of each trigger, and that of each block."""
        blocks = self._retention.blocks([run.id for run in those])
        found = {self._with(pipeline_id, block) for block in blocks} | {self._completed(pipeline_id)}
        found |= {self._of_trigger(run.trigger_id) for run in those if run.trigger_id is not None}
        edges = self.edges(pipeline_id)
        return Standing(edges.runs, edges.failed, frozenset(each for each in found if each is not None))
