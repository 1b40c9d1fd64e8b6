"""The template of a workplace: a process that holds the third-party modules of its blocks, and is forked into workers.

It has no thread and runs no code of the project, so what is forked from it is clean. It never imports anything itself:
asked for more modules it forks a successor, which imports them and then takes its place. A module that hangs, dies or
leaves something running costs that successor, nothing else.
"""

import contextlib
import gc
import importlib
import importlib.util
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import msgspec

from headrace.worker import birth, processes, source, wire


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Fork a worker; its socket, stdout and stderr come with the message."""


class Grow(msgspec.Struct, frozen=True, tag="grow"):
    """Fork a successor; its socket comes with the message."""


class Modules(msgspec.Struct, frozen=True, tag="modules"):
    """What a successor is to import, in this order, before anything else is asked of it."""

    names: tuple[str, ...]


class Importing(msgspec.Struct, frozen=True, tag="importing"):
    """A successor begins to import this module: if nothing more is heard, it is the one to blame."""

    module: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Having imported this, the successor is not fit to be forked."""

    module: str
    why: str


class Grown(msgspec.Struct, frozen=True, tag="grown"):
    """The successor has tried all modules and is ready; those that cannot be imported are as good as tried."""


Order = Fork | Grow | Modules

_CHUNK = 2**16  # bytes
_FILES = 3  # that come with one message, at most


def main(sock: socket.socket, workplace: wire.Workplace, supervisor: int, profile_seconds: float) -> NoReturn:
    """The life of a workplace's first template, in a process just forked from the supervisor."""
    template = _Template(sock, workplace, supervisor, profile_seconds)
    birth.live(sock, template.serve)


class _Template:
    def __init__(self, sock: socket.socket, workplace: wire.Workplace, supervisor: int, profile_seconds: float) -> None:
        self._socket = sock
        self._workplace = workplace
        self._supervisor = supervisor
        self._profile_seconds = profile_seconds
        self._reader: wire.Reader[Order] = wire.Reader(Order)
        self._files: list[int] = []  # that came and are not used yet

    def serve(self) -> None:
        """Does what is asked until nobody is left to ask."""
        birth.detach(self._supervisor, "headrace-templ", self._socket)
        self._socket.setblocking(True)
        birth.settle(self._workplace)
        _keep_still()
        while True:
            chunk, files, _, _ = socket.recv_fds(self._socket, _CHUNK, _FILES)
            if not chunk:
                return
            self._files += files
            for order in self._reader.feed(chunk):
                self._obey(order)

    def _obey(self, order: Order) -> None:
        match order:
            case Fork():
                sock, (out, err) = self._take_socket(), self._take_files(2)
                birth.fork(sock, lambda: self._work(sock, out, err))
                sock.close()
                os.close(out)
                os.close(err)
            case Grow():
                sock = self._take_socket()
                successor = _Template(sock, self._workplace, self._supervisor, self._profile_seconds)
                birth.fork(sock, successor.serve)
                sock.close()
            case Modules():
                self._import_all(order.names)
                _keep_still()

    def _take_socket(self) -> socket.socket:
        return socket.socket(fileno=self._take_files(1)[0])

    def _take_files(self, count: int) -> list[int]:
        taken, self._files = self._files[:count], self._files[count:]
        return taken

    def _work(self, sock: socket.socket, out: int, err: int) -> None:
        birth.detach(self._supervisor, "headrace-worker", sock, out, err)
        birth.serve(sock, self._workplace, self._profile_seconds)

    def _import_all(self, modules: tuple[str, ...]) -> None:
        for module in modules:
            wire.send(self._socket, Importing(module))
            self._import(module)
            if running := _left_running():
                wire.send(self._socket, Refused(module, f"importing it leaves {running} behind"))
                raise SystemExit(0)
        wire.send(self._socket, Grown())

    def _import(self, module: str) -> None:
        """Whatever the import does, a block that imports it will see the same itself."""
        with contextlib.suppress(BaseException):
            if module in sys.modules or self._is_third_party(module):
                importlib.import_module(module)

    def _is_third_party(self, module: str) -> bool:
        """It can be found, and neither in the project nor beside it; finding it imports nothing."""
        spec = importlib.util.find_spec(module.partition(".")[0])
        if spec is None:
            return False
        places = [place for place in spec.submodule_search_locations or [spec.origin] if place]
        own = {Path(self._workplace.live).parent, Path(self._workplace.cwd)}
        return not any(source.is_live(each, self._workplace.live) or Path(each).parent in own for each in places)


def _keep_still() -> None:
    """From now on no collection, here or in what is forked from here, writes to the pages that they share."""
    gc.collect()
    gc.freeze()


def _left_running() -> str:
    """What an import left running, if anything; a thread that is just ending is given the time."""
    for _ in range(20):
        if threading.active_count() == 1 and not processes.children(os.getpid()):
            return ""
        time.sleep(0.005)
    return "threads" if threading.active_count() > 1 else "processes"
