"""Those who follow: how soon they hear, what each costs, and by how much five hundred of them slow runs.

A hundred more follow a run that writes twenty lines a second. With and without them it is measured by turns, so that what
else the machine does falls on both; the run writes all the while.
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles

from bench import databases, floors, projects, runs
from bench.figures import Figure
from bench.many import Count
from headrace.api import listening
from headrace.api.feed import Feed
from headrace.api.server import Server
from headrace.app import App
from headrace.model.access import Role
from headrace.model.run import FINAL_RUN, Run
from headrace.operations import asking, starting, tokens
from headrace.operations.asking import Asked
from headrace.store.changes import Change

EVENTS, LOGS = 500, 100  # followers of all changes, and of one run with its lines
RUNS, BLOCKS, TIMES, SAMPLES = 60, 3, 5, 60

TALK = """
@custom
def talk(*args, **kwargs):
    import pathlib, time
    while not pathlib.Path(kwargs["silence"]).exists():
        print("the wheel turns")
        time.sleep(0.05)
"""

# A process that follows these addresses and throws away what it is told.
CROWD = """
import json, selectors, socket, sys
port, token, paths = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
watched = selectors.DefaultSelector()
for path in paths:
    follower = socket.create_connection(("127.0.0.1", port))
    follower.sendall(f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer {token}\\r\\n\\r\\n".encode())
    assert b" 200 " in follower.recv(2**16)
    watched.register(follower, selectors.EVENT_READ)
print("all follow", flush=True)
while watched.get_map():
    for key, _ in watched.select():
        if not key.fileobj.recv(2**16):
            watched.unregister(key.fileobj)
"""


class Ends:
    """An observer that knows when the end of each run was recorded."""

    def __init__(self) -> None:
        self.at: dict[int, float] = {}

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        if run.status in FINAL_RUN:
            self.at[run.id] = time.perf_counter()


class Taken:
    """What runs have taken: milliseconds one after the other, and how many a second when they were asked for at once."""

    def __init__(self) -> None:
        self.singly: list[float] = []
        self.together: list[float] = []

    def take(self, app: App, ended: Count, project: Path) -> None:
        self.singly += [_run(app, ended, project, "three", 1) * 1000 for _ in range(SAMPLES // TIMES)]
        self.together.append(RUNS / _run(app, ended, project, "three", RUNS))


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    project, silence = _written(folder), folder / "silence"
    ended, ends, feed = Count(), Ends(), Feed()
    alone, watched = Taken(), Taken()
    coming, later = list[float](), list[float]()
    with (
        runs.engine(folder / "home", database, [ended, ends, feed], workers=3) as app,
        listening.bind("127.0.0.1", 0) as bound,
        contextlib.closing(Server(app, feed, bound, lambda: None)) as server,
    ):
        server.start()
        port, (_, token) = bound.getsockname()[1], tokens.create(app, "bench", Role.VIEWER, None)
        _run(app, ended, project, "three", 10)
        delays = [delay * 1000 for delay in _delays(app, ended, ends, project, port, token)]
        talk = starting.start(app, Asked(project, "talk", {"silence": str(silence)})).run.id
        for _ in range(TIMES):
            alone.take(app, ended, project)
            before = _memory()
            with _crowd(port, token, talk):
                coming.append((_memory() - before) / (EVENTS + LOGS))
                watched.take(app, ended, project)
                later.append((_memory() - before) / (EVENTS + LOGS))
        silence.touch()
        ended.wait([talk])
    told = f"p95 {quantiles(delays, n=20)[-1]:.3g}; floor: a call"
    yield Figure(f"{name}: an end recorded, on a socket", delays, [median(floors.calls(200)) * 1000], "ms", told)
    yield Figure(
        f"{name}: a run of {BLOCKS}, {EVENTS}+{LOGS} follow",
        watched.singly,
        alone.singly,
        "ms",
        "floor: nobody follows",
    )
    yield Figure(
        f"{name}: {RUNS} runs of {BLOCKS}, {EVENTS}+{LOGS} follow",
        watched.together,
        alone.together,
        "runs/s",
        "floor: nobody follows",
    )
    yield Figure(f"{name}: memory of a follower", coming[:1], later[:1], "KiB", "floor: the same after those runs")


def _written(folder: Path) -> Path:
    project = projects.write(folder / "many", "three", projects.chain(BLOCKS), {})
    projects.write(project, "one", projects.chain(1), {})
    return projects.write(project, "talk", {"talk": []}, {"talk": TALK})


def _run(app: App, ended: Count, project: Path, pipeline: str, count: int) -> float:
    """Seconds from asking for the first of the runs to the end of the last."""
    asked = asking.check(Asked(project, pipeline, {}))
    began = time.perf_counter()
    ended.wait([starting.create(app, asked).run.id for _ in range(count)])
    return time.perf_counter() - began


def _delays(app: App, ended: Count, ends: Ends, project: Path, port: int, token: str) -> list[float]:
    """Seconds from the moment at which the end of a run is recorded until one follower has it."""
    heard: dict[int, float] = {}
    with socket.create_connection(("127.0.0.1", port)) as follower:
        follower.sendall(_request("/v1/changes?kind=run.end", token))
        follower.recv(2**16)
        threading.Thread(target=_hear, args=(follower, heard), daemon=True).start()
        for _ in range(SAMPLES):
            _run(app, ended, project, "one", 1)
            time.sleep(0.05)
        follower.shutdown(socket.SHUT_RDWR)
    return [heard[run_id] - at for run_id, at in ends.at.items() if run_id in heard]


def _hear(follower: socket.socket, heard: dict[int, float]) -> None:
    with contextlib.suppress(OSError):
        while said := follower.recv(2**16):
            heard.update(dict.fromkeys(map(int, re.findall(rb'"run_id":(\d+)', said)), time.perf_counter()))


@contextlib.contextmanager
def _crowd(port: int, token: str, run: int) -> Generator[None]:
    """All of them follow what happens, and what that run writes."""
    paths = ["/v1/changes"] * EVENTS + [f"/v1/runs/{run}/stream?tail=10"] * LOGS
    words = [sys.executable, "-c", CROWD, str(port), token, json.dumps(paths)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as crowd:
        assert crowd.stdout
        assert crowd.stdout.readline()
        yield
        crowd.kill()


def _request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def _memory() -> float:
    """KiB that this process alone has."""
    found = re.search(r"^Pss:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return float(found[1])
