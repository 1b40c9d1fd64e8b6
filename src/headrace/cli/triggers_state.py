"""What `headrace triggers pause`, `resume`, `delete` and `rotate` do and say."""

import click

from headrace.cli import leaving, tables, triggers_create, triggers_show
from headrace.cli.places import Place
from headrace.model.trigger import Trigger
from headrace.operations import documents


def pause(place: Place, trigger: Trigger, *, as_json: bool) -> None:
    paused = place.triggers.pause(trigger)
    if as_json:
        _document(place, paused)
    else:
        click.echo(f"Paused {_named(trigger)}. Its runs that have not begun wait, and what has begun goes on.")


def resume(place: Place, trigger: Trigger, *, as_json: bool) -> None:
    resumed = place.triggers.resume(trigger)
    if as_json:
        _document(place, resumed)
    else:
        click.echo(f"Resumed {_named(trigger)}.")
        triggers_create.tell(resumed)
    leaving.hint(place, "fire it")


def delete(place: Place, trigger: Trigger) -> None:
    place.triggers.delete(trigger)
    click.echo(f"Deleted {_named(trigger)}. The runs it has begun stay; those that had not started are cancelled.")


def rotate(place: Place, trigger: Trigger) -> None:
    click.echo(place.triggers.rotate(trigger))


def _named(trigger: Trigger) -> str:
    return f"trigger {trigger.id}, {tables.bare(trigger.definition.name)}"


def _document(place: Place, trigger: Trigger) -> None:
    click.echo(documents.written(triggers_show.document(place.triggers.show(trigger))))
