"""Talk: what a worker and its supervisor say to each other, at the worker's end of their socket.

Between blocks tasks come in; while a block runs, answers to what it asks. No thread stands by to read them, since that
would make every fork of a block unsafe: of the block's threads that wait for an answer one reads, and keeps what is for
the others.
"""

import socket
import threading
from collections.abc import Iterator

import msgspec

from headrace import errors
from headrace.worker import wire

_CHUNK = 2**18


class Talk:
    """Within an attempt, from `begin` to `end`, its block may ask."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reader: wire.Reader[wire.ToWorker] = wire.Reader(wire.ToWorker)
        self._sending = threading.Lock()
        self._changed = threading.Condition()  # guards all that follows
        self._attempt = ""  # that is under way
        self._asked = 0  # questions of it
        self._open: set[int] = set()
        self._answers: dict[int, wire.Answer] = {}  # that came for threads that have not taken them yet
        self._is_read = False  # by one of the threads that wait

    def tasks(self) -> Iterator[wire.Task]:
        """Every task, until nobody is left at the other end. An answer that comes between them is for nobody."""
        while chunk := self._socket.recv(_CHUNK):
            for message in self._reader.feed(chunk):
                if isinstance(message, wire.Task):
                    yield message

    def say(self, message: msgspec.Struct) -> None:
        """Sends the whole message; OSError when nobody reads it any more."""
        self.send(wire.encode(message))

    def send(self, message: bytes) -> None:
        """The same of a message that is encoded already."""
        with self._sending:
            self._socket.sendall(message)

    def begin(self, attempt: str) -> None:
        with self._changed:
            self._attempt, self._asked = attempt, 0

    def end(self) -> int:
        """Nothing more may be asked; how many questions are open, because whoever asked them was interrupted."""
        with self._changed:
            left = len(self._open)
            self._attempt = ""
            self._open.clear()
            self._answers.clear()
            return left

    def ask(self, request: wire.Request) -> wire.Answer:
        """Asks the engine, and waits for its answer; any thread of the block may. CannotAsk when it is no block's thread."""
        asked = self._put(request)
        while (answer := self._take(asked.number)) is None:
            self._read()
        return answer

    def _put(self, request: wire.Request) -> wire.Asked:
        if self._socket.fileno() < 0:  # in a process that the block has forked; a lock may be held here for ever
            raise errors.CannotAsk
        with self._changed:
            if not self._attempt:
                raise errors.CannotAsk
            self._asked += 1
            asked = wire.Asked(attempt=self._attempt, number=self._asked, request=request)
            self._open.add(asked.number)
        self.say(asked)
        return asked

    def _take(self, number: int) -> wire.Answer | None:
        """The answer to that question, waited for; None when it is for the caller to read."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or not self._is_read)
            if number in self._answers:
                self._open.discard(number)
                return self._answers.pop(number)
            self._is_read = True
            return None

    def _read(self) -> None:
        """Takes in whatever comes next. ConnectionResetError when nobody is left at the other end."""
        heard: list[wire.ToWorker] = []
        try:
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                raise ConnectionResetError("the supervisor is gone")
            heard += self._reader.feed(chunk)
        finally:
            with self._changed:
                self._keep(heard)
                self._is_read = False
                self._changed.notify_all()

    def _keep(self, heard: list[wire.ToWorker]) -> None:
        for message in heard:
            if isinstance(message, wire.Answered) and message.attempt == self._attempt and message.number in self._open:
                self._answers[message.number] = message.answer
