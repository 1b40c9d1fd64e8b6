"""How a fork of the supervisor becomes a process of its own: a template, or a worker that serves blocks.

Templates fork, and what they fork becomes a child of the supervisor: a process between the two leaves at once, and the
supervisor adopts what it leaves behind. Before it leaves it says who was `Born`, so that the supervisor never takes a
newborn for a stray.
"""

import contextlib
import faulthandler
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import msgspec

from headrace.worker import main, processes, wire


class Born(msgspec.Struct, frozen=True, tag="born"):
    """The first word on a new process's socket: its id."""

    pid: int


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The last word of a process that cannot do what it was forked for."""

    why: str


class Serving(msgspec.Struct, frozen=True, tag="serving"):
    """A worker takes tasks from now on."""


def fork(sock: socket.socket, life: Callable[[], object]) -> None:
    """Starts a process that lives `life` as a child of this process's parent; `sock` is its own."""
    between = os.fork()
    if between == 0:
        with contextlib.suppress(OSError):
            pid = os.fork()
            if pid == 0:
                live(sock, life)
            wire.send(sock, Born(pid))
        os._exit(0)
    os.waitpid(between, 0)


def live(sock: socket.socket, life: Callable[[], object]) -> NoReturn:
    """Runs the life of a process that was just forked, and ends the process with it: its parent's code never goes on."""
    try:
        life()
    except SystemExit:
        pass
    except BaseException as error:
        traceback.print_exc()
        with contextlib.suppress(OSError):
            wire.send(sock, Broken(f"{type(error).__name__}: {error}"))
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)


def detach(supervisor: int, title: str, keep: socket.socket, out: int | None = None, err: int | None = None) -> None:
    """In its own session; ended with the supervisor; of all files only its socket and streams are left open.

    Without `out` and `err` what is printed is discarded.
    """
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    with contextlib.suppress(OSError):  # it leads a session already
        os.setsid()
    processes.die_with(supervisor, signal.SIGKILL)
    processes.name(title)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream, target in enumerate((nothing, nothing if out is None else out, nothing if err is None else err)):
        os.dup2(target, stream)
    os.closerange(3, keep.fileno())
    os.closerange(keep.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def serve(sock: socket.socket, workplace: wire.Workplace, profile_seconds: float) -> None:
    """The life of a worker, once detached."""
    processes.adopt_orphans()
    processes.go_first()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[1:] = []
    faulthandler.enable(2)  # where a crash in native code happened is told in the block's log
    settle(workplace)
    wire.send(sock, Serving())
    main.serve(sock, workplace, profile_seconds)


def settle(workplace: wire.Workplace) -> None:
    """Takes the environment and the working directory of a workplace; OSError when that directory is not there."""
    os.environ.clear()
    os.environ.update(workplace.environment)
    os.chdir(workplace.cwd)
