"""A run is followed to its end: what the engine tells goes to a display, and Ctrl-C asks for the run to be cancelled.

The engine tells on its own thread and signals come at any time; both only put into a queue, which this thread empties.
"""

import os
import queue
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from types import FrameType, TracebackType
from typing import Protocol

from headrace import clock
from headrace.cli.board import Board, Moved
from headrace.engine.begun import Begun
from headrace.model.run import Run
from headrace.store.changes import Change

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Display(Protocol):
    @property
    def tick(self) -> float | None:
        """How often, in seconds, `show` is called though nothing has happened."""
        ...

    def start(self) -> None: ...

    def show(self, moves: Sequence[Moved], now: datetime) -> None:
        """These moves were made since the last time."""
        ...

    def note(self, sentence: str) -> None:
        """Something that people should read now."""
        ...

    def end(self) -> None: ...


class Left(Exception):
    """Asked a second time to end: this process leaves without waiting for the run's end."""


class Follower:
    """An observer of what follows one run, and a context in which SIGINT and SIGTERM are heard as well.

    `interrupted` is the first signal that came. A third one ends the process where it stands.
    """

    def __init__(self) -> None:
        self.interrupted: signal.Signals | None = None
        self._heard: queue.SimpleQueue[tuple[Run, Sequence[Change]] | signal.Signals | None] = queue.SimpleQueue()
        self._signals = 0
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        self._heard.put((run, changes))

    def __enter__(self) -> "Follower":
        self._before = {each: signal.signal(each, self._on_signal) for each in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def follow(self, begun: Begun, board: Board, display: Display, cancel: Callable[[], object]) -> Run:
        """The final run. Raises what the engine let go of the run for, and Left at the second signal."""
        begun.done.add_done_callback(lambda _: self._heard.put(None))
        display.start()
        try:
            while not self._turn(board, display, cancel):
                pass
        finally:
            display.end()
        return begun.done.result()

    def _turn(self, board: Board, display: Display, cancel: Callable[[], object]) -> bool:
        """Waits for something to happen, or for the display's next frame; whether it was the end."""
        moves: list[Moved] = []
        try:
            match self._heard.get(timeout=display.tick):
                case None:
                    return True
                case signal.Signals() as asked:
                    self._interrupt(asked, display, cancel)
                case run, changes:
                    moves = board.hear(run, changes)
        except queue.Empty:
            pass
        display.show(moves, clock.now())
        return False

    def _interrupt(self, asked: signal.Signals, display: Display, cancel: Callable[[], object]) -> None:
        if self.interrupted:
            raise Left
        self.interrupted = asked
        display.note("Cancelling: blocks that run are being stopped. Once more leaves at once.")
        cancel()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 2:
            os._exit(128 + number)
        self._heard.put(signal.Signals(number))
