"""`headrace run`: runs a pipeline, or goes on with a run, and tells how it goes.

What was asked for is checked before anything else is done. The executor is made next, before `running` and all that
it needs is imported: so it has that time to get ready in its own process.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from headrace import app, settings
from headrace.cli import exits, home, options, tables, variables
from headrace.model.run import RunSettings
from headrace.operations import asking
from headrace.operations.asking import Again

EPILOG = """\
\b
Examples:
  headrace run examples/penguins species
  headrace run . orders --var day=2026-01-31 --var limit=100 --var 'tags=["a", "b"]'
  headrace run . orders --from clean_orders      (what is above it is not run again)
  headrace run . orders --only clean_orders --only report
  headrace run . orders --detach --key orders-2026-01-31
  headrace run --resume 12

\b
Values of --var that are JSON (3, true, null, "text", [1, 2], {"a": 1}) are taken as that, any
other as text. For the text 3 write --var 'n="3"'.

\b
With --detach the run is left to an engine (headrace engine), and its number is printed. With --key,
asking again for the same is asking for the same run: one that no engine moves goes on.

\b
Ctrl-C cancels the run and waits for its end; a second one leaves at once.
Exit codes: 0 completed, 1 failed, 2 bad usage or input (nothing was started),
3 cancelled by somebody else, 130 cancelled by Ctrl-C, 143 by SIGTERM."""


@click.command(context_settings=options.CONTEXT, epilog=EPILOG, short_help="Run a pipeline, or go on with a run.")
@click.argument("project", required=False, type=options.FOLDER)
@click.argument("pipeline", required=False)
@click.option("--var", "given", metavar="NAME=VALUE", multiple=True, help="A variable for this run; may be repeated.")
@click.option("--runtime-vars", "whole", metavar="JSON", help="Variables as one JSON object; --var goes over them.")
@click.option("--from", "start", metavar="BLOCK", help="Run this block and all below it, on earlier outputs.")
@click.option(
    "--only", metavar="BLOCK", multiple=True, help="Run only this block, on earlier outputs; may be repeated."
)
@click.option("--resume", metavar="RUN", type=int, help="Go on with this run: what had not completed runs again.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="The run fails unless it ends within so long after its start.",
)
@click.option("--key", metavar="KEY", help="A name for what is asked: asked again with it, it is the same run.")
@click.option("--detach", is_flag=True, help="Leave the run to an engine, print its number and end.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing until the closing table.")
@options.colour
def run(
    project: Path | None,
    pipeline: str | None,
    given: Sequence[str],
    whole: str | None,
    start: str | None,
    only: Sequence[str],
    resume: int | None,
    timeout: float | None,
    key: str | None,
    detach: bool,
    quiet: bool,
) -> int:
    """Run PIPELINE of the folder PROJECT, and tell how it goes. On a server (--url) PROJECT is a name that it knows.

    Every run is kept with its code, logs and outputs: `headrace runs` looks at them.
    """
    if resume is not None:
        _refuse_with_resume(project, given, whole, start, only, timeout, key, detach)
        return begin(Again(resume), quiet)
    if project is None or pipeline is None:
        raise click.UsageError("Name a project folder and a pipeline, or a run to go on with (--resume RUN).")
    if start and only:
        raise click.UsageError("--from and --only cannot be given together.")
    limit = RunSettings(timeout=timeout)
    asked = asking.Asked(project, pipeline, variables.parse(given, whole), start, _names(only), limit, key)
    if home.server():
        from headrace.cli import remote

        return remote.run(asked, detach=detach, quiet=quiet)
    checked = asking.check(asked)
    _warn(checked)
    return _leave(checked) if detach else begin(checked, quiet)


def _refuse_with_resume(*others: Any) -> None:
    if any(others):
        raise click.UsageError("--resume goes on with a run as it was asked for; it takes no other arguments.")


def _names(only: Sequence[str]) -> list[str]:
    """Blocks may also be given with commas between."""
    return [name.strip() for given in only for name in given.split(",") if name.strip()]


def begin(what: asking.Checked | Again, quiet: bool) -> int:
    """Begins it and follows it to its end; the exit code."""
    if home.server() and isinstance(what, Again):
        from headrace.cli import remote

        return remote.run(what, quiet=quiet)
    chosen = settings.load(os.environ)
    executor = app.make_executor(chosen)
    from headrace.cli import running

    return running.run(what, chosen, executor, quiet=quiet)


def _leave(checked: asking.Checked) -> int:
    from headrace.cli import leaving

    leaving.start(checked, settings.load(os.environ))
    return exits.COMPLETED


def _warn(checked: asking.Checked) -> None:
    for warning in checked.warnings:
        exits.complain(f"warning: {tables.bare(warning)}")
