"""`headrace users`: who may log in to a server, and what they may do.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

import click

from headrace.cli import options, parameters
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "create": ("headrace.cli.users:create", "Make a user."),
    "list": ("headrace.cli.users:list_", "List users, and what they may do."),
    "edit": ("headrace.cli.users:edit", "Change a user: names, roles, whether they may come in."),
    "password": ("headrace.cli.users:password", "Give a user another password."),
    "delete": ("headrace.cli.users:delete", "Delete a user."),
}

EPILOG = """\
\b
Examples:
  headrace users create ada --email ada@mill.example --role editor
  headrace users create bob --role viewer --role editor:finance
  headrace users edit bob --inactive
  pass show mill/ada | headrace users password ada

\b
A role is for all pipelines, or, as ROLE:TAG, for those that carry the tag: whoever has only
such roles sees nothing else. docs/guides/access.md has more."""

_roles = click.option(
    "--role", "roles", metavar="ROLE[:TAG]", multiple=True, help="viewer, editor, admin or owner; any number of times."
)
_email = click.option("--email", metavar="EMAIL", help="By which they may log in, too.")
_first = click.option("--first-name", metavar="NAME")
_last = click.option("--last-name", metavar="NAME")
_user = click.argument("user", type=parameters.text)


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def users() -> None:
    """Make, list, change and delete the users of a server (headrace serve)."""


@click.command(context_settings=options.CONTEXT)
@click.argument("name", type=parameters.text)
@_roles
@_email
@_first
@_last
@options.colour
def create(name: str, roles: tuple[str, ...], email: str | None, first_name: str | None, last_name: str | None) -> None:
    """Make the user NAME, with a password that is asked for, or read from stdin; a viewer, unless --role says more."""
    from headrace.cli import places, users_keep

    with places.opened() as place:
        users_keep.create(place, name, roles or ("viewer",), email=email, first_name=first_name, last_name=last_name)


@click.command("list", context_settings=options.CONTEXT)
@options.written_as
@options.colour
def list_(as_json: bool) -> None:
    """List users: their names and roles, and when they logged in last."""
    from headrace.cli import places, users_list

    with places.opened() as place:
        users_list.write(place, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@_user
@click.option("--username", metavar="NAME")
@_roles
@_email
@_first
@_last
@click.option("--active/--inactive", default=None, help="Whether they may come in.")
@options.colour
def edit(
    user: str,
    username: str | None,
    roles: tuple[str, ...],
    email: str | None,
    first_name: str | None,
    last_name: str | None,
    active: bool | None,
) -> None:
    """Change USER, by username, email or number. With --role these are all roles from then on."""
    from headrace.cli import places, users_keep

    given = {"username": username, "email": email, "first_name": first_name, "last_name": last_name, "active": active}
    with places.opened() as place:
        users_keep.edit(place, user, roles, **given)


@click.command(context_settings=options.CONTEXT)
@_user
@options.colour
def password(user: str) -> None:
    """Give USER another password: asked for, or read from stdin. They have to log in again, wherever they are."""
    from headrace.cli import places, users_keep

    with places.opened() as place:
        users_keep.password(place, user)


@click.command(context_settings=options.CONTEXT)
@_user
@options.colour
def delete(user: str) -> None:
    """Delete USER. Who is in is out within seconds; what they did stays told in the audit."""
    from headrace.cli import places, users_keep

    with places.opened() as place:
        users_keep.delete(place, user)
