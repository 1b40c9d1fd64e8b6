"""After kill -9 of everything, in the middle of ten blocks of a second each: how soon the next block starts."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench import floors, projects, runs
from bench.figures import Figure
from headrace import settings, store
from headrace.model.run import Attempt
from headrace.operations import asking, starting
from headrace.store import Store

TIMES = 3
CODE = "import time\n\n@custom\ndef second(*args, **kwargs):\n    time.sleep(1)\n"


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        folder = Path(place)
        graph = projects.chain(10)
        project = projects.write(folder / "ten", "ten", graph, dict.fromkeys(graph, CODE))
        taken = [_restarted(folder / f"home-{n}", project) for n in range(TIMES)]
        floor = median(floors.interpreters(5, "-c", "import headrace.engine.services, headrace.executors.local"))
    yield Figure("killed and restarted: next block starts after", taken, [floor], "s", "floor: an engine's imports")


def _restarted(home: Path, project: Path) -> float:
    """Seconds from the start of the second engine's process to the first attempt that it begins."""
    environment = {**os.environ, "HEADRACE_HOME": str(home)}
    with runs.opened(home) as app:
        run = starting.create(app, asking.check(asking.Asked(project, "ten", {}))).run.id
    first = start(environment)
    opened = store.open(home, settings.load(environment).database)
    before = _wait(opened, run, 3)
    kill(first)
    began = datetime.now(UTC)
    second = start(environment)
    _wait(opened, run, before + 1)
    started = max(each.started_at for tries in _attempts(opened, run).values() for each in tries)
    kill(second)
    opened.close()
    return (started - began).total_seconds()


def start(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    headrace = Path(sys.executable).with_name("headrace")
    return subprocess.Popen([headrace, "engine", "--quiet"], env=environment, stdout=subprocess.DEVNULL)


def kill(engine: "subprocess.Popen[bytes]") -> None:
    """It, its warden, supervisor, template and workers, all at once."""
    below = subprocess.run(["pgrep", "-P", str(engine.pid)], capture_output=True, text=True, check=False).stdout.split()
    for pid in [engine.pid, *map(int, below)]:
        os.kill(pid, signal.SIGKILL)
    engine.wait()


def _wait(opened: Store, run: int, count: int) -> int:
    """Until so many attempts have begun; how many there are then."""
    while (found := sum(map(len, _attempts(opened, run).values()))) < count:
        time.sleep(0.02)
    return found


def _attempts(opened: Store, run: int) -> dict[int, list[Attempt]]:
    return opened.runs.attempts(row.id for row in opened.runs.block_runs(run))
