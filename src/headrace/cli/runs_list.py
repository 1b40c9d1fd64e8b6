"""What `headrace runs list` says."""

import click

from headrace import clock
from headrace.app import App
from headrace.cli import marks, occasions, out, paths, quantities, tables
from headrace.cli.tables import Column
from headrace.model.run import Run, RunStatus
from headrace.operations import documents, engines, runs
from headrace.store.runs import Listed

_COLUMNS = (
    Column("run", right=True),
    Column("pipeline"),
    Column("project"),
    Column("trigger", cuts=True),
    Column("for"),
    Column("status"),
    Column("began"),
    Column("took", right=True),
    Column("", cuts=True),
)


def write(app: App, limit: int, before: int | None, pipeline: str | None, *, as_json: bool) -> None:
    found = runs.latest(app, limit, before=before, pipeline=pipeline)
    alive = engines.living(app)
    gone = {each.run.id: engines.abandoned(each.run, alive) for each in found}
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
        tables.bare(run.occasion.trigger or ""),
        occasions.date(run.execution_date) if run.trigger_id and run.execution_date != run.created_at else "",
        marks.status(marks.of_run(run, abandoned)),
        quantities.moment(run.started_at or run.created_at),
        quantities.duration(clock.between(run.started_at, end)),
        _remark(run),
    )


def _remark(run: Run) -> str:
    late = click.style("passed its SLA", fg="red") if run.passed_sla else ""
    why = tables.bare(run.reason) if run.status is RunStatus.FAILED else ""
    return "; ".join(filter(None, (why, late)))
