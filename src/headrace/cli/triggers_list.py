"""What `headrace triggers list` says."""

import click

from headrace.cli import marks, occasions, out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.operations.triggers import Listed

_COLUMNS = (
    Column("trigger", right=True),
    Column("name", cuts=True),
    Column("pipeline", cuts=True),
    Column("project", cuts=True),
    Column("type"),
    Column("when", cuts=True),
    Column("status"),
    Column("next"),
    Column("last run"),
)


def write(place: Place, limit: int, after: int, project: str | None, pipeline: str | None, *, as_json: bool) -> None:
    found = place.triggers.latest(limit, project=project, pipeline=pipeline, after=after)
    if as_json:
        click.echo(documents.written([documents.listed_trigger(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit:
            more = paths.command("triggers", "list", "--after", found[-1].trigger.id)
            click.echo(click.style(f"\nNewer ones: {more}", dim=True))
    elif after or project or pipeline:
        click.echo("There are no such triggers.")
    else:
        click.echo("There are no triggers yet. Make one: headrace triggers create PROJECT PIPELINE NAME --every @daily")


def _row(listed: Listed) -> tuple[str, ...]:
    trigger, last = listed.trigger, listed.last
    return (
        str(trigger.id),
        tables.bare(trigger.definition.name),
        tables.bare(listed.pipeline),
        tables.bare(listed.project),
        trigger.definition.type.value,
        occasions.when(trigger.definition),
        marks.status(marks.of_trigger(trigger)),
        quantities.moment(listed.upcoming),
        f"{marks.status(last.status)}, run {last.id}" if last else "",
    )
