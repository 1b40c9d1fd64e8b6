"""`headrace pipelines`: the pipelines of a project."""

from pathlib import Path

import click

from headrace.cli import documents, drawing, options, out, quantities, tables
from headrace.cli.lazy import LazyGroup
from headrace.cli.tables import Column
from headrace.operations import pipelines as operations
from headrace.operations.pipelines import Found

COMMANDS = {
    "list": ("headrace.cli.pipelines:list_", "List the pipelines of a project."),
    "show": ("headrace.cli.pipelines:show", "Show one pipeline: its graph and its blocks."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT)
@options.colour
def pipelines() -> None:
    """Look at the pipelines of a project, as they are written. Nothing is run."""


@click.command("list", context_settings=options.CONTEXT)
@click.argument("project", type=click.Path(path_type=Path))
@options.written_as
@options.colour
def list_(project: Path, as_json: bool) -> None:
    """List the pipelines in the folder PROJECT; one that cannot be read hides no other."""
    found = operations.listed(project)
    if as_json:
        click.echo(documents.written([documents.found(each) for each in found]))
    elif not found:
        click.echo("The project has no pipelines yet.")
    else:
        columns = (Column("pipeline"), Column("blocks", right=True), Column("description", cuts=True))
        click.echo(tables.render(columns, [_row(each) for each in found], out.width()))
        for each in found:
            _tell(each)


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


@click.command(context_settings=options.CONTEXT)
@click.argument("project", type=click.Path(path_type=Path))
@click.argument("pipeline")
@options.written_as
@options.colour
def show(project: Path, pipeline: str, as_json: bool) -> None:
    """Show PIPELINE of the folder PROJECT: its graph, its blocks and its variables.

    \b
    In the graph, each block is a dot below the blocks it reads:
      ├ ┤ ┼    a line that goes on to other blocks
      ╰ ╯ ┴    a line that ends here
      ─│─      a line passing another
    """
    found = operations.shown(project, pipeline)
    assert found.pipeline is not None  # noqa: S101 - one that could not be read raised
    if as_json:
        click.echo(documents.written(documents.pipeline(found.pipeline, found.refused)))
        return
    click.echo(drawing.pipeline(found.pipeline, out.width()))
    _tell(found)
