"""What `headrace datasets head` says."""

import click

from headrace.cli import out, runs_output
from headrace.cli.places import Place
from headrace.operations import documents


def write(place: Place, name: str, version: int | None, rows: int, *, as_json: bool) -> None:
    head = place.datasets.head(name, version, rows)
    if as_json:
        click.echo(documents.written({"columns": head.columns, "rows": head.rows}))
    elif head.rows:
        click.echo(runs_output.table(head.columns, head.rows, out.width()))
    else:
        click.echo("It has no rows.")
