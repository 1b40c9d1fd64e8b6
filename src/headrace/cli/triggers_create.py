"""What `headrace triggers create` does and says."""

from pathlib import Path

import click

from headrace.cli import leaving, occasions, out, tables, triggers_show
from headrace.cli.places import Place
from headrace.model.trigger import Definition, Trigger
from headrace.operations import documents, triggers


def create(place: Place, folder: Path, pipeline: str, definition: Definition, *, active: bool, as_json: bool) -> None:
    trigger = place.triggers.create(folder, pipeline, definition, active=active)
    shown = place.triggers.show(trigger)
    if as_json:
        click.echo(documents.written(triggers_show.document(shown)))
    else:
        name = click.style(tables.bare(definition.name), bold=True)
        click.echo(f"Made trigger {trigger.id}, {name} of {tables.bare(shown.pipeline)}.")
        tell(trigger)
    if active:
        leaving.hint(place, "fire it")


def tell(trigger: Trigger) -> None:
    """What comes of it now, and its next fire times where there are several."""
    upcoming = triggers.upcoming(trigger, triggers.UPCOMING)
    click.echo(occasions.ahead(trigger, upcoming))
    if len(upcoming) > 1:
        click.echo(f"\n{occasions.table(upcoming, trigger.definition.zone, out.width())}")
