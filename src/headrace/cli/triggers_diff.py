"""What `headrace triggers diff` says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from headrace.app import App
from headrace.cli import exits, tables, triggers_edit
from headrace.cli.tables import Column
from headrace.model.difference import Deed, Step
from headrace.operations import documents, trigger_files
from headrace.operations.trigger_files import Compared

_COLUMNS = (Column(""), Column(""), Column(""), Column("before", cuts=True), Column("after", cuts=True))
_COLOURS = {Deed.CREATE: "green", Deed.CHANGE: "yellow", Deed.ACTIVATE: "green", Deed.PAUSE: "yellow"}


def write(app: App, folder: Path, *, as_json: bool) -> int:
    """The exit code is that of diff: 1 when something would be done, or cannot be."""
    found = trigger_files.compare(app, folder)
    differs = any(not each.difference.nothing or each.faults for each in found)
    if as_json:
        click.echo(documents.written([_document(each) for each in found]))
    else:
        click.echo("\n\n".join("\n".join(_parts(each)) for each in found if _says(each)) or "Nothing would be done.")
    return exits.FAILED if differs else exits.COMPLETED


def _says(compared: Compared) -> bool:
    there = compared.faults or compared.warnings or compared.difference.unwritten
    return bool(there) or not compared.difference.nothing


def _document(compared: Compared) -> dict[str, Any]:
    faults = [{"file": each.file, "field": each.field, "why": each.why, "name": each.name} for each in compared.faults]
    steps = [_step(each) for each in compared.difference.steps if each.deed is not Deed.NOTHING]
    return {
        "pipeline": compared.pipeline,
        "file": compared.file,
        "steps": steps,
        "unwritten": compared.difference.unwritten,
        "faults": faults,
        "warnings": compared.warnings,
    }


def _step(step: Step) -> dict[str, Any]:
    changes = [
        {"field": each.field, "before": before, "after": after}
        for each in step.changes
        for before, after in [triggers_edit.values(each)]
    ]
    return {"name": step.name, "deed": step.deed, "changes": changes}


def _parts(compared: Compared) -> Iterator[str]:
    yield f"{click.style(tables.bare(compared.pipeline), bold=True)} ({tables.bare(compared.file)})"
    rows = [row for step in compared.difference.steps if step.deed is not Deed.NOTHING for row in _rows(step)]
    if rows:
        yield tables.render(_COLUMNS, rows)
    for name in compared.difference.unwritten:
        yield click.style(f"{tables.bare(name)} is in no file, and stays as it is", dim=True)
    for fault in compared.faults:
        yield click.style(f"✗ {tables.bare(str(fault))}", fg="red")
    for warning in compared.warnings:
        yield click.style(f"! {tables.bare(warning)}", fg="yellow")


def _rows(step: Step) -> Iterator[tuple[str, ...]]:
    deed, name = click.style(step.deed.value, fg=_COLOURS.get(step.deed)), tables.bare(step.name)
    if not step.changes:
        yield deed, name, "", "", ""
    for place, change in enumerate(step.changes):
        yield (*(("", "") if place else (deed, name)), tables.bare(change.field), *triggers_edit.values(change))
