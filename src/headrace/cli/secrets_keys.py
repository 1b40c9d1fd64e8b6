"""What `headrace secrets rotate-key` does and says."""

import click

from headrace.app import App
from headrace.cli import exits, quantities
from headrace.operations import keys
from headrace.operations.keys import Rotated


def rotate(app: App) -> int:
    """The exit code."""
    done = keys.rotate(app)
    click.echo(f"The key {done.key} seals from now on; {quantities.counted(done.resealed, 'row')} sealed with it anew.")
    if done.former:
        click.echo(_of_former(done))
    for each in done.lost:
        exits.complain(f"Not opened, and left as it is: {each}.")
    return exits.FAILED if done.lost else exits.COMPLETED


def _of_former(done: Rotated) -> str:
    named = f"{'The keys' if len(done.former) > 1 else 'The key'} {', '.join(done.former)}"
    if done.managed:
        return f"{named} opened what was sealed before, and went."
    return f"{named} opened what was sealed before: nothing needs it any more, and HEADRACE_KEY may do without."
