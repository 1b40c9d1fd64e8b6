"""`headrace db`: the database that everything is remembered in."""

import os

import click

from headrace import settings
from headrace.cli import home, options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "status": ("headrace.cli.db:status", "Say where the database is, and whether it is up to date."),
    "upgrade": ("headrace.cli.db:upgrade", "Bring the database up to date."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT)
@options.colour
def db() -> None:
    """Look at the database, and bring it up to date.

    A home's own SQLite database is brought up to date by whatever opens it. A PostgreSQL database
    (HEADRACE_DATABASE=postgresql://…) is, once it is made, brought up to date by `headrace db upgrade` alone.
    """


@click.command(context_settings=options.CONTEXT)
@options.written_as
@options.colour
def status(as_json: bool) -> int:
    """Say where the database is, and whether it is up to date. Exit code 1 if it is not."""
    home.refuse_server()
    from headrace.cli import databases

    return databases.write(settings.load(os.environ), as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@options.colour
def upgrade() -> None:
    """Bring the database up to date, or make a new one."""
    home.refuse_server()
    from headrace.cli import databases

    databases.upgrade(settings.load(os.environ))
