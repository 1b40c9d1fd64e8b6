"""Channel: one end of a socket on which messages go both ways, and which never waits."""

import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from headrace.worker import wire

Message = TypeVar("Message")

_CHUNK = 2**18


class Channel(Generic[Message]):
    """Messages of `kind` come in; any message goes out.

    `closed` is set when the other end is gone or said something that is no message (`fault` tells what); from then on
    nothing is sent or received. `undelivered` is set when it went away without having read all that was sent to it. When the other end does not take what is sent, `stalled` is called with True: `flush`
    when the socket can be written to, until it is called with False.
    """

    def __init__(self, sock: socket.socket, kind: Any, stalled: Callable[[bool], None] | None = None) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.closed = False
        self.fault = ""
        self.undelivered = False
        self._stalled = stalled
        self._unsent = bytearray()
        self._reader: wire.Reader[Message] = wire.Reader(kind)

    def send(self, message: msgspec.Struct) -> None:
        if self._unsent:
            self._unsent += wire.encode(message)
            return
        self._unsent += wire.encode(message)
        self._push()
        if self._unsent and self._stalled:
            self._stalled(True)

    def flush(self) -> None:
        """Sends what the other end takes now of what it did not take before."""
        if self._unsent:
            self._push()
            if not self._unsent and self._stalled:
                self._stalled(False)

    def _push(self) -> None:
        try:
            while self._unsent and not self.closed:
                del self._unsent[: self.socket.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass  # what the other end said before it went away is still to be received
        self._lose_unsent()

    def _lose_unsent(self) -> None:
        self.undelivered |= bool(self._unsent)
        self._unsent.clear()

    def receive(self) -> list[Message]:
        """Every message that is there, in order."""
        messages: list[Message] = []
        while not self.closed:
            try:
                chunk = self.socket.recv(_CHUNK)
                messages.extend(self._reader.feed(chunk))
            except (BlockingIOError, InterruptedError):
                return messages
            except (ValueError, msgspec.MsgspecError) as error:
                self.closed, self.fault = True, str(error)
            except OSError:  # above all ECONNRESET: Linux says so when a peer closes with unread data
                self.closed = self.undelivered = True
            else:
                self.closed = not chunk
        self._lose_unsent()
        return messages

    def note_unread(self) -> None:
        """Says that nobody reads at the other end any more, though it may still be open. To be followed by `receive`,
        which notices if it was closed before this."""
        with contextlib.suppress(OSError):  # only Linux can tell
            self.undelivered |= struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0\0\0\0"))[0] > 0

    def close(self) -> None:
        self.closed = True
        self.socket.close()
