"""The home that commands look into and write to, unless a server was named."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from headrace import app, errors, settings
from headrace.cli import garbage

if TYPE_CHECKING:
    from headrace.client.front import Client

PATIENCE = 30.0  # seconds for which a server that has answered before is waited for


def server() -> str | None:
    """The URL of the server that was named by --url or HEADRACE_URL; None: the home of this environment is meant."""
    context = click.get_current_context(silent=True)
    return context.find_root().obj if context else None


@contextmanager
def client() -> "Generator[Client]":
    """A client of the server that was named."""
    from headrace.client.front import Client

    with Client(server(), patience=PATIENCE) as found:
        garbage.begin()
        yield found


def refuse_server() -> None:
    """NotOnServer where one was named: the command is about this machine."""
    if url := server():
        raise errors.NotOnServer(command=click.get_current_context().command_path, url=url)


@contextmanager
def opened() -> Generator[app.App]:
    """The home of this environment; no engine is started. NotOnServer where a server was named."""
    refuse_server()
    with app.App(settings.load(os.environ)) as found:
        garbage.begin()
        yield found
