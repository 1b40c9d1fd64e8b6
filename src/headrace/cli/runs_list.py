"""`headrace runs list`."""

import click

from headrace import clock
from headrace.cli import documents, marks, options, out, paths, quantities, tables
from headrace.cli.runs import home
from headrace.cli.tables import Column
from headrace.model.run import RunStatus
from headrace.operations import resuming, runs
from headrace.store.runs import Listed

_COLUMNS = (
    Column("run", right=True),
    Column("pipeline"),
    Column("project"),
    Column("status"),
    Column("began"),
    Column("took", right=True),
    Column("", cuts=True),
)


@click.command("list", context_settings=options.CONTEXT)
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most so many.")
@click.option("--before", metavar="RUN", type=int, help="Only runs older than this one: the next page of a list.")
@click.option("--pipeline", metavar="NAME", help="Only runs of pipelines of this name.")
@options.written_as
@options.colour
def list_(limit: int, before: int | None, pipeline: str | None, as_json: bool) -> None:
    """List runs, the newest first."""
    with home() as app:
        found = runs.latest(app, limit, before=before, pipeline=pipeline)
        gone = {each.run.id: resuming.abandoned(app, each.run) for each in found}
    if as_json:
        rows = [documents.run(each.run, each.project, each.pipeline, abandoned=gone[each.run.id]) for each in found]
        click.echo(documents.written(rows))
    elif found:
        click.echo(tables.render(_COLUMNS, [_row(each, gone[each.run.id]) for each in found], out.width()))
        if len(found) == limit and found[-1].run.id > 1:
            more = paths.command("runs", "list", "--before", found[-1].run.id)
            click.echo(click.style(f"\nOlder ones: {more}", dim=True))
    elif before is None and pipeline is None:
        click.echo("There are no runs yet. Start one: headrace run PROJECT PIPELINE")
    else:
        click.echo("There are no such runs.")


def _row(listed: Listed, abandoned: bool) -> tuple[str, ...]:
    run = listed.run
    end = run.ended_at or (None if abandoned else clock.now())
    return (
        str(run.id),
        tables.bare(listed.pipeline),
        tables.bare(listed.project),
        marks.status(marks.of_run(run, abandoned)),
        quantities.moment(run.started_at or run.created_at),
        quantities.duration(quantities.between(run.started_at, end)),
        tables.bare(run.reason) if run.status is RunStatus.FAILED else "",
    )
