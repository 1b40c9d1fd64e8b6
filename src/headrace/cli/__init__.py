"""The command `headrace`: one file for each noun, imported when its turn comes."""

import sys

import click

from headrace import version
from headrace.cli import exits, garbage, options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "init": ("headrace.cli.init:init", "Make a new project with a working pipeline."),
    "run": ("headrace.cli.run:run", "Run a pipeline, or go on with a run that did not complete."),
    "runs": ("headrace.cli.runs:runs", "Look at runs, ask why they wait, cancel and retry them."),
    "triggers": ("headrace.cli.triggers:triggers", "Have runs begin by time, on calls and on events."),
    "backfill": ("headrace.cli.backfill:backfill", "Run a pipeline for a range of dates."),
    "events": ("headrace.cli.events:events", "Post events that triggers begin runs for, and look at them."),
    "datasets": ("headrace.cli.datasets:datasets", "Look at datasets: what is in them, and what wrote them."),
    "secrets": ("headrace.cli.secrets:secrets", "Keep passwords and keys for blocks: set, list, delete."),
    "serve": ("headrace.cli.serve:serve", "Run a server: an engine, and the API to ask about its runs."),
    "token": ("headrace.cli.token:token", "Make, list and revoke the tokens that let programs into a server."),
    "users": ("headrace.cli.users:users", "Keep the users of a server: who may log in, and what they may do."),
    "audit": ("headrace.cli.audit:audit", "Look at who did what."),
    "engine": ("headrace.cli.engine:engine", "Run an engine: it takes up the runs that wait, until it is ended."),
    "drain": ("headrace.cli.drain:drain", "Have engines begin nothing more, and leave their runs to others."),
    "pipelines": ("headrace.cli.pipelines:pipelines", "Look at the pipelines of a project: list, show."),
    "apply": ("headrace.cli.apply:apply", "Have pipelines of SQL steps be as a file defines them."),
    "clean": ("headrace.cli.clean:clean", "Have runs, outputs and logs go that have become old."),
    "db": ("headrace.cli.db:db", "Look at the database and bring it up to date."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=exits.EPILOG)
@click.version_option(version.__version__, "--version", prog_name="headrace", message="%(prog)s %(version)s")
@click.option(
    "--url", metavar="URL", envvar="HEADRACE_URL", help="Ask this server, and not the home here (HEADRACE_URL)."
)
@options.colour
@click.pass_context
def headrace(context: click.Context, url: str | None) -> None:
    """Runs data pipelines; every run is kept, and every question about it answered.

    \b
    Begin here:
      headrace init mill
      headrace run mill mill_stream
      headrace runs list
    """
    context.obj = url


def main() -> None:
    """The entry point: leaves with an exit code that tells how it went."""
    garbage.wait()
    sys.exit(exits.outcome(headrace))
