"""What happens to a block, in a sentence."""

from headrace import clock
from headrace.cli import marks, quantities, tables
from headrace.cli.board import Moved, Step
from headrace.operations import reasons

LONGEST = 200  # characters of an error on one line


def of_move(moved: Moved) -> str:
    """What a move says to people; nothing for one that only prepares another."""
    row, move = moved.step.row, moved.move
    took = quantities.duration(moved.step.seconds(move.at))
    match move.name:
        case "start":
            return "started" if row.attempt == 1 else f"started, attempt {row.attempt}"
        case "complete":
            return f"completed in {took}{_rows(moved.step)}"
        case "fail":
            return f"failed after {took}: {of_failure(moved.step)}"
        case "retry":
            wait = clock.between(move.at, row.retry_at)
            again = f"in {quantities.duration(wait)}" if wait else "at once"
            return f"attempt {row.attempt} failed after {took}: {of_failure(moved.step)}; tried again {again}"
        case "cancel" | "fail_upstream" | "skip":
            return f"{marks.word(row.status)}: {reasons.in_words(row.reason)}"
        case _:
            return ""


def of_failure(step: Step) -> str:
    """The error of its latest attempt on one line, or why it failed where there was none."""
    attempt = step.attempt
    if attempt and attempt.failure:
        failure = attempt.failure
        return tables.cut(tables.bare(f"{failure.type}: {failure.message}".removesuffix(": ")), LONGEST)
    return reasons.in_words(attempt.reason if attempt else step.row.reason)


def _rows(step: Step) -> str:
    return "" if step.rows_out is None else f", {quantities.counted(step.rows_out, 'row')}"
