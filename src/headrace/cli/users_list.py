"""What `headrace users list` says."""

import click

from headrace.cli import out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.access import Grant, User
from headrace.operations import documents

_COLUMNS = (
    Column("user", right=True),
    Column("username", cuts=True),
    Column("email", cuts=True),
    Column("roles", cuts=True),
    Column("status"),
    Column("last login"),
)


def write(place: Place, *, as_json: bool) -> None:
    found = place.users.list()
    if as_json:
        click.echo(documents.written([documents.user(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
    else:
        click.echo("There are no users yet. Make one: headrace users create NAME --role ROLE")


def _row(user: User) -> tuple[str, ...]:
    return (
        str(user.id),
        tables.bare(user.username),
        tables.bare(user.email or ""),
        tables.bare(", ".join(map(_written, user.grants))),
        "active" if user.active else "inactive",
        quantities.moment(user.last_login_at),
    )


def _written(grant: Grant) -> str:
    return grant.role.value if grant.tag is None else f"{grant.role}:{grant.tag}"
