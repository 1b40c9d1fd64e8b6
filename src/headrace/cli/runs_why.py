"""What `headrace runs why` says."""

from collections.abc import Sequence

import click

from headrace.cli import closing, marks, out, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.run import FINAL_RUN
from headrace.operations import documents
from headrace.operations.reasons import Reason
from headrace.operations.runs import Shown

_COLUMNS = (Column(""), Column("", cuts=True))


def write(place: Place, run: int, *, as_json: bool) -> None:
    shown = place.runs.show(run)
    found = place.runs.explain(shown)
    if as_json:
        click.echo(documents.written({"run": run, "status": shown.run.status, "reasons": found}))
    else:
        click.echo(f"{headline(shown)}\n{told(found, out.width())}".rstrip())


def headline(shown: Shown) -> str:
    """Run 12 of nyc_2013 is waiting."""
    run = shown.run
    if run.status in FINAL_RUN:
        return closing.verdict(shown)
    status = marks.of_run(run, shown.abandoned)
    return f"Run {run.id} of {tables.bare(shown.pipeline.name)} is {marks.styled(marks.word(status), status)}."


def told(found: Sequence[Reason], width: int | None) -> str:
    """A line for each reason of the run, whole; then a table with one for each of its blocks."""
    of_run = [tables.bare(each.says) for each in found if each.block is None]
    of_blocks = [(tables.bare(each.block), tables.bare(each.says)) for each in found if each.block is not None]
    return "\n".join([*of_run, *([tables.render(_COLUMNS, of_blocks, width)] if of_blocks else [])])
