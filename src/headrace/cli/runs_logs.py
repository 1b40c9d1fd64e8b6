"""What `headrace runs logs` says."""

import json
from collections import deque
from collections.abc import Iterator

import click

from headrace.app import App
from headrace.cli import blocks, tables
from headrace.logs.lines import Line
from headrace.model.run import Attempt
from headrace.operations import documents, runs
from headrace.operations.runs import Shown


def write(
    app: App,
    run: int,
    block: str | None,
    number: int | None,
    tail: int | None,
    levels: tuple[str, ...] | None,
    *,
    as_json: bool,
) -> None:
    shown = runs.show(app, run)
    chosen = list(_chosen(shown, block, number))
    lines = {name: _lines(app, shown, attempt, tail, levels) for name, attempt in chosen}
    if as_json:
        _write_json(chosen, lines)
    elif chosen:
        _write(chosen, lines, titled=block is None)
    else:
        click.echo("No block has such an attempt." if shown.blocks else blocks.NONE)


def _chosen(shown: Shown, block: str | None, number: int | None) -> Iterator[tuple[str, Attempt]]:
    """The attempts to show; without a block, those that there are of each."""
    if block is not None:
        yield block, runs.attempt(shown, block, number)
        return
    for name, tries in shown.attempts.items():
        numbers = {attempt.number for attempt in tries}
        if tries and (number is None or number in numbers):
            yield name, runs.attempt(shown, name, number)


def _lines(
    app: App, shown: Shown, attempt: Attempt, tail: int | None, levels: tuple[str, ...] | None
) -> Iterator[Line]:
    if tail is None:
        return runs.log(app, shown, attempt, levels)
    if levels is None:
        return iter(runs.log_end(app, shown, attempt, tail))
    return iter(deque(runs.log(app, shown, attempt, levels), maxlen=tail))


def _write(chosen: list[tuple[str, Attempt]], lines: dict[str, Iterator[Line]], *, titled: bool) -> None:
    for name, attempt in chosen:
        if titled:
            number = f", attempt {attempt.number}" if attempt.number > 1 else ""
            click.echo(click.style(f"── {tables.bare(name)}{number}", bold=True))
        for line in lines[name]:
            click.echo(blocks.log_line(line))


def _write_json(chosen: list[tuple[str, Attempt]], lines: dict[str, Iterator[Line]]) -> None:
    """One array, a line of it for each line of the logs, so that any length of them can be read."""
    before = "[\n"
    for name, attempt in chosen:
        for line in lines[name]:
            click.echo(
                before + json.dumps(documents.line(name, attempt, line), ensure_ascii=False, default=str), nl=False
            )
            before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")
