"""`headrace token`: what lets programs into a server.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

import click

from headrace.cli import options, parameters
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "create": ("headrace.cli.token:create", "Make a token, and print it this once."),
    "list": ("headrace.cli.token:list_", "List tokens, without what they say."),
    "revoke": ("headrace.cli.token:revoke", "Have a token let nobody in any more."),
}
ROLES = ("viewer", "editor", "admin", "owner")

EPILOG = """\
\b
Examples:
  headrace token create ci --role editor --days 90 > ci.token
  curl -H "Authorization: Bearer $(cat ci.token)" http://127.0.0.1:6789/v1/runs
  headrace token revoke 3

\b
A viewer looks; an editor also begins and cancels runs, and defines triggers and backfills; an
admin also keeps secrets and tokens. docs/guides/client.md has more."""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def token() -> None:
    """Make, list and revoke tokens, by which programs are known to a server (headrace serve)."""


@click.command(context_settings=options.CONTEXT)
@click.argument("name", type=parameters.text)
@click.option("--role", type=click.Choice(ROLES), default="editor", show_default=True, help="What it may do.")
@click.option("--days", metavar="N", type=click.FloatRange(0, 36_500, min_open=True), help="How long it stands.")
@options.written_as
@options.colour
def create(name: str, role: str, days: float | None, as_json: bool) -> None:
    """Make a token called NAME, and print it. Nobody can be told again what it says.

    Without --days it stands until it is revoked.
    """
    from headrace.cli import places, tokens

    with places.opened() as place:
        tokens.create(place, name, role, days, as_json=as_json)


@click.command("list", context_settings=options.CONTEXT)
@options.written_as
@options.colour
def list_(as_json: bool) -> None:
    """List tokens: whose they are, what they may do, and when they were last used."""
    from headrace.cli import places, tokens

    with places.opened() as place:
        tokens.write(place, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="TOKEN", type=parameters.count)
@options.colour
def revoke(number: int) -> None:
    """Have TOKEN, by its number, let nobody in any more. Who is in with it is out within seconds."""
    from headrace.cli import places, tokens

    with places.opened() as place:
        tokens.revoke(place, number)
