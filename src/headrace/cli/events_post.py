"""What `headrace events post` does and says."""

from typing import BinaryIO

import click

from headrace.app import App
from headrace.cli import leaving
from headrace.model import payload
from headrace.operations import occurrences


def post(app: App, file: BinaryIO, key: str | None) -> None:
    """No more of the file is read than an event may have. BadPayload for what is none."""
    given = occurrences.read(file.read(payload.LARGEST + 1))
    click.echo(occurrences.post(app, given, key=key))
    leaving.hint(app, "begin runs for it")
