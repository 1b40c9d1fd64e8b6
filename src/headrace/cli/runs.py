"""`headrace runs`: what has run, what is running and what waits; and what can be asked of it.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

import os

import click

from headrace import settings
from headrace.cli import exits, home, options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("headrace.cli.runs:list_", "List runs, the newest first."),
    "show": ("headrace.cli.runs:show", "Show one run: its blocks, attempts, errors and events."),
    "logs": ("headrace.cli.runs:logs", "Show what the blocks of a run wrote."),
    "output": ("headrace.cli.runs:output", "Show what a block left behind."),
    "why": ("headrace.cli.runs:why", "Say why a run or its blocks wait, or ended as they did."),
    "cancel": ("headrace.cli.runs:cancel", "Ask for a run to be cancelled."),
    "retry": ("headrace.cli.runs:retry", "Run again what of a run did not complete, or more of it."),
}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

EPILOG = """\
\b
Examples:
  headrace runs list --pipeline orders
  headrace runs show 12
  headrace runs logs 12 clean_orders --level WARNING
  headrace runs output 12 clean_orders --rows 20
  headrace runs why 12
  headrace runs retry 12 --from clean_orders --code latest
  headrace runs show 12 -o json | jq '.blocks[] | select(.status == "failed")'"""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def runs() -> None:
    """Look at runs: those that ended, those going on and those that wait. Cancel them, and have them go on."""


@click.command("list", context_settings=options.CONTEXT)
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most so many.")
@click.option("--before", metavar="RUN", type=int, help="Only runs older than this one: the next page of a list.")
@click.option("--pipeline", metavar="NAME", help="Only runs of pipelines of this name.")
@options.written_as
@options.colour
def list_(limit: int, before: int | None, pipeline: str | None, as_json: bool) -> None:
    """List runs, the newest first."""
    from headrace.cli import runs_list

    with home.opened() as app:
        runs_list.write(app, limit, before, pipeline, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.written_as
@options.colour
def show(run: int, as_json: bool) -> None:
    """Show RUN: how each block went, every attempt, what failed and why, and all that happened."""
    from headrace.cli import runs_show

    with home.opened() as app:
        runs_show.write(app, run, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@click.argument("block", required=False)
@click.option("--attempt", "number", metavar="N", type=click.IntRange(1), help="This attempt; the latest otherwise.")
@click.option("--tail", metavar="N", type=click.IntRange(0), help="Only the last N lines of each block.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="Only lines of this level or above.")
@options.written_as
@options.colour
def logs(run: int, block: str | None, number: int | None, tail: int | None, level: str | None, as_json: bool) -> None:
    """Show what the blocks of RUN wrote, or one BLOCK of it.

    Each line has its time, its level and where it was written: stdout, stderr, log (Python's logging), or headrace.
    """
    from headrace.cli import runs_logs

    levels = LEVELS[LEVELS.index(level) :] if level else None
    with home.opened() as app:
        runs_logs.write(app, run, block, number, tail, levels, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@click.argument("block")
@click.argument("name", required=False)
@click.option(
    "--rows", metavar="N", type=click.IntRange(0, 1_000_000), default=10, show_default=True, help="The first N rows."
)
@options.written_as
@options.colour
def output(run: int, block: str, name: str | None, rows: int, as_json: bool) -> None:
    """Show what BLOCK left behind in RUN: kind, size, columns and the first rows.

    A block that returned several values has an output for each; NAME chooses one.
    """
    from headrace.cli import runs_output

    with home.opened() as app:
        runs_output.write(app, run, block, name, rows, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.written_as
@options.colour
def why(run: int, as_json: bool) -> None:
    """Say why RUN and its blocks wait, and what for; or, once it has ended, why it ended as it did."""
    from headrace.cli import runs_why

    with home.opened() as app:
        runs_why.write(app, run, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.colour
def cancel(run: int) -> None:
    """Ask for RUN to be cancelled. The engine that moves it stops its blocks, and ends it when they are gone."""
    from headrace.cli import runs_cancel

    with home.opened() as app:
        runs_cancel.cancel(app, run)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@click.option(
    "--from", "start", metavar="BLOCK", help="Run this block again and all below it, and what did not complete."
)
@click.option("--all", "whole", is_flag=True, help="Run all of it again.")
@click.option(
    "--code",
    type=click.Choice(["same", "latest"]),
    default="same",
    show_default=True,
    help="The code that the run has had, or that of the project folder as it is now.",
)
@click.option("--detach", is_flag=True, help="Leave it to an engine.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing until the closing table.")
@options.colour
def retry(run: int, start: str | None, whole: bool, code: str, detach: bool, quiet: bool) -> int:
    """Run again, in the same RUN, what did not complete; the outputs of all else are used again.

    Earlier attempts stay, with their logs. A run that no engine moves any more goes on from where it was left.
    """
    if start and whole:
        raise click.UsageError("--from and --all cannot be given together.")
    from headrace.cli import run as running
    from headrace.operations.asking import Again

    asked = Again(run, start, whole, latest=code == "latest")
    if not detach:
        return running.begin(asked, quiet)
    from headrace.cli import retries

    retries.leave(asked, settings.load(os.environ))
    return exits.COMPLETED
