"""What `headrace backfill list` says."""

import click

from headrace.cli import marks, occasions, out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.store.backfills import PlacedBackfill

_COLUMNS = (
    Column("backfill", right=True),
    Column("name", cuts=True),
    Column("pipeline"),
    Column("project"),
    Column("from"),
    Column("to"),
    Column("status"),
    Column("runs", cuts=True),
)


def write(place: Place, limit: int, before: int | None, pipeline: str | None, *, as_json: bool) -> None:
    found = place.backfills.latest(limit, before=before, pipeline=pipeline)
    if as_json:
        rows = [documents.backfill(each.backfill, each.project, each.pipeline, each.counts) for each in found]
        click.echo(documents.written(rows))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each) for each in found], out.width()))
        if len(found) == limit and found[-1].backfill.id > 1:
            more = paths.command("backfill", "list", "--before", found[-1].backfill.id)
            click.echo(click.style(f"\nOlder ones: {more}", dim=True))
    elif before is None and pipeline is None:
        click.echo("There are no backfills yet. Plan one: headrace backfill plan PROJECT PIPELINE --start … --end …")
    else:
        click.echo("There are no such backfills.")


def _row(placed: PlacedBackfill) -> tuple[str, ...]:
    backfill = placed.backfill
    counts = [f"{count:,} {marks.word(status)}" for status, count in sorted(placed.counts.items())]
    to_make = len(backfill.dates or ()) - backfill.made
    return (
        str(backfill.id),
        tables.bare(backfill.name),
        tables.bare(placed.pipeline),
        tables.bare(placed.project),
        occasions.date(backfill.start_time),
        occasions.date(backfill.end_time),
        marks.status(marks.of_backfill(backfill)),
        ", ".join([*counts, *([f"{quantities.count(to_make)} to make"] if to_make else [])]),
    )
