"""What `headrace runs cancel` does and says."""

import click

from headrace.cli import leaving, paths
from headrace.cli.places import Place


def cancel(place: Place, run: int) -> None:
    """Asks for it. RunFinal for a run that has ended."""
    moved = place.runs.cancel(run)
    click.echo(f"Run {run} is asked to be cancelled; {paths.command('runs', 'why', run)} tells what is being stopped.")
    if not moved:
        leaving.hint(place)
