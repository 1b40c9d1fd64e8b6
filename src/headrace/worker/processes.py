"""Processes of this machine: whom they started, how much memory they hold, how they are ended.

Linux is the platform. Where /proc or prctl is missing, a process group stands in for a tree and orphans are not
adopted; nothing here raises for that.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from headrace import clock

_DEATH_SIGNAL, _NAME, _SUBREAPER = 1, 15, 36  # of linux/prctl.h
_ROUNDS = 100  # of looking for more of a tree; what multiplies faster is met again as orphans
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def _find_prctl() -> Any:
    with contextlib.suppress(OSError, AttributeError):
        return ctypes.CDLL(None).prctl
    return None


_prctl = _find_prctl()


def _set(option: int, value: int | bytes) -> None:
    if _prctl is not None:
        _prctl(option, value if isinstance(value, bytes) else ctypes.c_ulong(value), 0, 0, 0)


def adopt_orphans() -> None:
    """From now on what this process's descendants leave behind becomes its child, however they detached themselves."""
    _set(_SUBREAPER, 1)


def name(title: str) -> None:
    """What `ps -o comm` shows of this process; 15 characters are kept."""
    _set(_NAME, title.encode())


def die_with(parent: int, by: signal.Signals) -> None:
    """Waits until `parent` is this process's parent, then asks the kernel for `by` at that one's death.

    The kernel binds the signal to the parent of the moment, so it is of use only after the adoption. SystemExit when
    the parent is gone already.
    """
    for _ in range(20_000):
        if os.getppid() == parent:
            break
        time.sleep(0.0001)
    _set(_DEATH_SIGNAL, by)
    if os.getppid() != parent:
        raise SystemExit(1)


def go_first() -> None:
    """Short of memory, the kernel ends this process before its parent."""
    with contextlib.suppress(OSError):
        (_PROC / "self/oom_score_adj").write_text("500")


def children(pid: int) -> list[int]:
    """Its children of this moment; none when it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a hot path
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as listed:  # noqa: PTH123
                found += map(int, listed.read().split())
    return found


def tree(pid: int) -> list[int]:
    """It and its descendants, parents first."""
    found = [pid]
    for each in found:
        found += children(each)
    return found


def kill_tree(pid: int) -> None:
    """Ends it and its descendants. All are stopped first, so that none of them starts another meanwhile."""
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        if not (fresh := [each for each in tree(pid) if each not in stopped]):
            break
        signal_all(fresh, signal.SIGSTOP)
        stopped.update(fresh)
    if not _PROC.is_dir():
        signal_group(pid, signal.SIGKILL)
    signal_all(stopped, signal.SIGKILL)


def end_children(within: float) -> None:
    """Ends every child of this process and what falls to it when they die; waits so many seconds for the last."""
    deadline = clock.monotonic() + within
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # so that one that comes now is there to be waited for
    with contextlib.suppress(ChildProcessError):
        while (left := deadline - clock.monotonic()) > 0:
            for child in children(os.getpid()):
                kill_tree(child)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            signal.sigtimedwait([signal.SIGCHLD], left)


def signal_all(pids: Iterable[int], by: signal.Signals) -> None:
    """Sends it to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, by)


def signal_group(leader: int, by: signal.Signals) -> None:
    """Sends it to the process group of that leader."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, by)


def memory(pid: int) -> int:
    """Bytes that it and its descendants hold resident for themselves.

    Pages of mapped files are left out: the kernel takes them back at need, and a large input that is merely read is
    nobody's fault.
    """
    return sum(_own_memory(each) for each in tree(pid))


def _own_memory(pid: int) -> int:
    held = 0
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as status:  # noqa: PTH123
        for line in status:
            if line.startswith((b"RssAnon:", b"RssShmem:")):
                held += int(line.split()[1]) * 1024
    return held


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory, in this process's cgroup where it says so, else on
    the host."""
    for counter in (*_oom_counters(), _PROC / "vmstat"):
        with contextlib.suppress(OSError):
            for line in counter.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


def _oom_counters() -> Iterator[Path]:
    """Where this process's cgroup counts, in either version; a container may see its own as the root of all."""
    with contextlib.suppress(OSError):
        for line in (_PROC / "self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "memory" in controllers.split(","):
                yield _CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control"
                yield _CGROUPS / "memory" / "memory.oom_control"
            elif not controllers:
                yield _CGROUPS / path.lstrip("/") / "memory.events"
                yield _CGROUPS / "memory.events"
