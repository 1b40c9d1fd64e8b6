"""What `headrace events post` does and says."""

from typing import BinaryIO

import click

from headrace.cli import leaving
from headrace.cli.places import Place
from headrace.model import payload
from headrace.operations import occurrences


def post(place: Place, file: BinaryIO, key: str | None) -> None:
    """No more of the file is read than an event may have. BadPayload for what is none."""
    given = occurrences.read(file.read(payload.LARGEST + 1))
    click.echo(place.events.post(given, key=key))
    leaving.hint(place, "begin runs for it")
