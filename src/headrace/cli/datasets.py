"""`headrace datasets`: named tables with versions, which steps read and write.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from pathlib import Path

import click

from headrace.cli import options
from headrace.cli.lazy import LazyGroup
from headrace.model.dataset import WriteMode

COMMANDS = {
    "list": ("headrace.cli.datasets:list_", "List datasets, with the newest version of each."),
    "show": ("headrace.cli.datasets:show", "Show a dataset: what it is made of, and what made it."),
    "history": ("headrace.cli.datasets:history", "List the versions of a dataset."),
    "head": ("headrace.cli.datasets:head", "Show the first rows of a dataset."),
    "write": ("headrace.cli.datasets:write", "Write files into a dataset."),
    "restart": ("headrace.cli.datasets:restart", "Begin a dataset anew whose table is lost."),
}

EPILOG = """\
\b
Examples:
  headrace datasets list
  headrace datasets history daily_sales
  headrace datasets head daily_sales -n 5
  headrace datasets head daily_sales --version 3 -o json
  headrace datasets write stores stores.parquet
  headrace datasets write orders january.parquet --mode append

\b
Steps of SQL write them; docs/guides/datasets.md has more."""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def datasets() -> None:
    """Look at datasets, named tables of which each write makes a version, and write them."""


@click.command("list", context_settings=options.CONTEXT)
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@click.option("--after", metavar="NAME", default="", help="Only those after this name: the next page of a list.")
@options.written_as
@options.colour
def list_(limit: int, after: str, as_json: bool) -> None:
    """List datasets by name, with the newest version of each."""
    from headrace.cli import datasets_list, places

    with places.opened() as place:
        datasets_list.write(place, limit, after, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("name", metavar="DATASET")
@options.written_as
@options.colour
def show(name: str, as_json: bool) -> None:
    """Show a dataset: where it lies, its columns, and what made its newest version."""
    from headrace.cli import datasets_show, places

    with places.opened() as place:
        datasets_show.write(place, name, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("name", metavar="DATASET")
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
@click.option("--before", metavar="VERSION", type=int, help="Only those below this one: the next page of a list.")
@options.written_as
@options.colour
def history(name: str, limit: int, before: int | None, as_json: bool) -> None:
    """List the versions of a dataset, the newest first, with the run that made each."""
    from headrace.cli import datasets_history, places

    with places.opened() as place:
        datasets_history.write(place, name, limit, before, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("name", metavar="DATASET")
@click.option("--version", metavar="VERSION", type=click.IntRange(0), help="As it was then, and not as it is now.")
@click.option(
    "-n", "--rows", metavar="N", type=click.IntRange(1, 10_000), default=10, show_default=True, help="At most so many."
)
@options.written_as
@options.colour
def head(name: str, version: int | None, rows: int, as_json: bool) -> None:
    """Show the first rows of a dataset."""
    from headrace.cli import datasets_head, places

    with places.opened() as place:
        datasets_head.write(place, name, version, rows, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("name", metavar="DATASET")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in WriteMode]),
    default=WriteMode.REPLACE.value,
    show_default=True,
    help="What becomes of the rows that are there: replaced by the new ones, kept beside them, or only those replaced "
    "that have the key of a new one.",
)
@click.option("--key", "keys", metavar="COLUMN", multiple=True, help="Of an upsert: what tells rows apart.")
@click.option("--description", metavar="TEXT", default="", help="Of a dataset that is new.")
@options.written_as
@options.colour
def write(
    name: str, files: tuple[Path, ...], mode: str, keys: tuple[str, ...], description: str, as_json: bool
) -> None:
    """Write the rows of Parquet files into a dataset of this home, in one version. It is made if there is none."""
    from headrace.cli import datasets_show, deeds, home, places
    from headrace.operations import datasets as operations

    if bool(keys) != (mode == WriteMode.UPSERT):
        raise click.UsageError("--key is given with --mode upsert, and only with that.")
    with home.opened() as app:
        done = operations.write_files(app, name, files, WriteMode(mode), keys, description)
        deeds.note(app)
        if done.found:
            click.echo(f"Version {done.version} had these rows: who wrote them was interrupted.", err=True)
        datasets_show.write(places.here(app), name, as_json=as_json)
        operations.told(app, done)


@click.command(context_settings=options.CONTEXT)
@click.argument("name", metavar="DATASET")
@options.written_as
@options.colour
def restart(name: str, as_json: bool) -> None:
    """Begin DATASET anew, whose table is lost and cannot be put back.

    It is empty then. Its history stays, and the numbers of its versions go on. Where its table is there nothing is done.
    """
    from headrace.cli import datasets_show, places

    with places.opened() as place:
        place.datasets.restart(name)
        datasets_show.write(place, name, as_json=as_json)
