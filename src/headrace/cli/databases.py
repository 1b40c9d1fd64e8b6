"""What `headrace db` says."""

import click

from headrace.cli import exits, paths
from headrace.operations import databases, documents
from headrace.settings import Settings


def write(settings: Settings, *, as_json: bool) -> int:
    """The exit code tells whether it is up to date."""
    found = databases.status(settings)
    if as_json:
        click.echo(documents.written({**documents.plain(found), "current": found.current}))
    else:
        click.echo(f"{found.place}\n{_told(found.revision, found.newest)}")
    return exits.COMPLETED if found.current else exits.FAILED


def upgrade(settings: Settings) -> None:
    before, after = databases.upgrade(settings)
    if before == after:
        click.echo(f"The database is up to date: revision {after}.")
    else:
        click.echo(f"The database was {f'at revision {before}' if before else 'new'}, and is at revision {after} now.")


def _told(revision: str | None, newest: str) -> str:
    if revision is None:
        return "There is nothing in it yet; the first run makes it."
    if revision == newest:
        return f"It is up to date: revision {revision}."
    return f"It is at revision {revision}, behind {newest}: {paths.command('db', 'upgrade')}"
