"""What `headrace token create`, `list` and `revoke` do and say."""

import click

from headrace import clock
from headrace.cli import exits, marks, out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.access import Role, Token
from headrace.operations import documents

_COLUMNS = (
    Column("token", right=True),
    Column("name", cuts=True),
    Column("role"),
    Column("status"),
    Column("created"),
    Column("expires"),
    Column("last used"),
)


def create(place: Place, name: str, role: str, days: float | None, *, as_json: bool) -> None:
    """What it says is on stdout alone, so that it can be led into a file."""
    token, said = place.tokens.create(name, Role(role), days=days)
    if as_json:
        click.echo(documents.written({**documents.token(token), "token": said}))
        return
    click.echo(said)
    until = f" until {quantities.moment(token.expires_at)}" if token.expires_at else ""
    exits.complain(f"Token {token.id}, {tables.bare(token.name)}, role {token.role}{until}. It is told this once.")


def write(place: Place, *, as_json: bool) -> None:
    found = place.tokens.list()
    if as_json:
        click.echo(documents.written([documents.token(each) for each in found]))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
    else:
        click.echo("There are no tokens yet. Make one: headrace token create NAME")


def revoke(place: Place, number: int) -> None:
    revoked = place.tokens.revoke(number)
    click.echo(f"Revoked token {revoked.id}, {tables.bare(revoked.name)}: it lets nobody in any more.")


def _row(token: Token) -> tuple[str, ...]:
    return (
        str(token.id),
        tables.bare(token.name),
        token.role.value,
        _stands(token),
        quantities.moment(token.created_at),
        quantities.moment(token.expires_at),
        quantities.moment(token.used_at),
    )


def _stands(token: Token) -> str:
    if token.stands(clock.now()):
        return marks.styled("good", "completed")
    return "revoked" if token.revoked_at else "expired"
