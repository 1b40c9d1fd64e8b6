"""`headrace events`: what has happened that triggers may begin runs for.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from typing import BinaryIO

import click

from headrace.cli import options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "post": ("headrace.cli.events:post", "Post an event, for the triggers that ask for it."),
    "list": ("headrace.cli.events:list_", "List events, with how many runs each has begun."),
}

EPILOG = """\
\b
Examples:
  echo '{"kind": "order", "region": "eu"}' | headrace events post
  headrace events post order.json --key order-17
  headrace events list -n 50

\b
An engine (headrace engine) begins the runs; docs/guides/events.md has more."""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def events() -> None:
    """Post events, and look at what has happened: events posted, files that came, pipelines that ended."""


@click.command(context_settings=options.CONTEXT)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--key", metavar="KEY", help="A name for the event: posted again with it, it is the same event.")
@options.colour
def post(file: BinaryIO, key: str | None) -> None:
    """Post the JSON object in FILE, or on stdin, and print the event's uid.

    Every active trigger with a rule that it fits begins one run, which is told of it as kwargs['event'].
    """
    from headrace.cli import events_post, places

    with places.opened() as place:
        events_post.post(place, file, key)


@click.command("list", context_settings=options.CONTEXT)
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
@click.option("--before", metavar="EVENT", type=int, help="Only those older than this one: the next page of a list.")
@options.written_as
@options.colour
def list_(limit: int, before: int | None, as_json: bool) -> None:
    """List what has happened, the newest first, with how many runs each has begun."""
    from headrace.cli import events_list, places

    with places.opened() as place:
        events_list.write(place, limit, before, as_json=as_json)
