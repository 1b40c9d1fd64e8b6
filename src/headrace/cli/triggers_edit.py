"""What `headrace triggers edit` does and says."""

import json
from collections.abc import Mapping
from typing import Any

import click

from headrace.cli import tables, triggers_create, triggers_show
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model import difference
from headrace.model.difference import FieldChange
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import documents

_COLUMNS = (Column("field"), Column("before", cuts=True, always=True), Column("after", cuts=True, always=True))


def edit(place: Place, before: Trigger, definition: Definition, *, as_json: bool) -> None:
    """Defines it so; where that is how it is, nothing is written."""
    changes = difference.changes(before.definition, definition)
    after = place.triggers.change(before, definition) if changes else before
    if as_json:
        click.echo(documents.written(triggers_show.document(place.triggers.show(after))))
        return
    name = click.style(tables.bare(definition.name), bold=True)
    if not changes:
        click.echo(f"Trigger {after.id}, {name}, is so already; nothing was changed.")
        return
    before_it = " No run begins by that; what was due before was dealt with as it was." if _fires(before) else ""
    click.echo(f"Changed trigger {after.id}, {name}.{before_it}\n")
    click.echo(f"{table(changes)}\n")
    triggers_create.tell(after)


def table(changes: tuple[FieldChange, ...]) -> str:
    """A line for each field: as it was, and as it is."""
    return tables.render(_COLUMNS, [(tables.bare(each.field), *values(each)) for each in changes])


def values(change: FieldChange) -> tuple[str, str]:
    """Before and after, what looks secret masked."""
    return _value(change.field, change.before), _value(change.field, change.after)


def _fires(trigger: Trigger) -> bool:
    return trigger.active and trigger.definition.type is TriggerType.TIME


def _value(field: str, value: Any) -> str:
    if value in (None, "", ()):
        return "–"
    name = field.removeprefix("variables.")
    if name != field:
        value = documents.masked({name: value})[name]
    if isinstance(value, str):
        return tables.bare(value)
    plain = documents.plain(value)
    return tables.bare(plain if isinstance(plain, str) else json.dumps(_short(plain), ensure_ascii=False, default=str))


def _short(value: Any) -> Any:
    """Without what is empty."""
    if isinstance(value, Mapping):
        return {name: _short(inner) for name, inner in value.items() if inner not in ({}, [], "")}  # pyright: ignore[reportUnknownVariableType]
    return [_short(inner) for inner in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
