"""What `headrace backfill plan` does and says."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from headrace.cli import occasions, out, paths, quantities, tables
from headrace.cli import variables as given
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.trigger import Backfill, TriggerSettings, Which
from headrace.operations import documents
from headrace.operations.backfills import Asked, Plan

SHOWN = 5  # dates at the beginning, and at the end, of a list that is longer

_COLUMNS = (Column(""), Column("", cuts=True))


def asked(
    *,
    start: datetime,
    end: datetime,
    every: tuple[str, int] | None,
    interval: str | None,
    units: int | None,
    which: str,
    limit: int | None,
    name: str | None,
    variables: Sequence[str],
    timeout: float | None,
    allow_blocks_to_fail: bool,
) -> Asked:
    """What the options of the command ask for."""
    kind, count = every or (interval or "day", units or 1)
    return Asked(
        name=f"{occasions.date(start)} to {occasions.date(end)}" if name is None else name,
        start=start,
        end=end,
        interval_type=kind,
        interval_units=count,
        which=Which(which),
        variables=given.parse(variables),
        settings=TriggerSettings(pipeline_run_limit=limit, timeout=timeout, allow_blocks_to_fail=allow_blocks_to_fail),
    )


def create(place: Place, folder: Path, pipeline: str, asked: Asked, *, as_json: bool) -> None:
    made = place.backfills.create(folder, pipeline, asked)
    plan = place.backfills.plan(made)
    if as_json:
        click.echo(documents.written({"id": made.id, "name": made.name, **documents.plan(plan)}))
        return
    click.echo(f"Wrote down backfill {made.id}, {click.style(tables.bare(made.name), bold=True)}; nothing is started.")
    click.echo(told(plan))
    if plan.dates:
        click.echo(f"\nStart just this plan: {start(made, plan)}")


def foresee(place: Place, folder: Path, pipeline: str, asked: Asked, *, as_json: bool) -> None:
    plan = place.backfills.foresee(folder, pipeline, asked)
    click.echo(documents.written(documents.plan(plan)) if as_json else told(plan))


def start(backfill: Backfill, plan: Plan) -> str:
    """The command that starts it as it is planned, or not at all."""
    return click.style(paths.command("backfill", "start", backfill.id, "--plan", plan.hash), bold=True)


def told(plan: Plan) -> str:
    """How many runs it makes, and for which dates; then those it passes over, with the reasons."""
    return "\n".join(_parts(plan))


def dates(found: Mapping[datetime, str]) -> str:
    """A line for each date with a remark; of many the first and the last."""
    rows = [(occasions.date(at), remark) for at, remark in sorted(found.items())]
    if len(rows) > 2 * SHOWN + 1:
        left = quantities.counted(len(rows) - 2 * SHOWN, "more date")
        rows = [*rows[:SHOWN], (f"… {left}", ""), *rows[-SHOWN:]]
    return tables.render(_COLUMNS, rows, out.width())


def _parts(plan: Plan) -> Iterator[str]:
    yield f"It makes {quantities.counted(len(plan.dates), 'run')}{', for:' if plan.dates else '.'}"
    if plan.dates:
        yield dates(dict.fromkeys(plan.dates, ""))
    if plan.passed_over:
        yield f"It passes over {quantities.counted(len(plan.passed_over), 'date')}:"
        yield dates(plan.passed_over)
    if plan.hash:
        yield click.style(f"Its plan is {plan.hash}.", dim=True)
