"""The server: how soon it is ready, what it takes while it rests, and how long a run takes that is asked for by HTTP.

The floor of a run is a plain answer to a request and one commit, measured beside it.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

from bench import databases, floors, projects, servers
from bench.figures import Figure
from bench.scheduling import spent
from bench.servers import MEBIBYTE, Server, family, proportional

STARTS, TIMES, AT_ONCE, HANDS = 5, 300, 100, 8
REST = 15.0  # seconds of looking at a server that rests


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    mill = projects.write(folder / "mill", "one", projects.chain(1), {})
    projects.write(mill, "three", projects.chain(3), {})
    home = folder / "home"
    yield _ready(name, home, database, mill)
    with servers.served(home, database, mill) as server:
        yield from _rest(name, server)
        yield from _one(name, server, folder)
        yield _many(name, server, folder)


def _ready(name: str, home: Path, database: str | None, mill: Path) -> Figure:
    taken = []
    for _ in range(STARTS + 1):
        with servers.served(home, database, mill) as server:
            taken.append(server.seconds * 1000)
    floor = [1000 * each for each in floors.interpreters(STARTS, "-c", "import fastapi, uvicorn, sqlalchemy")]
    return Figure(
        f"{name}: server, start to ready", taken[1:], floor, "ms", "goal 1000; floor: importing its libraries"
    )


def _rest(name: str, server: Server) -> Iterator[Figure]:
    """All processes of it, before any block has run."""
    processes = family(server.process.pid)
    bare = subprocess.Popen([sys.executable, "-c", "import threading\nwhile True: threading.Event().wait(5)"])
    try:
        time.sleep(5)
        before, began = sum(map(spent, processes)), time.monotonic()
        time.sleep(REST)
        used = 100 * (sum(map(spent, processes)) - before) / (time.monotonic() - began)
        taken, floor = sum(map(proportional, processes)) / MEBIBYTE, proportional(bare.pid) / MEBIBYTE
    finally:
        bare.kill()
        bare.wait()
    yield Figure(f"{name}: server at rest, memory", [taken], [floor], "MB (PSS)", "goal 120; floor: an interpreter")
    yield Figure(f"{name}: server at rest, of a core", [used], [0.001], "%", "goal 0.5; floor: nothing")


def _one(name: str, server: Server, folder: Path) -> Iterator[Figure]:
    """From the request to the answer that the run is completed."""
    for _ in range(20):
        _run(server, "one")
    taken, plain = [], []
    for _ in range(TIMES):
        taken.append(1000 * floors.timed(lambda: _run(server, "one")))
        plain.append(1000 * floors.timed(lambda: server.client.get("/v1/health")))
    commits = [1000 * each for each in floors.commits(folder, TIMES)]
    for kind, nth in (("p50", 49), ("p95", 94)):
        floor = [quantiles(plain, n=100)[nth] + quantiles(commits, n=100)[nth]]
        goal = {"p50": 10, "p95": 25}[kind]
        note = f"goal {goal}; floor: a plain answer and a commit"
        yield Figure(f"{name}: HTTP to completed, one block, {kind}", [quantiles(taken, n=100)[nth]], floor, "ms", note)
    reading = [1000 * floors.timed(lambda: server.client.get("/v1/runs/5")) for _ in range(TIMES)]
    yield Figure(f"{name}: one run, by HTTP", reading, plain, "ms", "goal 3; floor: a plain answer")


def _many(name: str, server: Server, folder: Path) -> Figure:
    """All of them asked for at once, until the last has ended."""
    with ThreadPoolExecutor(HANDS) as hands:
        began = time.perf_counter()
        ids = list(hands.map(lambda _: _begin(server, "three"), range(AT_ONCE)))
        list(hands.map(lambda run: _ended(server, run), ids))
        taken = time.perf_counter() - began
        plain = floors.timed(lambda: list(hands.map(lambda _: server.client.get("/v1/health"), range(AT_ONCE))))
    floor = AT_ONCE / (plain + AT_ONCE * median(floors.commits(folder / "home", AT_ONCE)))
    return Figure(f"{name}: {AT_ONCE} runs of three blocks at once", [AT_ONCE / taken], [floor], "runs/s")


def _run(server: Server, pipeline: str) -> None:
    answer = server.client.post("/v1/runs", json={"pipeline": pipeline}, headers={"Prefer": "wait=60"})
    assert answer.json()["status"] == "completed", answer.text


def _begin(server: Server, pipeline: str) -> int:
    return server.client.post("/v1/runs", json={"pipeline": pipeline}).json()["id"]


def _ended(server: Server, run: int) -> None:
    answer = server.client.get(f"/v1/runs/{run}", headers={"Prefer": "wait=60"})
    assert answer.json()["status"] == "completed", answer.text
