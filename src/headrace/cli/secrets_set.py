"""What `headrace secrets set` and `delete` do and say."""

import sys
from typing import BinaryIO

import click

from headrace import errors
from headrace.cli import exits
from headrace.cli.places import Place
from headrace.operations import secrets
from headrace.project.environment import SHORTEST

_MOST = secrets.LARGEST + 3  # bytes that are read: a line end, and one by which it is too large


def set_(place: Place, name: str, project: str | None, file: BinaryIO | None) -> None:
    value = _read(name, file)
    of = place.secrets.set(name, value, project)
    click.echo(f"Set the secret {name} of {_whose(of)}.")
    if len(value.strip()) < SHORTEST:
        exits.complain(f"It has fewer than {SHORTEST} characters, and is therefore not masked in logs.")


def delete(place: Place, name: str, project: str | None) -> None:
    of = place.secrets.delete(name, project)
    click.echo(f"Deleted the secret {name} of {_whose(of)}.")


def _read(name: str, file: BinaryIO | None) -> str:
    """The value, from the file or from stdin; asked for where somebody sits there."""
    if file is None and sys.stdin.isatty():
        return click.prompt(f"Value of {name} (it is not shown)", hide_input=True, err=True)
    given = (file or sys.stdin.buffer).read(_MOST)
    try:
        return _without_line_end(given.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise errors.BadSecret(field="value", given="no UTF-8", expected="text in UTF-8") from None


def _without_line_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _whose(project: str | None) -> str:
    return f"the project {project}" if project else "all projects"
