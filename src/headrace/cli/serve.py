"""`headrace serve`: the engine, what begins by itself, and HTTP, in one command.

The socket is bound first, so that a port that is taken is told at once; the executor is made before what the server needs
is imported, as in `run`.
"""

import os
from dataclasses import replace
from pathlib import Path

import click

from headrace import app, settings
from headrace.cli import home, options

EPILOG = """\
\b
A browser is let in by the link that is printed: it is good once, for ten minutes. Programs show a token:
  headrace token create ci --role editor
  curl -H "Authorization: Bearer TOKEN" http://127.0.0.1:6789/v1/runs
HEADRACE_BOOTSTRAP_TOKEN sets an administrator's token, for automation. Beyond this machine
(--host 0.0.0.0) it does not listen before there is a token.

\b
The first Ctrl-C or SIGTERM ends it in peace, as `headrace engine`; the second one at once.
Exit codes: 0 ended as it was asked, 2 the port is taken or another engine runs in this home,
130 and 143 ended at once."""


@click.command(context_settings=options.CONTEXT, epilog=EPILOG, short_help="Run a server: an engine and its API.")
@click.argument("projects", metavar="[PROJECT]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--host", metavar="ADDRESS", help="Where to listen; 127.0.0.1 unless it is set (HEADRACE_HOST).")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), help="6789 unless it is set; 0 takes a free one."
)
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
def serve(projects: tuple[Path, ...], host: str | None, port: int | None, grace: float, quiet: bool) -> int:
    """Run a server: an engine that takes up and begins runs, as `headrace engine`, and the API to ask about them.

    The triggers.yaml files of each PROJECT are read from now on, as those of every project that has run before.
    """
    home.refuse_server()
    chosen = settings.load(os.environ)
    chosen = replace(chosen, host=host or chosen.host, port=chosen.port if port is None else port)
    executor = app.make_executor(chosen)
    from headrace.cli import serving

    return serving.serve_http(chosen, executor, projects, grace, quiet=quiet)
