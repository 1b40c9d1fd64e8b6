"""What `headrace triggers run` does and says."""

import click

from headrace.app import App
from headrace.cli import exits, leaving, paths
from headrace.engine.calls import Call
from headrace.model.trigger import Trigger
from headrace.operations import triggers


def run(app: App, trigger: Trigger, call: Call) -> None:
    """The run exists once this returns; an engine takes it up."""
    run = triggers.run(app, trigger, call).run
    click.echo(run.id)
    if run.held:
        exits.complain(f"Its trigger is paused: it waits until {paths.command('triggers', 'resume', trigger.id)}.")
    else:
        leaving.hint(app)
