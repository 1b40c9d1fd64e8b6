"""What `headrace runs cancel` does and says."""

import click

from headrace import errors
from headrace.app import App
from headrace.cli import leaving, paths
from headrace.operations import cancelling, engines, runs


def cancel(app: App, run: int) -> None:
    """Asks for it. RunFinal for a run that has ended."""
    if cancelling.ask(app, run) is None:
        raise errors.RunFinal(run=run, status=runs.get(app, run).status)
    click.echo(f"Run {run} is asked to be cancelled; {paths.command('runs', 'why', run)} tells what is being stopped.")
    if runs.get(app, run).owner not in engines.living(app):
        leaving.hint(app)
