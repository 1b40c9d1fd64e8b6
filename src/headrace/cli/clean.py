"""`headrace clean`: what has become old goes."""

import click

from headrace.cli import options


@click.command(context_settings=options.CONTEXT)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@options.written_as
@options.colour
def clean(dry_run: bool, as_json: bool) -> int:
    """Have runs, outputs and logs go that have become old, as an engine does by itself every hour.

    How long they are kept is set by keep_runs_days, keep_runs, keep_failed_days, keep_failed,
    keep_outputs_days and keep_logs_days. Exit code 1 if something could not be cleaned.
    """
    from headrace.cli import cleaned, places

    with places.opened() as place:
        return cleaned.write(place, dry=dry_run, as_json=as_json)
