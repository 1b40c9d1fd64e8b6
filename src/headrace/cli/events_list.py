"""What `headrace events list` says."""

import json

import click

from headrace.cli import out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.occurrence import Occurrence
from headrace.operations import documents

_COLUMNS = (
    Column("event", right=True),
    Column("at"),
    Column("kind"),
    Column("subject", cuts=True),
    Column("runs", right=True),
    Column("payload", cuts=True),
)


def write(place: Place, limit: int, before: int | None, *, as_json: bool) -> None:
    found = place.events.latest(limit, before=before)
    if as_json:
        click.echo(documents.written([documents.occurrence(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit and found[-1].id > 1:
            more = paths.command("events", "list", "--before", found[-1].id)
            click.echo(click.style(f"\nOlder ones: {more}", dim=True))
    elif before is None:
        click.echo("Nothing has happened yet that triggers would begin runs for.")
    else:
        click.echo("There are no such events.")


def _row(each: Occurrence) -> tuple[str, ...]:
    payload = json.dumps(documents.masked(each.payload), ensure_ascii=False)
    return (
        str(each.id),
        quantities.moment(each.at),
        each.kind.value,
        tables.bare(each.subject),
        "waiting" if each.runs is None else str(each.runs),
        tables.bare(each.fault or tables.cut(payload, 200)),
    )
