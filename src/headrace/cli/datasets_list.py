"""What `headrace datasets list` says."""

import click

from headrace.cli import out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.store.datasets import Standing

_COLUMNS = (
    Column("name", cuts=True, always=True),
    Column("version", right=True),
    Column("rows", right=True),
    Column("size", right=True),
    Column("written"),
    Column("description", cuts=True),
)


def write(place: Place, limit: int, after: str, *, as_json: bool) -> None:
    found = place.datasets.listed(limit, after)
    if as_json:
        click.echo(documents.written([documents.dataset(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit:
            more = paths.command("datasets", "list", "--after", found[-1].dataset.name)
            click.echo(click.style(f"\nMore: {more}", dim=True))
    else:
        click.echo("There are no such datasets." if after else "There are no datasets yet.")


def _row(standing: Standing) -> tuple[str, ...]:
    dataset, newest = standing.dataset, standing.newest
    said = tables.bare(dataset.description)
    if newest is None:
        return (dataset.name, "", "", "", click.style("never", dim=True), said)
    size = quantities.size(newest.bytes)
    return (dataset.name, str(newest.version), f"{newest.rows:,}", size, quantities.moment(newest.created_at), said)
