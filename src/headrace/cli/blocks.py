"""The blocks of a run as a table, and what went wrong in those that failed."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

import click

from headrace import clock
from headrace.cli import excerpts, marks, paths, quantities, tables
from headrace.cli.board import Step
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.logs.lines import Line
from headrace.model.run import Attempt, BlockStatus, Failure
from headrace.operations import reasons
from headrace.operations.runs import Shown

LAST_LINES = 8  # of a failed block's log
NONE = "There are no blocks."

_COLUMNS = (
    Column("block"),
    Column("status"),
    Column("took", right=True),
    Column("rows in", right=True),
    Column("rows out", right=True),
    Column("", cuts=True),
)


def table(shown: Shown, width: int | None) -> str:
    """Every block with its status, duration, rows in and out, and a remark."""
    return tables.render(_COLUMNS, [_row(shown, step) for step in steps(shown)], width) or NONE


def steps(shown: Shown) -> Iterator[Step]:
    """Each block with its latest attempt, in the order they are written."""
    for row in shown.blocks:
        tries = shown.attempts[row.block]
        yield Step(row, tries[-1] if tries else None)


def failures(place: Place, shown: Shown) -> Iterator[str]:
    """For each block that failed: the error, failed tests, and the last lines of its log."""
    for step in steps(shown):
        if step.row.status is BlockStatus.FAILED and step.attempt:
            yield "\n".join(_failure(place, shown, step.row.block, step.attempt))


def error(attempt: Attempt, whole: str) -> Iterator[str]:
    """Where the user's own code raised it, that line of code, and what it said; the tests that failed, by name.

    The command `whole` is named where something is too long to be shown.
    """
    failed = list(tests(attempt, whole))
    if attempt.failure:
        yield from place(attempt.failure, whole)
        yield from [] if failed else message(attempt.failure, whole)
    yield from failed


def place(failure: Failure, whole: str) -> Iterator[str]:
    if failure.file:
        line = f":{failure.line}" if failure.line else ""
        yield f"  {paths.near(failure.file)}{line}" + click.style(
            f" in {failure.function}" if failure.function else "", dim=True
        )
    if failure.code:
        yield from (click.style(f"      {line}", bold=True) for line in excerpts.lines(failure.code, whole))


def message(failure: Failure, whole: str) -> Iterator[str]:
    first, *rest = excerpts.lines(failure.message or "", whole)
    kind = click.style(failure.type, fg="red", bold=True)
    yield f"  {kind}: {first}" if first else f"  {kind}"
    yield from (f"  {line}" for line in rest)


def tests(attempt: Attempt, whole: str) -> Iterator[str]:
    """The tests that failed, by name, each with why."""
    for test in attempt.tests:
        if not test.passed:
            first, *rest = excerpts.lines(test.message, whole)
            name = f"{marks.styled(marks.MARKS['failed'], 'failed')} test {click.style(test.name, bold=True)}"
            yield f"  {name}: {first}" if first else f"  {name}"
            yield from (f"    {line}" for line in rest)


def log_line(line: Line) -> str:
    """A line of a log: time, level, stream unless it is stdout, and what was written."""
    level = f"{line.level:<8}"
    colour = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}.get(line.level)
    level = click.style(level, fg=colour) if colour else click.style(level, dim=True)
    at = click.style(quantities.time_of_day(line.at), dim=True)
    first, *rest = line.message.splitlines() or [""]
    indent = " " * 31
    head = f"{at}  {level} {click.style(f'{line.stream:<6}', dim=True)}  {tables.bare(first)}"
    return "\n".join([head, *(f"{indent}{tables.bare(each)}" for each in rest)])


def _row(shown: Shown, step: Step) -> Sequence[str]:
    row = step.row
    lost = shown.abandoned and row.status is BlockStatus.RUNNING
    return (
        tables.bare(row.block),
        marks.of_block(row.status, shown.abandoned),
        "" if lost else quantities.duration(step.seconds(clock.now())),
        quantities.count(step.rows_in),
        quantities.count(step.rows_out),
        _remark(shown, step),
    )


def _remark(shown: Shown, step: Step) -> str:
    row = step.row
    if row.reused_from:
        return f"its output of run {shown.reused[row.block]} was used"
    if row.status in (BlockStatus.COMPLETED, BlockStatus.RUNNING, BlockStatus.COMMITTING):
        return f"attempt {row.attempt}" if row.attempt > 1 else ""
    if row.status is BlockStatus.FAILED:
        return "" if row.attempt < 2 else f"after {quantities.counted(row.attempt, 'attempt')}"
    return "" if row.status in (BlockStatus.INITIAL, BlockStatus.QUEUED) else reasons.in_words(row.reason)


def _failure(place: Place, shown: Shown, block: str, attempt: Attempt) -> Iterator[str]:
    tries = f", attempt {attempt.number}" if attempt.number > 1 else ""
    name = click.style(tables.bare(block), bold=True)
    yield f"{marks.styled(marks.MARKS['failed'], 'failed')} {name}: {reasons.in_words(attempt.reason)}{tries}"
    yield from error(attempt, paths.command("runs", "show", shown.run.id, "-o", "json"))
    yield from _log_end(place, shown, block, attempt)


def _log_end(place: Place, shown: Shown, block: str, attempt: Attempt) -> Iterator[str]:
    trace = attempt.failure.traceback.strip() if attempt.failure else None
    lines = [
        each for each in place.runs.log_end(shown, block, attempt, LAST_LINES + 1) if each.message.strip() != trace
    ]
    if lines:
        whole = paths.command("runs", "logs", shown.run.id, block)
        yield click.style(f"  The end of its log ({whole} shows all of it):", dim=True)
        for line in lines[-LAST_LINES:]:
            short = replace(line, message="\n".join(excerpts.lines(line.message, whole)))
            yield textwrap.indent(log_line(short), "    ")
