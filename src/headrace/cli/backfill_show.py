"""What `headrace backfill show` says."""

from collections.abc import Iterator
from typing import Any

import click

from headrace.cli import backfill_plan, marks, occasions, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.trigger import Backfill, BackfillStatus
from headrace.operations import documents
from headrace.operations.backfills import Shown

_FACTS = (Column(""), Column(""))
_WHICH = {
    "missing": "the dates without a completed run",
    "failed": "the dates whose latest run failed",
    "all": "all dates",
}


def write(place: Place, number: int, *, as_json: bool) -> None:
    backfill = place.backfills.get(number)
    if as_json:
        click.echo(documents.written(document(place, backfill)))
    else:
        click.echo("\n\n".join(part for part in _parts(place, place.backfills.show(backfill)) if part))


def document(place: Place, backfill: Backfill) -> dict[str, Any]:
    return documents.shown_backfill(place.backfills.show(backfill))


def _parts(place: Place, shown: Shown) -> Iterator[str]:
    backfill = shown.backfill
    status = marks.of_backfill(backfill)
    name = click.style(tables.bare(backfill.name), bold=True)
    yield f"Backfill {backfill.id}, {name} of {tables.bare(shown.pipeline)}, is {marks.styled(status, status)}."
    yield tables.render(_FACTS, [(click.style(name, dim=True), what) for name, what in _facts(shown) if what])
    yield tables.render(
        (Column("runs"), Column("", right=True)),
        [(marks.status(status), quantities.count(count)) for status, count in sorted(shown.counts.items())],
    )
    if backfill.status is BackfillStatus.INITIAL:
        plan = place.backfills.plan(backfill)
        yield backfill_plan.told(plan)
        yield f"Start just this plan: {backfill_plan.start(backfill, plan)}" if plan.dates else ""
    elif shown.missing:
        remarks = {date: _stands(status) for date, status in shown.missing.items()}
        yield f"{click.style('dates without a completed run', bold=True)}\n{backfill_plan.dates(remarks)}"


def _facts(shown: Shown) -> Iterator[tuple[str, str]]:
    backfill = shown.backfill
    units = backfill.interval_units
    yield "project", f"{tables.bare(shown.project)} in {paths.near(shown.folder)}"
    yield "from", occasions.date(backfill.start_time)
    yield "to", occasions.date(backfill.end_time)
    yield "every", backfill.interval_type if units == 1 else f"{units:,} {backfill.interval_type}s"
    yield "for", _WHICH[backfill.which.value]
    given = documents.written(documents.masked(backfill.variables), indent=None)
    yield "variables", tables.bare(given) if backfill.variables else ""
    settings = backfill.settings
    yield (
        "limit",
        f"{quantities.counted(settings.pipeline_run_limit, 'run')} at once" if settings.pipeline_run_limit else "",
    )
    yield "timeout", f"{quantities.duration(settings.timeout)} after its start a run fails" if settings.timeout else ""
    yield "forgives", "blocks that fail: what does not need them goes on" if settings.allow_blocks_to_fail else ""
    yield "status", tables.bare(f"{backfill.status.value}: {backfill.reason.replace('_', ' ')}")
    yield (
        "made",
        f"{backfill.made:,} of {quantities.counted(len(backfill.dates or ()), 'run')}" if backfill.dates else "",
    )
    yield "created", quantities.moment(backfill.created_at)
    yield "started", quantities.moment(backfill.started_at)
    yield "ended", quantities.moment(backfill.ended_at)
    yield "uid", backfill.uid


def _stands(status: str | None) -> str:
    """How the latest run of a date stands."""
    return "no run yet" if status is None else marks.status(status)
