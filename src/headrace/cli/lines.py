"""A run followed in plain lines, one for each thing that happens, for pipes and log files; or in none."""

from collections.abc import Sequence
from datetime import datetime

from headrace.cli import exits, marks, out, quantities, sentences, tables
from headrace.cli.board import Board, Moved

USUAL = ("running", "committing", "completed")  # statuses whose lines do not stand out


class Nothing:
    """A display that shows nothing; see `following.Display`."""

    tick = None  # nothing to be seen changes between two events

    def start(self) -> None:
        pass

    def show(self, moves: Sequence[Moved], now: datetime) -> None:
        pass

    def note(self, sentence: str) -> None:
        exits.complain(sentence)

    def end(self) -> None:
        pass


class Lines(Nothing):
    """A display of a line for each move that says something. Its times are seconds since `began`."""

    def __init__(self, board: Board, began: datetime) -> None:
        self._board = board
        self._began = began
        self._width = max(map(tables.span, board.steps), default=0)

    def start(self) -> None:
        board = self._board
        out.say(f"Run {board.run.id} of {board.pipeline.name}, {quantities.counted(len(board.steps), 'block')}")

    def show(self, moves: Sequence[Moved], now: datetime) -> None:
        for moved in moves:
            if told := sentences.of_move(moved):
                out.say(self._line(moved, told))

    def _line(self, moved: Moved, told: str) -> str:
        row = moved.step.row
        since = (moved.move.at - self._began).total_seconds()
        name = row.block + " " * (self._width - tables.span(row.block))
        return f"{since:8.2f} s  {name}  {told if row.status in USUAL else marks.styled(told, row.status)}"
