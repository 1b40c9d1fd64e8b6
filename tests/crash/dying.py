"""The command line in a process that kills itself: `dying.py DEED WHEN COUNT words of the command line …`.

It dies by SIGKILL at the COUNTth time that it does the DEED, just `before` or just `after` it:

* `commit` of a transaction;
* `rename` of a file, under whatever name the system has for it;
* `notify` of other processes, by a datagram or by NOTIFY;
* `send` of a message to the supervisor;
* `remove` of a file or folder, which a cleaning does.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import default

from headrace import cli
from headrace.worker.channel import Channel

DEEDS = ("commit", "rename", "notify", "send")


class Death:
    """Comes at the `count`th call of what it was laid upon."""

    def __init__(self, when: str, count: int) -> None:
        self._when = when
        self._left = count
        self._lock = threading.Lock()

    def lay(self, owner: Any, name: str) -> None:
        """Upon that function, wherever it is called from by this name."""
        setattr(owner, name, self._deadly(getattr(owner, name)))

    def _deadly(self, deed: Callable[..., Any]) -> Callable[..., Any]:
        def do(*args: Any, **named: Any) -> Any:
            fatal = self.is_fatal()
            if fatal and self._when == "before":
                die()
            done = deed(*args, **named)
            if fatal:
                die()
            return done

        return do

    def is_fatal(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def lay(deed: str, death: Death, when: str) -> None:
    match deed:
        case "commit":
            death.lay(default.DefaultDialect, "do_commit")
        case "rename":
            for name in ("rename", "replace", "link"):
                death.lay(os, name)
        case "notify":
            death.lay(socket.socket, "sendto")
            event = "before_cursor_execute" if when == "before" else "after_cursor_execute"
            sa.event.listen(
                sa.Engine, event, lambda *said: die() if "pg_notify" in said[2] and death.is_fatal() else None
            )
        case "send":
            death.lay(Channel, "send")
        case "remove":
            for name in ("unlink", "rmdir"):
                death.lay(os, name)


if __name__ == "__main__":
    deed, when, count, *words = sys.argv[1:]
    lay(deed, Death(when, int(count)), when)
    sys.argv[1:] = words
    sys.exit(cli.main())
