"""`headrace engine`: an engine that takes up the runs of a home or a database, until it is ended.

The executor is made before what the engine needs is imported, as in `run`.
"""

import os
from pathlib import Path

import click

from headrace import app, settings
from headrace.cli import home, options

EPILOG = """\
\b
The first Ctrl-C or SIGTERM ends it in peace: it takes nothing more, begins no further block, waits
for the blocks that run, at most --grace seconds, and leaves its runs to other engines (or to itself,
when it is started again). The second one ends it at once.
Exit codes: 0 ended as it was asked, 2 another engine runs in this home, 130 and 143 ended at once.

\b
A home with SQLite has one engine; `headrace run` may go on beside it. With PostgreSQL
(HEADRACE_DATABASE=postgresql://…) any number of engines share the runs."""


@click.command(context_settings=options.CONTEXT, epilog=EPILOG, short_help="Run an engine.")
@click.argument("projects", metavar="[PROJECT]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="How long blocks that run may go on once it is asked to end.",
)
@click.option("-q", "--quiet", is_flag=True, help="Do not tell which runs begin and end.")
@options.colour
def engine(projects: tuple[Path, ...], grace: float, quiet: bool) -> int:
    """Run an engine: it takes up the runs that wait, and moves them to their end; it fires triggers and backfills.

    The triggers.yaml files of each PROJECT are read from now on, as those of every project that has run before.
    """
    home.refuse_server()
    chosen = settings.load(os.environ)
    executor = app.make_executor(chosen)
    from headrace.cli import serving

    return serving.serve(chosen, executor, projects, grace, quiet=quiet)
