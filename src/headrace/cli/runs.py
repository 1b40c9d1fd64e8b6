"""`headrace runs`: what has run and what is running."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import click

from headrace import app, settings
from headrace.cli import options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("headrace.cli.runs_list:list_", "List runs, the newest first."),
    "show": ("headrace.cli.runs_show:show", "Show one run: its blocks, attempts, errors and events."),
    "logs": ("headrace.cli.runs_logs:logs", "Show what the blocks of a run wrote."),
    "output": ("headrace.cli.runs_output:output", "Show what a block left behind."),
}

EPILOG = """\
\b
Examples:
  headrace runs list --pipeline orders
  headrace runs show 12
  headrace runs logs 12 clean_orders --level WARNING
  headrace runs output 12 clean_orders --rows 20
  headrace runs show 12 -o json | jq '.blocks[] | select(.status == "failed")'"""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def runs() -> None:
    """Look at runs: those that ended, and those going on."""


@contextmanager
def home() -> Generator[app.App]:
    """The home of this environment, open for reading; no engine is started."""
    with app.App(settings.load(os.environ)) as opened:
        yield opened
