"""What `headrace runs list` says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from headrace import clock
from headrace.cli import marks, occasions, out, paths, quantities, tables, variables
from headrace.cli.here.runs import Row
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.query import Query, Span
from headrace.model.run import Run, RunStatus
from headrace.operations import documents, listing

_COLUMNS = (
    Column("run", right=True),
    Column("pipeline"),
    Column("project"),
    Column("trigger", cuts=True),
    Column("for"),
    Column("status"),
    Column("began"),
    Column("took", right=True),
    Column("", cuts=True),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs are listed, as it was typed."""

    project: str | None
    pipeline: str | None
    trigger: str | None
    backfill: int | None
    statuses: Sequence[str]
    since: datetime | None
    until: datetime | None
    given: Sequence[str]
    tags: Sequence[str]

    def query(self, place: Place) -> Query:
        """TriggerNotFound, AmbiguousTrigger, BadVariable for what cannot be looked for."""
        return Query(
            project=self.project,
            pipeline=self.pipeline,
            trigger=None if self.trigger is None else place.triggers.find(self.trigger).id,
            backfill=self.backfill,
            statuses=frozenset(map(RunStatus, self.statuses)),
            created=Span(self.since, self.until),
            variables=variables.parse(self.given),
            tags=frozenset(self.tags),
        )

    def words(self) -> list[str]:
        """The options that say so again."""
        names = ("project", "pipeline", "trigger", "backfill", "since", "until")
        given = [(name, getattr(self, name)) for name in names]
        several = {"status": self.statuses, "var": self.given, "tag": self.tags}
        given += [(name, value) for name, values in several.items() for value in values]
        return [word for name, value in given if value is not None for word in (f"--{name}", _word(value))]


def _word(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def write(place: Place, filters: Filters, limit: int, after: str | None, *, as_json: bool) -> None:
    query = filters.query(place)
    found, cursor = _found(place, query, limit, after)
    if as_json:
        rows = [documents.run(each.run, each.project, each.pipeline, abandoned=each.abandoned) for each in found]
        click.echo(documents.written(rows))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if cursor:
            more = paths.command("runs", "list", *filters.words(), "--limit", limit, "--after", cursor)
            click.echo(click.style(f"\n{_of_how_many(place, query)}older ones: {more}", dim=True))
    elif query == Query() and after is None:
        click.echo("There are no runs yet. Start one: headrace run PROJECT PIPELINE")
    else:
        click.echo("There are no such runs.")


def _found(place: Place, query: Query, limit: int, after: str | None) -> tuple[list[Row], str | None]:
    """As many as were asked for, if there are: a page may have fewer and yet be followed by another."""
    found: list[Row] = []
    while True:
        rows, after = place.runs.page(query, min(limit - len(found), listing.MOST), after)
        found += rows
        if after is None or len(found) == limit:
            return found, after


def _of_how_many(place: Place, query: Query) -> str:
    count = place.runs.count(query)
    return "" if count is None else f"{count} in all; "


def _row(listed: Row) -> tuple[str, ...]:
    run, abandoned = listed.run, listed.abandoned
    end = run.ended_at or (None if abandoned else clock.now())
    return (
        str(run.id),
        tables.bare(listed.pipeline),
        tables.bare(listed.project),
        tables.bare(run.occasion.trigger or ""),
        occasions.date(run.execution_date) if run.trigger_id and run.execution_date != run.created_at else "",
        marks.status(marks.of_run(run, abandoned)),
        quantities.moment(run.started_at or run.created_at),
        quantities.duration(clock.between(run.started_at, end)),
        _remark(run),
    )


def _remark(run: Run) -> str:
    late = click.style("passed its SLA", fg="red") if run.passed_sla else ""
    why = tables.bare(run.reason) if run.status is RunStatus.FAILED else ""
    return "; ".join(filter(None, (why, late)))
