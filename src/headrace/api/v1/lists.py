"""Lists of runs, by what they are to be; and how many there are."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import bodies
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model import query
from headrace.model.query import Span
from headrace.model.run import RunStatus
from headrace.operations import documents, engines, listing
from headrace.store.runs import Listed

router = here.routes("runs")


class Filters(BaseModel):
    """What runs are to be: all that is given."""

    model_config = ConfigDict(extra="forbid")

    project: given.Name | None = Field(None, description="Of the project of this name.")
    pipeline: given.Name | None = Field(None, description="Of pipelines of this name.")
    trigger_id: given.Id | None = None
    backfill_id: given.Id | None = None
    status: list[RunStatus] = Field([], max_length=20, description="Any of them.")
    created_from: given.Moment | None = Field(None, description="No earlier.")
    created_to: given.Moment | None = Field(None, description="Earlier.")
    started_from: given.Moment | None = None
    started_to: given.Moment | None = None
    ended_from: given.Moment | None = None
    ended_to: given.Moment | None = None
    execution_date_from: given.Moment | None = None
    execution_date_to: given.Moment | None = None
    variable: list[given.Text] = Field(
        [], max_length=20, description="NAME:JSON, one of the run's own variables.", examples=[['day:"2026-01-31"']]
    )
    tag: list[given.Text] = Field([], max_length=20, description="Of the run's trigger or pipeline.")
    passed_sla: bool | None = None
    oldest_first: bool = False
    blocks: bool = Field(False, description="With their block runs.")
    limit: int = Field(20, ge=1, le=given.MOST, description="At most so many.")
    cursor: str | None = Field(None, max_length=200, description="The `next` of the page before, of the same list.")

    @property
    def query(self) -> query.Query:
        return query.Query(
            project=self.project,
            pipeline=self.pipeline,
            trigger=self.trigger_id,
            backfill=self.backfill_id,
            statuses=frozenset(self.status),
            created=Span(self.created_from, self.created_to),
            started=Span(self.started_from, self.started_to),
            ended=Span(self.ended_from, self.ended_to),
            execution_date=Span(self.execution_date_from, self.execution_date_to),
            variables=dict(map(_variable, self.variable)),
            tags=frozenset(self.tag),
            passed_sla=self.passed_sla,
            oldest_first=self.oldest_first,
        )


class Whose(BaseModel):
    """Of which runs."""

    model_config = ConfigDict(extra="forbid")

    project: given.Name | None = None
    pipeline: given.Name | None = None
    trigger_id: given.Id | None = None


@router.get("/runs", summary="Runs", responses=answers.tells("Runs"))
def list_all(home: Home, request: Request, filters: Annotated[Filters, Query()]) -> Response:
    """The newest first. A page may have fewer than `limit` and yet be followed by another, which `next` says."""
    page = listing.page(home, filters.query, filters.limit, filters.cursor, blocks=filters.blocks)
    return answers.page(request, "runs", _rows(home, page, blocks=filters.blocks), page.cursor)


@router.get("/runs/counts", summary="How many runs have each status", responses=answers.tells("Counts"))
def counts(home: Home, whose: Annotated[Whose, Query()]) -> Response:
    """Exact, and as quick for a million runs as for one."""
    wanted = query.Query(project=whose.project, pipeline=whose.pipeline, trigger=whose.trigger_id)
    return answers.written(listing.counts(home, wanted))


def _rows(home: App, page: listing.Page, *, blocks: bool) -> list[dict[str, Any]]:
    gone = engines.abandoned(home, [each.run for each in page.runs])
    return [_row(each, abandoned=each.run.id in gone, blocks=blocks) for each in page.runs]


def _row(listed: Listed, *, abandoned: bool, blocks: bool) -> dict[str, Any]:
    told = documents.run(listed.run, listed.project, listed.pipeline, abandoned=abandoned)
    return {**told, "blocks": [documents.block_run(row) for row in listed.blocks] if blocks else None}


def _variable(said: str) -> tuple[str, Any]:
    """NAME:JSON. BadFilter for what is none."""
    name, _, value = said.partition(":")
    try:
        return name, bodies.read(value.encode())
    except errors.BadBody:
        expected = 'NAME:JSON, such as day:"2026-01-31"'
        raise errors.BadFilter(field="variable", given=said, expected=expected) from None
