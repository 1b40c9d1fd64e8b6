"""What `headrace triggers run` does and says."""

import click

from headrace.cli import exits, leaving, paths
from headrace.cli.places import Place
from headrace.engine.calls import Call
from headrace.model.trigger import Trigger


def run(place: Place, trigger: Trigger, call: Call) -> None:
    """The run exists once this returns; an engine takes it up."""
    run = place.triggers.run(trigger, call)
    click.echo(run.id)
    if run.held:
        exits.complain(f"Its trigger is paused: it waits until {paths.command('triggers', 'resume', trigger.id)}.")
    else:
        leaving.hint(place)
