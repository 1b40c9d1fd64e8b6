"""`headrace runs`: what has run, what is running and what waits; and what can be asked of it.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from datetime import datetime
from typing import Any

import click

from headrace.cli import exits, options, parameters
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
STATUSES = ("initial", "running", "completed", "failed", "cancelled")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

EPILOG = """\
\b
Examples:
  headrace runs list --pipeline orders --status failed --since 2026-01-31
  headrace runs show 12
  headrace runs logs 12 clean_orders --level WARNING
  headrace runs logs 12 --tail 20 --follow
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
@click.option("--after", metavar="CURSOR", help="What follows a list that ended there.")
@click.option("--project", metavar="NAME", help="Only runs of this project.")
@click.option("--pipeline", metavar="NAME", help="Only runs of pipelines of this name.")
@click.option("--trigger", metavar="TRIGGER", help="Only runs of this trigger: its number or name, or PIPELINE/NAME.")
@click.option("--backfill", metavar="BACKFILL", type=parameters.count, help="Only runs of this backfill.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(STATUSES),
    multiple=True,
    help="Only runs in this status; may be repeated.",
)
@click.option("--since", metavar="MOMENT", type=parameters.moment, help="Only runs made at this moment or later.")
@click.option("--until", metavar="MOMENT", type=parameters.moment, help="Only runs made before this moment.")
@click.option(
    "--var", "given", metavar="NAME=VALUE", multiple=True, help="Only runs with this variable; may be repeated."
)
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="Only runs whose trigger or pipeline has it; may be repeated."
)
@options.written_as
@options.colour
def list_(limit: int, after: str | None, as_json: bool, **filters: Any) -> None:
    """List runs, the newest first.

    Dates and moments are in ISO 8601, and in UTC without an offset.
    """
    from headrace.cli import places, runs_list

    with places.opened() as place:
        runs_list.write(place, runs_list.Filters(**filters), limit, after, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.written_as
@options.colour
def show(run: int, as_json: bool) -> None:
    """Show RUN: how each block went, every attempt, what failed and why, and all that happened."""
    from headrace.cli import places, runs_show

    with places.opened() as place:
        runs_show.write(place, run, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@click.argument("block", required=False)
@click.option("--attempt", "number", metavar="N", type=click.IntRange(1), help="Only these attempts; all otherwise.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="Only lines of this level or above.")
@click.option("--grep", "text", metavar="TEXT", type=parameters.text, help="Only lines with this text, in any case.")
@click.option("--since", metavar="MOMENT", type=parameters.moment, help="Only lines of this moment or later.")
@click.option("--until", metavar="MOMENT", type=parameters.moment, help="Only lines from before this moment.")
@click.option("--tail", metavar="N", type=click.IntRange(0), help="Only the last N of these lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written, until the run is final.")
@options.written_as
@options.colour
def logs(
    run: int,
    block: str | None,
    number: int | None,
    level: str | None,
    text: str | None,
    since: datetime | None,
    until: datetime | None,
    tail: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Show what the blocks of RUN wrote, or one BLOCK of it, with all their attempts, in the order of time.

    Each line has its time, its level and where it was written: stdout, stderr, log (Python's logging), or headrace.
    """
    from headrace.cli import places, runs_logs
    from headrace.cli.here.logs import Asked
    from headrace.operations import run_logs

    choice = run_logs.choice(level=level, text=text, since=since, until=until)
    with places.opened() as place:
        runs_logs.write(place, Asked(run, block, number, choice), tail, follow=follow, as_json=as_json)


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
    from headrace.cli import places, runs_output

    with places.opened() as place:
        runs_output.write(place, run, block, name, rows, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.written_as
@options.colour
def why(run: int, as_json: bool) -> None:
    """Say why RUN and its blocks wait, and what for; or, once it has ended, why it ended as it did."""
    from headrace.cli import places, runs_why

    with places.opened() as place:
        runs_why.write(place, run, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("run", type=int)
@options.colour
def cancel(run: int) -> None:
    """Ask for RUN to be cancelled. The engine that moves it stops its blocks, and ends it when they are gone."""
    from headrace.cli import places, runs_cancel

    with places.opened() as place:
        runs_cancel.cancel(place, run)


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
    from headrace.cli import places, retries

    with places.opened() as place:
        retries.leave(place, asked)
    return exits.COMPLETED
