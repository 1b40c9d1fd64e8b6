"""A lock on a file that the executor holds is free once nothing that was started is left, and not before."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import processes

from .conftest import PATIENCE, Site
from .test_local_survivors import DETACHED

ENGINE = """
import fcntl, os, queue, sys
from pathlib import Path
import msgspec
from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

reports = queue.SimpleQueue()
executor = local.Local(Settings(home=Path({root!r}), workers=2))
executor.start(reports.put)
file = os.open({lock!r}, os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
executor.hold(file)
for line in sys.stdin:
    task = msgspec.msgpack.decode(Path(line.strip()).read_bytes(), type=wire.Task)
    executor.submit((task,))
    print(reports.get().reason, flush=True)
"""


class Engine:
    """Another process with an executor that holds a lock; it runs one block at a time."""

    def __init__(self, site: Site) -> None:
        self.lock = site.root / "lock"
        self._site = site
        code = ENGINE.format(root=str(site.root), lock=str(self.lock))
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def begin(self, body: str) -> None:
        assert self._process.stdin
        file = self._site.root / "task"
        file.write_bytes(msgspec.msgpack.encode(self._site.task(body)))
        self._process.stdin.write(f"{file}\n")
        self._process.stdin.flush()

    def reason(self) -> str:
        """How the block ended."""
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def run(self, body: str) -> str:
        self.begin(body)
        return self.reason()

    @property
    def pids(self) -> dict[str, int]:
        (warden,) = processes.children(self.pid)
        (supervisor,) = processes.children(warden)
        return {"engine": self.pid, "warden": warden, "supervisor": supervisor}

    def kill(self, *pids: int) -> None:
        processes.signal_all(pids, signal.SIGKILL)
        if self.pid in pids:
            self._process.wait()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    made = Engine(site)
    yield made
    made.close()


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def survivors_when_free(site: Site, lock: Path) -> list[int]:
    """The processes that are there at the moment at which the lock becomes free."""
    found: list[list[int]] = []

    def wait() -> None:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            found.append(site.processes())

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    waiter.join(PATIENCE)
    assert found, "the lock did not become free"
    return found[0]


@pytest.mark.parametrize("victims", [("engine",), ("engine", "warden"), ("engine", "supervisor")], ids="-".join)
def test_the_lock_is_free_once_no_process_is_left(site: Site, engine: Engine, victims: tuple[str, ...]) -> None:
    engine.begin(DETACHED + "    say(os.getpid()); time.sleep(600)")
    site.hear(), site.hear()
    pids = engine.pids
    assert not is_free(engine.lock)
    engine.kill(*(pids[victim] for victim in victims))
    assert survivors_when_free(site, engine.lock) == []


@pytest.mark.parametrize("left", ["warden", "supervisor"])
def test_either_of_the_two_holds_it(site: Site, engine: Engine, left: str) -> None:
    assert engine.run("pass") == "returned"
    pids = engine.pids
    other = {"warden": "supervisor", "supervisor": "warden"}[left]
    gone = site.watch(pids[other])
    processes.signal_all([pids[left]], signal.SIGSTOP)
    engine.kill(pids["engine"], pids[other])
    gone.wait(PATIENCE)
    assert not is_free(engine.lock)
    processes.signal_all([pids[left]], signal.SIGCONT)
    assert survivors_when_free(site, engine.lock) == []


def test_those_that_replace_them_hold_it(site: Site, engine: Engine) -> None:
    assert engine.run("pass") == "returned"
    former = engine.pids
    engine.begin("say('here'); time.sleep(600)")
    assert site.hear() == "here"
    engine.kill(former["warden"])
    assert engine.reason() == "worker_died"
    assert engine.run("pass") == "returned"
    pids = engine.pids
    assert pids["warden"] != former["warden"]
    processes.signal_all([pids["warden"], pids["supervisor"]], signal.SIGSTOP)
    engine.kill(pids["engine"])
    assert not is_free(engine.lock)
    processes.signal_all([pids["warden"], pids["supervisor"]], signal.SIGCONT)
    assert survivors_when_free(site, engine.lock) == []


def test_nobody_below_them_has_what_keeps_it(site: Site, engine: Engine) -> None:
    engine.begin(DETACHED + "    subprocess.Popen(['sleep', '600'], close_fds=False); say('here'); wait_for('go')")
    site.hear(), site.hear()
    pids = engine.pids
    below = [pid for pid in site.processes() if pid not in pids.values()]
    assert len(below) >= 5
    kept = _files(pids["warden"]) & _files(pids["supervisor"])
    assert kept
    for pid in below:
        assert not kept & _files(pid)


def _files(pid: int) -> set[str]:
    """What a process has open, other than streams and devices."""
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return {link for link in links if not link.startswith(("/dev/", "pipe:"))}


def test_the_executor_lets_go_when_it_is_closed_and_not_before(site: Site) -> None:
    lock = site.root / "lock"
    executor = local.Local(Settings(home=site.root, workers=1))
    file = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)
    executor.hold(file)
    os.close(file)
    assert not is_free(lock)
    executor.close()
    assert is_free(lock)
