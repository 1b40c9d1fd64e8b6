"""What a run says on stdout. Nobody has to read it: when the reader leaves or the disk is full, the run goes on."""

import shutil
import sys

import click

from headrace.cli import exits


def say(text: str = "") -> None:
    """A line, or several."""
    try:
        click.echo(text)
    except OSError:
        exits.silence(sys.stdout)


def terminal() -> bool:
    return sys.stdout.isatty()


def width() -> int | None:
    """How many columns there are; None where nothing limits a line."""
    return shutil.get_terminal_size().columns if terminal() else None


def colour() -> bool:
    """Whether to use colours here: on a terminal, unless they were refused."""
    context = click.get_current_context(silent=True)
    wanted = context.color if context else None
    return terminal() if wanted is None else wanted
