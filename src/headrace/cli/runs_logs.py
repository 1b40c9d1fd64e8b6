"""What `headrace runs logs` says."""

import json
from collections import deque
from collections.abc import Iterator

import click

from headrace.cli import blocks, tables
from headrace.cli.here import logs
from headrace.cli.here.logs import Asked
from headrace.cli.places import Place
from headrace.operations import documents
from headrace.operations.run_logs import Entry


def write(place: Place, asked: Asked, tail: int | None, *, follow: bool, as_json: bool) -> None:
    entries = _entries(place, asked, tail, follow=follow)
    if as_json:
        _write_json(entries)
    elif not _write(entries, asked):
        _say_nothing(place, asked)


def _entries(place: Place, asked: Asked, tail: int | None, *, follow: bool) -> Iterator[Entry]:
    last, after = _tail(place, asked, tail)
    yield from last
    if follow:
        yield from place.logs.followed(asked, after)
    elif tail is None:
        yield from place.logs.written(asked, after)


def _tail(place: Place, asked: Asked, tail: int | None) -> tuple[deque[Entry], str | None]:
    """The last lines, if so many were asked for, and the cursor behind them."""
    found = deque[Entry]()
    if tail is None:
        return found, None
    page = place.logs.page(asked, 1, None)
    after, before, more = page.after, page.after, True
    while more and len(found) < tail:
        page = place.logs.page(asked, min(tail - len(found), logs.MOST), before)
        found.extendleft(reversed(page.lines))
        before, more = page.before, page.more
    return found, after


def _write(entries: Iterator[Entry], asked: Asked) -> bool:
    """A title wherever another attempt goes on; whether there was any line."""
    before, is_any = (asked.block, asked.attempt or 1), False
    for entry in entries:
        if before != (entry.block, entry.attempt):
            number = f", attempt {entry.attempt}" if entry.attempt > 1 else ""
            click.echo(click.style(f"── {tables.bare(entry.block)}{number}", bold=True))
            before = entry.block, entry.attempt
        click.echo(blocks.log_line(entry.line))
        is_any = True
    return is_any


def _say_nothing(place: Place, asked: Asked) -> None:
    """Why there are no lines, when it is not that none were written."""
    shown = place.runs.show(asked.run)
    numbers = {attempt.number for tries in shown.attempts.values() for attempt in tries}
    if not shown.blocks:
        click.echo(blocks.NONE)
    elif asked.attempt is not None and asked.attempt not in numbers:
        click.echo("No block has such an attempt.")


def _write_json(entries: Iterator[Entry]) -> None:
    """One array, a line of it for each line of the logs, which ends as soon as it is there, however many will follow."""
    before = "["
    for entry in entries:
        line = {"block": entry.block, "attempt": entry.attempt, **documents.plain(entry.line)}
        click.echo(before + json.dumps(line, ensure_ascii=False, default=str))
        before = ","
    click.echo("[]" if before == "[" else "]")
