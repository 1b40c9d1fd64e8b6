"""What `headrace pipelines` says of the pipelines that were found in a project."""

from pathlib import Path

import click

from headrace.cli import drawing, out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.operations.pipelines import Found


def write_all(place: Place, project: Path, *, as_json: bool) -> None:
    found = place.pipelines.listed(project)
    if as_json:
        click.echo(documents.written([documents.found(each) for each in found]))
    elif not found:
        click.echo("The project has no pipelines yet.")
    else:
        columns = (Column("pipeline"), Column("blocks", right=True), Column("description", cuts=True))
        click.echo(tables.render(columns, [_row(each) for each in found], out.width()))
        for each in found:
            _tell(each)


def write(place: Place, project: Path, pipeline: str, *, as_json: bool) -> None:
    found = place.pipelines.shown(project, pipeline)
    assert found.pipeline is not None  # noqa: S101 - one that could not be read raised
    if as_json:
        click.echo(documents.written(documents.pipeline(found.pipeline, found.refused)))
        return
    click.echo(drawing.pipeline(found.pipeline, out.width()))
    _tell(found)


def _row(found: Found) -> tuple[str, str, str]:
    if found.pipeline is None:
        return click.style(tables.bare(found.name), fg="red"), "", "cannot be read"
    return (
        tables.bare(found.name),
        quantities.count(len(found.pipeline.blocks)),
        tables.bare(found.pipeline.description),
    )


def _tell(found: Found) -> None:
    """What is wrong with it."""
    name = tables.bare(found.name)
    if found.error or found.refused:
        click.echo(f"\n{click.style('✗', fg='red')} {name}: {tables.bare(found.error or found.refused or '')}")
    if found.pipeline and found.pipeline.warnings:
        click.echo(
            f"\n{click.style('!', fg='yellow')} {name}: {quantities.counted(len(found.pipeline.warnings), 'warning')}"
        )
        for warning in found.pipeline.warnings:
            click.echo(f"  {tables.bare(warning)}")
