"""What `headrace audit list` says."""

from collections.abc import Mapping
from typing import Any

import click

from headrace.cli import out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.audit import Entry, Outcome
from headrace.operations import documents

_COLUMNS = (
    Column("entry", right=True),
    Column("at"),
    Column("who", cuts=True),
    Column("deed"),
    Column("of", cuts=True),
    Column("outcome"),
    Column("by"),
    Column("from"),
)


def write(place: Place, asked: Mapping[str, Any], limit: int, before: int | None, *, as_json: bool) -> None:
    found = place.audit.list(asked, limit, before)
    if as_json:
        click.echo(documents.written([documents.entry(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit and found[-1].id > 1:
            more = paths.command("audit", "list", "--before", found[-1].id)
            click.echo(click.style(f"\nOlder ones: {more}", dim=True))
    else:
        click.echo("There are no such entries in the audit.")


def _row(entry: Entry) -> tuple[str, ...]:
    deed = entry.deed
    count = f" ×{deed.count}" if deed.count > 1 else ""
    return (
        str(entry.id),
        quantities.moment(deed.at),
        tables.bare(deed.who),
        f"{deed.deed}{count}",
        tables.bare(deed.object or ""),
        deed.outcome.value if deed.outcome is Outcome.OK else f"{deed.outcome}: {deed.problem}",
        deed.via,
        tables.bare(deed.address or ""),
    )
