"""`headrace init`: a new project."""

from pathlib import Path

import click

from headrace.cli import home, options, paths


@click.command(context_settings=options.CONTEXT)
@click.argument("folder", metavar="DIR", type=options.FOLDER)
@options.colour
def init(folder: Path) -> None:
    """Make a new project in DIR, with a small pipeline that works.

    DIR must not be there yet, or be empty.
    """
    home.refuse_server()
    from headrace.operations import pipelines

    made = pipelines.create(folder)
    click.echo(f"Made the project {made.name} in {paths.near(folder)}:")
    for file in made.files:
        click.echo(f"  {file}")
    place = paths.near(folder)
    click.echo("\nRun its pipeline, then look at what it left behind:")
    for name in made.pipelines:
        click.echo(f"  {click.style(paths.command('run', place, name), bold=True)}")
        click.echo(f"  {paths.command('pipelines', 'show', place, name)}")
    click.echo(f"  {paths.command('runs', 'list')}")
