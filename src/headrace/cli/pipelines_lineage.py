"""What `headrace pipelines lineage` says."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from headrace.cli import out, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents

Step = Mapping[str, Any]

_STEPS = (Column("step", always=True), Column("reads", cuts=True), Column("writes", cuts=True))
_COLUMNS = (Column("column", cuts=True, always=True), Column("is made of", cuts=True), Column("by", cuts=True))


def write(place: Place, project: Path, pipeline: str, *, columns: bool, as_json: bool) -> None:
    found = place.pipelines.lineage(project, pipeline)
    steps: list[Step] = found["steps"]
    if as_json:
        click.echo(documents.written(found))
    elif not steps:
        click.echo("The pipeline has no steps that write datasets.")
    elif columns:
        _write_columns(steps)
    else:
        click.echo(tables.render(_STEPS, [_step(each) for each in steps], out.width()))


def _write_columns(steps: Iterable[Step]) -> None:
    rows = [row for each in steps for row in _columns(each)]
    if rows:
        click.echo(tables.render(_COLUMNS, rows, out.width()))
    for each in steps:
        if each["why"]:
            named = tables.bare(f"{each['block']}: its columns cannot be told: {each['why']}")
            click.echo(f"{click.style('!', fg='yellow')} {named}")


def _step(step: Step) -> tuple[str, ...]:
    return tables.bare(step["block"]), _names(step["reads"]), _names(step["writes"])


def _columns(step: Step) -> Iterator[tuple[str, ...]]:
    for column in step["columns"] or ():
        made_of = (f"{each['dataset']}.{each['column']}" for each in column["from"])
        written = f"{', '.join(step['writes'])}.{column['name']}"
        yield tables.bare(written), _names(made_of), tables.bare(step["block"])


def _names(names: Iterable[str]) -> str:
    return tables.bare(", ".join(names))
