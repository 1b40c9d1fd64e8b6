"""A worker that the kernel ends because memory ran out, in a control group of the test's own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headrace.worker import reaper

from .conftest import PATIENCE, Site

LIMIT = 400 * 2**20  # bytes, of all processes of the group together

ENGINE = """
import os, queue, sys
from pathlib import Path
import msgspec
from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

Path({procs!r}).write_text(str(os.getpid()))
reports = queue.SimpleQueue()
executor = local.Local(Settings(home=Path({root!r}), workers=1))
executor.start(reports.put)
for task in msgspec.msgpack.decode(Path({tasks!r}).read_bytes(), type=list[wire.Task]):
    executor.submit((task,))
    report = reports.get()
    print(report.status, report.reason, flush=True)
executor.close()
"""


@pytest.fixture
def group(site: Site) -> Iterator[Path]:
    """A new control group with a limit; a process joins it by writing its id to the file `cgroup.procs` there."""
    made = _made(f"headrace-{site.mark}")
    if made is None:
        pytest.skip("no memory control group can be made here: an OOM kill of the kernel is not tried")
    yield made
    site.watch(*map(int, (made / "cgroup.procs").read_text().split())).wait(PATIENCE)
    made.rmdir()


def _made(name: str) -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        versions = {"memory": ("memory", "memory.limit_in_bytes"), "": ("", "memory.max")}
        if controllers in versions:
            root, limit = versions[controllers]
            folder = Path("/sys/fs/cgroup", root, path.lstrip("/"), name)
            with contextlib.suppress(OSError):
                folder.mkdir()
                if (folder / limit).exists():
                    (folder / limit).write_text(str(LIMIT))
                    for swap in ("memory.swap.max", "memory.swappiness"):
                        if (folder / swap).exists():
                            (folder / swap).write_text("0")
                    return folder
                folder.rmdir()
    return None


def run(site: Site, group: Path, *bodies: str) -> list[str]:
    """Status and reason of each of these blocks, run one after the other by an engine in that group."""
    file = site.root / "tasks"
    file.write_bytes(msgspec.msgpack.encode([site.task(body) for body in bodies]))
    code = ENGINE.format(procs=str(group / "cgroup.procs"), root=str(site.root), tasks=str(file))
    engine = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    return engine.stdout.splitlines()


HOARD = "held = bytearray(b'x') * 1_000_000_000"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def test_a_block_that_the_kernel_ends_for_want_of_memory_says_so(site: Site, group: Path) -> None:
    assert run(site, group, "return 1", HOARD, "return 1") == [
        "completed returned",
        "failed out_of_memory",
        "completed returned",
    ]


def test_what_the_kernel_ended_before_is_not_held_against_a_later_block(site: Site, group: Path) -> None:
    started = f"assert subprocess.run([sys.executable, '-c', {HOARD!r}]).returncode == -9; time.sleep({reaper.RECOUNT})"
    assert run(site, group, started, KILL) == ["completed returned", "failed worker_died"]
