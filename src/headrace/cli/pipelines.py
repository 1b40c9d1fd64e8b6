"""`headrace pipelines`: the pipelines of a project.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from pathlib import Path

import click

from headrace.cli import options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("headrace.cli.pipelines:list_", "List the pipelines of a project."),
    "lineage": ("headrace.cli.pipelines:lineage", "Show which datasets, and columns, come from which."),
    "show": ("headrace.cli.pipelines:show", "Show one pipeline: its graph and its blocks."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT)
@options.colour
def pipelines() -> None:
    """Look at the pipelines of a project, as they are written. Nothing is run."""


@click.command("list", context_settings=options.CONTEXT)
@click.argument("project", type=options.FOLDER)
@options.written_as
@options.colour
def list_(project: Path, as_json: bool) -> None:
    """List the pipelines in the folder PROJECT; one that cannot be read hides no other."""
    from headrace.cli import findings, places

    with places.written() as place:
        findings.write_all(place, project, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("project", type=options.FOLDER)
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
    from headrace.cli import findings, places

    with places.written() as place:
        findings.write(place, project, pipeline, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("project", type=options.FOLDER)
@click.argument("pipeline")
@click.option("--columns", is_flag=True, help="Of each column that is written: which columns it is made of.")
@options.written_as
@options.colour
def lineage(project: Path, pipeline: str, columns: bool, as_json: bool) -> None:
    """Show which datasets the steps of PIPELINE read and write, as it is written in the folder PROJECT.

    What rows are chosen, joined or grouped by is not told of. In JSON the columns are always there.
    """
    from headrace.cli import pipelines_lineage, places

    with places.opened() as place:
        pipelines_lineage.write(place, project, pipeline, columns=columns, as_json=as_json)
