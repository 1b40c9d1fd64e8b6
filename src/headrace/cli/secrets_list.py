"""What `headrace secrets list` says."""

import click

from headrace.cli import out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.operations.secrets import Secret

_COLUMNS = (
    Column("name", cuts=True),
    Column("project", cuts=True),
    Column("set"),
    Column("created"),
    Column("key"),
    Column(""),
)


def write(place: Place, project: str | None, *, as_json: bool) -> None:
    found = place.secrets.list(project)
    if as_json:
        click.echo(documents.written([documents.secret(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
    else:
        click.echo("There are no such secrets." if project else "There are no secrets yet.")


def _row(secret: Secret) -> tuple[str, ...]:
    return (
        tables.bare(secret.name),
        tables.bare(secret.project) if secret.project else click.style("all", dim=True),
        quantities.moment(secret.updated_at),
        quantities.moment(secret.created_at),
        secret.key,
        "" if secret.opens else click.style("cannot be opened: set it again", fg="red"),
    )
