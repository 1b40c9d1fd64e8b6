"""Admission: which runs may begin under the limits of their pipelines. Counted anew each time, from the runs' own rows."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from headrace.store.limits import ADMITTED
from headrace.store.script import Plural, Script
from headrace.store.tables import limits, runs

KINDS = ("pipeline_runs", "trigger_runs")  # of the limits that runs come under


class Waiting(Protocol):
    """A run that asks to be admitted."""

    @property
    def pipeline_id(self) -> int: ...
    @property
    def trigger_id(self) -> int | None: ...


class Places:
    """The places that the limits of some pipelines have for runs, as they were counted, less those taken since."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], counted: Sequence[Sequence[Any]]) -> None:
        self._caps = {(row["kind"], row["pipeline_id"]): row["cap"] for row in rows if row["trigger_id"] is None}
        self._own = {row["trigger_id"]: row["cap"] for row in rows if row["trigger_id"] is not None}
        self._pipelines = {row["pipeline_id"] for row in rows}
        self._skips = {row["pipeline_id"] for row in rows if row["skip"]}
        self._used = Counter[tuple[int, int | None]]()
        for pipeline_id, trigger_id, count in counted:
            self._used[pipeline_id, trigger_id] = count

    def take(self, run: Waiting) -> bool:
        """Takes a place under each of its limits, or says that one of them has none."""
        if self._full(run.pipeline_id, run.trigger_id):
            return False
        self._used[run.pipeline_id, run.trigger_id] += 1
        return True

    def skips(self, run: Waiting) -> bool:
        """Whether such a run is to be cancelled when there is no place for it."""
        return run.pipeline_id in self._skips

    def open(self) -> list[sa.ColumnElement[bool]]:
        """What leaves out the runs that would only be made to wait."""
        waiting = self._pipelines - self._skips
        whole = [pipeline for pipeline in waiting if self._full_pipeline(pipeline)]
        of_trigger = [key for key in self._used if key[0] in waiting and key[0] not in whole and self._full(*key)]
        return [
            runs.c.pipeline_id.not_in(whole),
            *(
                sa.not_(sa.and_(runs.c.pipeline_id == pipeline, runs.c.trigger_id.is_not_distinct_from(trigger)))
                for pipeline, trigger in of_trigger
            ),
        ]

    def _full(self, pipeline: int, trigger: int | None) -> bool:
        cap = self._own.get(trigger, self._caps.get(("trigger_runs", pipeline)))
        return self._full_pipeline(pipeline) or (cap is not None and self._used[pipeline, trigger] >= cap)

    def _full_pipeline(self, pipeline: int) -> bool:
        cap = self._caps.get(("pipeline_runs", pipeline))
        return cap is not None and sum(n for (of, _), n in self._used.items() if of == pipeline) >= cap


def places(connection: sa.Connection, pipelines: Collection[int], *, lock: bool) -> Places:
    """What the limits of those pipelines have room for; with `lock`, nobody else admits to them until the commit."""
    if not pipelines:
        return Places([], [])
    with Script(connection) as script:  # the count sees what was committed before the lock was had
        rows = script.say(*(_LOCKED if lock else _LIMITS).of(pipelines))
        counted = script.say(*_COUNTED.of(pipelines))
    return Places(rows.named, counted.rows)


OF_RUNS = limits.c.kind.in_([sa.literal(kind) for kind in KINDS])


def _of(pipelines: list[sa.BindParameter[int]]) -> sa.Select[Any]:
    return sa.select(limits).where(limits.c.pipeline_id.in_(pipelines), OF_RUNS).order_by(limits.c.id)


_LIMITS = Plural(_of)
_LOCKED = Plural(lambda pipelines: _of(pipelines).with_for_update())
_COUNTED = Plural(
    lambda pipelines: (
        sa.select(runs.c.pipeline_id, runs.c.trigger_id, sa.func.count().label("admitted"))
        .where(ADMITTED, runs.c.pipeline_id.in_(pipelines))
        .group_by(runs.c.pipeline_id, runs.c.trigger_id)
    )
)
