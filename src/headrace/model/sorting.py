"""Sorting: a list of runs in an order of one's own, of which pages are told by how many runs lie before them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.model.query import Query

BY_DATE = (("execution_date", True), ("id", True))
COLUMNS = (
    "id",
    "status",
    "pipeline",
    "trigger_id",
    "backfill_id",
    "execution_date",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "passed_sla",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """The runs of a query, by those columns, each with whether the greatest is first; equals by id, the newest first.

    `pipelines` are names, any of which a run's is to be. `on` is the execution date of all. With `latest` there is of
    the runs of one trigger for one execution date only the newest, and that only where the rest of the query fits it.
    """

    query: Query
    pipelines: frozenset[str] | None = None
    on: datetime | None = None
    latest: bool = False
    by: Sequence[tuple[str, bool]] = BY_DATE

    @property
    def is_tallied(self) -> bool:
        """Whether it asks for nothing but what runs are tallied by."""
        return self.pipelines is None and self.on is None and not self.latest and self.query.is_tallied


BLOCK_COLUMNS = ("id", "block", "status", "created_at", "updated_at", "started_at", "ended_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSorting:
    """The block runs of a project, of a pipeline of it, or of a run, by a column, with whether the greatest is first.

    Without one they are by their runs, the newest first, and of each run those first that were begun last.
    """

    project: str | None = None
    pipeline: str | None = None
    run: int | None = None
    by: tuple[str, bool] | None = None
