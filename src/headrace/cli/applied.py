"""What `headrace apply` does and says."""

from pathlib import Path

import click

from headrace.cli.places import Place
from headrace.operations import definitions, documents
from headrace.operations.applying import Applied, Deed


def write(place: Place, file: Path, *, dry: bool, as_json: bool) -> None:
    """One line a pipeline; or with `as_json` one document for all. BadDefinition; those before it have been applied."""
    found: list[Applied] = []
    for each in definitions.read(file):
        found.append(place.pipelines.apply(each, dry=dry))
        if not as_json:
            click.echo(line(found[-1], dry=dry))
    if as_json:
        click.echo(documents.written({"pipelines": [documents.applied(each) for each in found]}))


def line(applied: Applied, *, dry: bool) -> str:
    """sales would be changed: step clean changed"""
    done = f"would be {applied.deed}" if dry and applied.deed is not Deed.UNCHANGED else applied.deed.value
    changes = f": {', '.join(applied.changes)}" if applied.changes else ""
    version = f" (version {applied.version[:12]})" if applied.version and applied.deed is not Deed.UNCHANGED else ""
    return f"{applied.pipeline} {done}{changes}{version}"
