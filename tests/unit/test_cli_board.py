"""What is known of a run that goes on, and what of it is worth showing."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from headrace.cli import live, sentences
from headrace.cli.board import Board, Step, worth_showing
from headrace.model import progress, transitions
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import Attempt, BlockRun, BlockStatus, Failure, Run, RunStatus
from headrace.store.changes import AttemptBegun, AttemptCommits, AttemptEnded, BlockMoved

AT = datetime(2026, 1, 31, tzinfo=UTC)
RUN = Run(1, "r", 1, 1, 1, RunStatus.RUNNING, "claimed", {}, AT, AT)


def _row(number: int, block: str, status: BlockStatus = BlockStatus.QUEUED, **more: object) -> BlockRun:
    return BlockRun(number, f"u{number}", 1, block, status, "because", **more)  # type: ignore[arg-type]


def _board() -> Board:
    blocks = (Block("bake", BlockType.CUSTOM, upstream=("sow",)), Block("sow", BlockType.CUSTOM))
    return Board(RUN, Pipeline("grind", blocks=blocks), {"bake": _row(1, "bake"), "sow": _row(2, "sow")})


def test_blocks_are_in_an_order_they_can_run_in() -> None:
    assert list(_board().steps) == ["sow", "bake"]


def test_a_block_is_heard_from_start_to_end() -> None:
    board, row = _board(), _row(2, "sow")
    start = transitions.start_block(AT, attempt=0)
    attempt = Attempt(0, "a", 2, 1, 1, BlockStatus.RUNNING, "submitted", AT, rows_in=7)
    (moved,) = board.hear(RUN, [BlockMoved(row, start), AttemptBegun(attempt)])
    assert sentences.of_move(moved) == "started"
    assert board.steps["sow"].rows_in == 7
    assert board.steps["sow"].seconds(AT + timedelta(seconds=2)) == 2
    outputs = tuple(Output(f"output_{n}", "list", "json", "p", 1, rows=n) for n in (3, 4))
    end = AT + timedelta(seconds=1.5)
    ended = Attempt(0, "a", 2, 1, 1, BlockStatus.COMPLETED, "returned", AT, end, outputs=outputs)
    running = progress.moved(row, start)
    (moved,) = board.hear(RUN, [AttemptEnded(ended), BlockMoved(running, transitions.complete_block(end, attempt=1))])
    assert sentences.of_move(moved) == "completed in 1.50 s, 7 rows"
    assert board.counts() == {"completed": 1, "queued": 1}
    assert board.final() == 1


def test_a_block_that_commits_goes_on_until_it_has_ended() -> None:
    board, row = _board(), _row(2, "sow", BlockStatus.RUNNING, attempt=1)
    commits = Attempt(0, "a", 2, 1, 1, BlockStatus.COMMITTING, "returned", AT, outputs=(Output("sow", "dataset", "parquet", "p", 1, rows=9),))  # fmt: skip
    (moved,) = board.hear(RUN, [AttemptCommits(commits), BlockMoved(row, transitions.commit_block(AT, attempt=1))])
    assert sentences.of_move(moved) == "", "its end will say how long it took"
    step = board.steps["sow"]
    assert (step.rows_out, step.seconds(AT + timedelta(seconds=3)), board.final()) == (9, 3, 0)
    assert board.counts() == {"committing": 1, "queued": 1}
    drawn = "".join(segment.text for segment in Console(width=80).render(live.picture(board, AT, AT, 10, 80)))
    assert "sow" in drawn


def test_a_retry_says_why_and_when() -> None:
    board, row = _board(), _row(2, "sow", BlockStatus.RUNNING, attempt=1)
    failure = Failure("ValueError", "two\nlines \x1b[2J")
    ended = Attempt(0, "a", 2, 1, 1, BlockStatus.FAILED, "raised", AT, AT + timedelta(seconds=1), failure)
    again = AT + timedelta(seconds=6)
    move = transitions.retry_block(AT + timedelta(seconds=1), attempt=1, reason="raised", retry_at=again, failures=1)
    (moved,) = board.hear(RUN, [AttemptEnded(ended), BlockMoved(row, move)])
    assert sentences.of_move(moved) == "attempt 1 failed after 1.00 s: ValueError: two lines ; tried again in 5.00 s"


def test_what_fails_or_runs_is_shown_before_what_waits() -> None:
    def ended(number: int) -> BlockRun:
        return _row(number, f"b{number}", BlockStatus.COMPLETED, ended_at=AT + timedelta(seconds=number))

    rows = [
        *map(ended, range(10)),
        _row(10, "bad", BlockStatus.FAILED),
        _row(11, "busy", BlockStatus.RUNNING),
        _row(12, "commits", BlockStatus.COMMITTING),
        _row(13, "next"),
    ]
    steps = [Step(row) for row in rows]
    assert worth_showing(steps, 14) == steps
    assert [step.row.block for step in worth_showing(steps, 5)] == ["b8", "b9", "bad", "busy", "commits"]
    assert [step.row.block for step in worth_showing(steps, 2)] == ["busy", "commits"]
    assert worth_showing(steps, 0) == worth_showing(steps, -2) == []


@pytest.mark.parametrize(("width", "bar"), [(30, 0), (35, 0), (50, 15), (59, 24), (200, 24)])
def test_where_there_is_little_width_the_bar_gives_way(width: int, bar: int) -> None:
    console = Console(width=width, file=io.StringIO())
    drawn = console.render_lines(live.picture(_board(), AT, AT, 10, width), pad=False)
    headline, *blocks = ["".join(part.text for part in line) for line in drawn]
    assert headline == f"grind run 1  {'━' * bar}  0 of 2 blocks  0.0 s" or (width == 30 and headline.endswith("…"))
    assert len(blocks) == 2, "nothing is wrapped"
