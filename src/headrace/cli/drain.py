"""`headrace drain`: engines begin nothing more, and leave what they have to others.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

import click

from headrace.cli import options

EPILOG = """\
\b
A drained engine claims no run and begins no block; those that run go on to their end, and then it is
an engine no more, and its runs are for others. A server goes on answering, until it is ended.
Exit codes: 0 as it was asked, 1 something was still under way when the time was over, 2 no such engine."""


@click.command(context_settings=options.CONTEXT, epilog=EPILOG)
@click.argument("engines", metavar="[ENGINE]...", nargs=-1)
@click.option(
    "--wait", metavar="SECONDS", type=click.FloatRange(0), help="Wait at most so long until nothing of them is left."
)
@options.colour
def drain(engines: tuple[str, ...], wait: float | None) -> int:
    """Have every ENGINE begin nothing more; all there are, unless some are named."""
    from headrace.cli import drained, places

    with places.opened() as place:
        return drained.drain(place, engines, wait)
