"""What `headrace datasets history` says."""

import click

from headrace.cli import out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.dataset import Operation, Version
from headrace.operations import documents

_COLUMNS = (
    Column("version", right=True, always=True),
    Column("written"),
    Column("by", cuts=True),
    Column("operation"),
    Column("rows", right=True),
    Column("size", right=True),
    Column(""),
)


def write(place: Place, name: str, limit: int, before: int | None, *, as_json: bool) -> None:
    found = place.datasets.history(name, limit, before)
    if as_json:
        click.echo(documents.written([documents.dataset_version(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit:
            more = paths.command("datasets", "history", name, "--before", found[-1].version)
            click.echo(click.style(f"\nOlder ones: {more}", dim=True))
    else:
        click.echo(f"The dataset {name} has no such versions.")


def maker(version: Version) -> str:
    """What made it, for people."""
    if version.operation is Operation.COMPACT:
        return "files that were merged"
    if version.run_id is None:
        return "rows that were sent"
    return f"run {version.run_id}, {tables.bare(version.block or '')}"


def _gone(version: Version) -> str:
    """Why its rows cannot be read; nothing where they can be."""
    return "lost" if version.lost_at else "cleaned" if version.cleaned_at else ""


def _row(version: Version) -> tuple[str, ...]:
    return (
        str(version.version),
        quantities.moment(version.created_at),
        maker(version),
        version.operation.value,
        f"{version.rows:,}",
        quantities.size(version.bytes),
        click.style(_gone(version), dim=True),
    )
