"""Nursery: a template as the supervisor sees it, the process from which workers of a workplace come."""

import os
import socket
from collections.abc import Callable

from headrace import clock
from headrace.worker import birth, processes, template, wire
from headrace.worker.channel import Channel
from headrace.worker.loop import Loop

Said = birth.Born | birth.Broken | template.Importing | template.Refused | template.Grown


class Nursery:
    """Watched by the loop until `close`; `heard` is called with what it says.

    `modules` were asked of it, in this order; `importing` is the one it is at; `pid` is None until it was born. One that
    never will be is heard to be broken. Once closed it is `gone`, though it may still be at its last work.
    """

    def __init__(self, loop: Loop, heard: Callable[["Nursery", Said], None], modules: tuple[str, ...] = ()) -> None:
        self.modules = modules
        self.held = frozenset(modules)
        self.importing: str | None = None
        self.pid: int | None = None
        self.gone = False
        self.since = clock.monotonic()
        self._loop = loop
        self._heard = heard
        ours, self._other = socket.socketpair()
        self.channel: Channel[Said] = Channel(ours, Said, lambda yes: loop.want_write(ours, yes))
        loop.watch(ours, self._on_socket)

    def start(self, workplace: wire.Workplace, profile_seconds: float) -> None:
        """Forks the first template of a workplace from this process."""
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            template.main(self._other, workplace, supervisor, profile_seconds)
        self.pid = pid
        self._other.close()

    def order(self, order: template.Fork | template.Grow, files: list[int]) -> None:
        """OSError when it is gone, or does not take it now. Not to be called before a successor has grown."""
        socket.send_fds(self.channel.socket, [wire.encode(order)], files)

    def grow(self, successor: "Nursery") -> None:
        """Has it fork that one, which is not started otherwise; OSError as for `order`."""
        try:
            self.order(template.Grow(), [successor._other.fileno()])
        finally:
            successor._other.close()
        successor.channel.send(template.Modules(successor.modules))

    def listen(self) -> None:
        """Hears what it has said by now."""
        said = self.channel.receive()
        if self.channel.closed:
            self._loop.forget(self.channel.socket)
        for each in said:
            if isinstance(each, birth.Born):
                self.pid = each.pid
            elif isinstance(each, template.Importing):
                self.importing = each.module
            self._heard(self, each)
        if self.channel.closed and self.pid is None and not self.gone:
            self._heard(self, birth.Broken("its parent is gone"))

    def close(self) -> None:
        """It ends once it has done what it was asked."""
        self.gone = True
        self._loop.forget(self.channel.socket)
        self.channel.close()

    def _on_socket(self) -> None:
        self.channel.flush()
        self.listen()

    def kill(self) -> None:
        self.close()
        if self.pid is not None:
            processes.kill_tree(self.pid)
