"""`headrace audit`: who did what.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from typing import Any

import click

from headrace.cli import options, parameters
from headrace.cli.lazy import LazyGroup

COMMANDS = {"list": ("headrace.cli.audit:list_", "List what was done, and what was refused.")}

EPILOG = """\
\b
Examples:
  headrace audit list --who ada
  headrace audit list --run 17
  headrace audit list --outcome refused -o json"""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def audit() -> None:
    """Look at who changed something in a home or on a server, or wanted to."""


@click.command("list", context_settings=options.CONTEXT)
@click.option("--who", metavar="NAME", help="Of this user or token.")
@click.option("--deed", metavar="NOUN.VERB", help="Such as runs.cancel.")
@click.option("--run", "run_id", metavar="RUN", type=parameters.count, help="About this run.")
@click.option("--project", metavar="NAME", help="In this project.")
@click.option("--outcome", type=click.Choice(("ok", "refused", "failed")))
@click.option("--since", metavar="MOMENT", type=parameters.moment, help="No earlier than that.")
@click.option("--before", metavar="NUMBER", type=parameters.count, help="Older than the entry of this number.")
@click.option("-n", "--limit", metavar="N", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.written_as
@options.colour
def list_(before: int | None, limit: int, as_json: bool, **asked: Any) -> None:
    """List what was done, the newest first."""
    from headrace.cli import audit_list, places

    with places.opened() as place:
        audit_list.write(place, asked, limit, before, as_json=as_json)
