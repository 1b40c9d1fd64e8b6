"""What `headrace triggers pause`, `resume`, `delete` and `rotate` do and say."""

import click

from headrace.app import App
from headrace.cli import leaving, tables, triggers_create, triggers_show
from headrace.model.trigger import Trigger
from headrace.operations import documents, triggers


def pause(app: App, trigger: Trigger, *, as_json: bool) -> None:
    paused = triggers.pause(app, trigger)
    if as_json:
        _document(app, paused)
    else:
        click.echo(f"Paused {_named(trigger)}. Its runs that have not begun wait, and what has begun goes on.")


def resume(app: App, trigger: Trigger, *, as_json: bool) -> None:
    resumed = triggers.resume(app, trigger)
    if as_json:
        _document(app, resumed)
    else:
        click.echo(f"Resumed {_named(trigger)}.")
        triggers_create.tell(resumed)
    leaving.hint(app, "fire it")


def delete(app: App, trigger: Trigger) -> None:
    triggers.delete(app, trigger)
    click.echo(f"Deleted {_named(trigger)}. The runs it has begun stay; those that had not started are cancelled.")


def rotate(app: App, trigger: Trigger) -> None:
    click.echo(triggers.rotate(app, trigger))


def _named(trigger: Trigger) -> str:
    return f"trigger {trigger.id}, {tables.bare(trigger.definition.name)}"


def _document(app: App, trigger: Trigger) -> None:
    click.echo(documents.written(triggers_show.document(triggers.show(app, trigger))))
