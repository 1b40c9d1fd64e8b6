"""What `headrace triggers next` says."""

from datetime import datetime

import click

from headrace import clock
from headrace.cli import exits, occasions, out
from headrace.model import firing
from headrace.model.trigger import Definition, Trigger
from headrace.operations import documents, triggers


def write_trigger(trigger: Trigger, count: int, after: datetime | None, *, as_json: bool) -> None:
    """Of one that is paused, as if it were not."""
    if not trigger.active:
        exits.complain("It is paused: it would fire then if it were not.")
    upcoming = triggers.upcoming(trigger, count) if trigger.active and after is None else None
    if upcoming is None:
        upcoming = firing.preview(trigger.definition, after or clock.now(), count)
    _write(upcoming, trigger.definition, as_json=as_json)


def write(definition: Definition, count: int, after: datetime | None, *, as_json: bool) -> None:
    """Of a trigger that nobody has made yet."""
    _write(firing.preview(definition, after or clock.now(), count), definition, as_json=as_json)


def _write(upcoming: list[datetime], definition: Definition, *, as_json: bool) -> None:
    if as_json:
        rows = documents.fire_times(upcoming, definition.zone)
        click.echo(documents.written(rows))
    elif upcoming:
        click.echo(occasions.table(upcoming, definition.zone, out.width()))
    else:
        click.echo("It has no fire times to come.")
