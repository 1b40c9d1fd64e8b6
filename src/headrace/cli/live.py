"""A run followed on a terminal: a line for each block, drawn anew as the run goes on. rich draws it."""

import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headrace.cli import exits, marks, out, quantities, sentences
from headrace.cli.board import Board, Moved, Step, worth_showing
from headrace.model.run import BlockStatus

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAME = 0.1  # seconds
BAR = 24  # columns


class Screen:
    """A display; see `following.Display`."""

    tick = FRAME

    def __init__(self, board: Board, began: datetime) -> None:
        self._board = board
        self._began = self._drawn = began
        self._notes: list[str] = []
        console = Console(file=sys.stdout, no_color=not out.colour(), highlight=False)
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def start(self) -> None:
        self._safely(self._live.start)
        self._draw(self._began)

    def show(self, moves: Sequence[Moved], now: datetime) -> None:
        if (now - self._drawn).total_seconds() >= FRAME / 2:
            self._draw(now)

    def note(self, sentence: str) -> None:
        self._notes.append(sentence)
        self._draw(self._drawn)

    def end(self) -> None:
        self._safely(self._live.stop)

    def _draw(self, now: datetime) -> None:
        self._drawn = now
        room = shutil.get_terminal_size().lines - 4 - len(self._notes)
        shown = picture(self._board, self._began, now, room, self._live.console.width)
        notes = [Text(note, style="yellow") for note in self._notes]
        self._safely(lambda: self._live.update(Group(shown, *notes), refresh=True))

    def _safely(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError:  # the terminal is gone; the run goes on
            exits.silence(sys.stdout)


def picture(board: Board, began: datetime, now: datetime, room: int, width: int) -> RenderableType:
    """The run at this moment, in at most `room` lines for blocks and three more, none wider than `width`."""
    steps = list(board.steps.values())
    shown = worth_showing(steps, room)
    table = Table.grid(padding=(0, 2))
    for justify, ratio in (("left", None), ("left", None), ("right", None), ("right", None), ("left", 1)):
        table.add_column(justify=justify, ratio=ratio, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    for step in shown:
        table.add_row(*_cells(step, now))
    return Group(_headline(board, began, now, width), table, *_hidden(board, steps, shown))


def _headline(board: Board, began: datetime, now: datetime, width: int) -> Text:
    """Where there is little width, the bar is the first to give way."""
    final, total = board.final(), len(board.steps)
    before = Text.assemble((f"{board.pipeline.name} ", "bold"), (f"run {board.run.id}  ", "dim"))
    took = quantities.ticking((now - began).total_seconds())
    after = Text.assemble(f"  {final:,} of {quantities.counted(total, 'block')}  ", (took, "cyan"))
    bar = max(0, min(BAR, width - before.cell_len - after.cell_len))
    full = round(bar * final / total) if total else bar
    done = Text("━" * full, "green" if board.counts().get("failed", 0) == 0 else "red")
    left = Text("━" * (bar - full), "bright_black")
    return Text.assemble(before, done, left, after, no_wrap=True, overflow="ellipsis")


def _cells(step: Step, now: datetime) -> list[Text]:
    row = step.row
    colour = marks.COLOURS.get(row.status, "dim")
    mark = marks.MARKS[row.status]
    if row.status in (BlockStatus.RUNNING, BlockStatus.COMMITTING):
        mark = SPINNER[int(now.timestamp() / FRAME) % len(SPINNER)]
    name = Text(row.block, style="" if row.status in marks.COLOURS else "dim")
    return [Text(mark, style=colour), name, Text(_took(step, now)), _rows(step), Text(_remark(step, now), style=colour)]


def _took(step: Step, now: datetime) -> str:
    match step.row.status:
        case BlockStatus.RUNNING | BlockStatus.COMMITTING:
            return quantities.ticking(step.seconds(now))
        case BlockStatus.QUEUED | BlockStatus.INITIAL:
            return ""
        case _:
            return quantities.duration(step.seconds(now))


def _rows(step: Step) -> Text:
    into, outof = quantities.count(step.rows_in), quantities.count(step.rows_out)
    if not into and not outof:
        return Text("")
    return Text.assemble((f"{into} → ", "dim"), outof or ("…", "dim"))


def _remark(step: Step, now: datetime) -> str:
    row = step.row
    if row.status is BlockStatus.FAILED:
        return sentences.of_failure(step)
    if row.retry_at:
        wait = max(0.0, (row.retry_at - now).total_seconds())
        return f"{sentences.of_failure(step)}; attempt {row.attempt + 1} in {quantities.ticking(wait)}"
    if row.status is BlockStatus.RUNNING and row.attempt > 1:
        return f"attempt {row.attempt}"
    return "reused" if row.reused_from else ""


def _hidden(board: Board, steps: Sequence[Step], shown: Sequence[Step]) -> list[Text]:
    """How many blocks of each status there is no room for."""
    left = {name: count - sum(s.row.status == name for s in shown) for name, count in board.counts().items()}
    told = [f"{count:,} {marks.word(name)}" for name, count in left.items() if count]
    return [Text(f"and {', '.join(told)}", style="dim")] if len(shown) < len(steps) else []
