"""`headrace apply`: pipelines of SQL steps, as a file defines them.

What the command needs to answer is imported when it is called, so that its help is there at once.
"""

from pathlib import Path

import click

from headrace.cli import options

EPILOG = """\
\b
Example of a FILE:
  name: sales
  steps:
  - name: clean
    query: select * from orders where amount > 0
    output_datasets: [clean_orders]

\b
Then:
  headrace apply sales.yaml --dry-run
  headrace apply sales.yaml
  headrace run ~/.headrace/authored sales

docs/guides/truestate.md has more."""


@click.command(context_settings=options.CONTEXT, epilog=EPILOG)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@options.written_as
@options.colour
def apply(file: Path, dry_run: bool, as_json: bool) -> None:
    """Have the pipelines of FILE, in YAML or JSON, be as they are defined there.

    Those that are not there are made, those that are otherwise are changed, and the others stay: done twice it does the
    same as done once. They lie in the project `authored` of the home.
    """
    from headrace.cli import applied, places

    with places.opened() as place:
        applied.write(place, file, dry=dry_run, as_json=as_json)
