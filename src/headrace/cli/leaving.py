"""A run is left to an engine: its number is printed, and where nobody would take it up, that is said."""

import click

from headrace.app import App
from headrace.cli import exits, places
from headrace.cli.places import Place
from headrace.operations import starting
from headrace.operations.asking import Checked
from headrace.settings import Settings


def start(checked: Checked, settings: Settings) -> None:
    """The run exists once this returns."""
    with App(settings) as app:
        created = starting.create(app, checked)
        click.echo(created.run.id)
        hint(places.here(app))


def hint(place: Place, deed: str = "take it up") -> None:
    """Says so where no engine runs that would do what is left to one."""
    if not place.engines.any_takes():
        exits.complain(f"No engine runs that would {deed}: start one with `headrace engine`.")
