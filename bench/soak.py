"""Half an hour at twenty runs a second: what grows besides what is kept of the runs. Not among the others, for its length.

HEADRACE_SOAK_MINUTES makes it shorter. Slopes are least squares over the last two thirds, when everything is warm.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from bench import databases, projects, servers
from bench.figures import Figure
from bench.servers import MEBIBYTE, Server, family, proportional

MINUTES = float(os.environ.get("HEADRACE_SOAK_MINUTES", "30"))
A_SECOND, EVERY = 20, 10.0  # runs, and seconds between two looks


@dataclass(frozen=True, slots=True)
class Look:
    seconds: float
    runs: int
    memory: float  # MB (PSS) of all processes
    descriptors: int
    threads: int
    kept: float  # MB of the database


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    if database:
        return  # the size of a server's database is not to be seen from here
    mill = projects.write(folder / "mill", "one", projects.chain(1), {})
    with servers.served(folder / "home", database, mill) as server:
        looks = _soak(server, folder / "home" / "headrace.db")
    warm = looks[len(looks) // 3 :]
    hours = [look.seconds / 3600 for look in warm]
    runs = warm[-1].runs - warm[0].runs
    rate = runs / (warm[-1].seconds - warm[0].seconds)
    yield Figure(f"{name}: soak of {MINUTES:g} minutes", [rate], [A_SECOND], "runs/s", "floor: what was asked for")
    for kind, unit in (("memory", "MB/h"), ("descriptors", "1/h"), ("threads", "1/h")):
        values = [float(getattr(look, kind)) for look in warm]
        slope = linear_regression(hours, values).slope
        yield Figure(f"{name}: soak, {kind}", [slope], [values[0]], unit, "floor: how much there was at first")
    by_run = linear_regression([float(look.runs) for look in warm], [look.kept * 1024 for look in warm]).slope
    whole = looks[-1].kept * 1024 / looks[-1].runs
    yield Figure(f"{name}: soak, database by each further run", [by_run], [whole], "KiB", "floor: the mean of all")


def _soak(server: Server, file: Path) -> Sequence[Look]:
    """The looks, while runs are asked for at an even pace."""
    over, asked = threading.Event(), [0]
    looks: list[Look] = []
    with ThreadPoolExecutor(8) as hands:
        pace = threading.Thread(target=_ask, args=(server, hands, over, asked))
        pace.start()
        began = time.monotonic()
        try:
            while time.monotonic() - began < 60 * MINUTES:
                time.sleep(EVERY)
                with contextlib.suppress(FileNotFoundError):  # a process has ended while it was looked at
                    looks.append(_look(server, file, time.monotonic() - began))
        finally:
            over.set()
            pace.join()
    return looks


def _ask(server: Server, hands: ThreadPoolExecutor, over: threading.Event, asked: list[int]) -> None:
    due = time.monotonic()
    while not over.is_set():
        due += 1 / A_SECOND
        over.wait(max(0.0, due - time.monotonic()))
        hands.submit(server.client.post, "/v1/runs", json={"pipeline": "one"})
        asked[0] += 1


def _look(server: Server, file: Path, seconds: float) -> Look:
    processes = family(server.process.pid)
    ended = server.client.get("/v1/runs/counts").json()
    return Look(
        seconds=seconds,
        runs=ended.get("completed", 0),
        memory=sum(map(proportional, processes)) / MEBIBYTE,
        descriptors=sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in processes),
        threads=sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in processes),
        kept=file.stat().st_size / MEBIBYTE,
    )
