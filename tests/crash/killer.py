"""The killer: SIGKILL for an engine, or one of the processes below it, every 20 to 120 ms, as a seed draws them."""

import contextlib
import os
import random
import select
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.crash.history import by
from tests.crash.works import Engine, Works

from headrace import clock

SHORTEST, LONGEST = 0.020, 0.120  # seconds between two kills
# What takes long to come back is killed seldom, so that there is something to be killed.
WEIGHTS = {"engine": 1, "warden": 0.7, "supervisor": 0.7, "template": 2, "worker": 10, "everything": 0.3}
SPARED = 40  # against those: the chance of all processes while engines are only getting ready
TITLES = {
    "headrace-warden": "warden",
    "headrace-superv": "supervisor",
    "headrace-templ": "template",
    "headrace-worker": "worker",
}


class Killer:
    """Keeps so many engines going, by starting another for each that is killed; kills those `beside` them as well."""

    def __init__(self, works: Works, seed: int, engines: int, beside: Sequence[Engine]) -> None:
        self.kills: Counter[str] = Counter()
        self._works = works
        self._draw = random.Random(seed)
        self._beside = beside
        self._engines = [works.start() for _ in range(engines)]
        self._killed: set[int] = set()

    def kill(self, times: int, between: Callable[[], object]) -> None:
        """So many kills. `between` two of them it is called, for whatever else is to be done."""
        while self.kills.total() < times:
            self._pause(self._draw.uniform(SHORTEST, LONGEST))
            self._kill_one()
            between()

    def rest(self) -> None:
        """No more kills; until every run is final."""
        self._works.wait(self._is_done, "every run is final")

    def _is_done(self) -> bool:
        self._replace()
        return self._works.count_open() == 0

    def _pause(self, seconds: float) -> None:
        """That long, with another engine started at once for each that is gone."""
        ends = clock.monotonic() + seconds
        while (left := ends - clock.monotonic()) > 0:
            self._replace()
            ending = select.poll()
            with contextlib.ExitStack() as files:
                for engine in self._engines:
                    file = os.pidfd_open(engine.pid)
                    files.callback(os.close, file)
                    ending.register(file, select.POLLIN)
                ending.poll(left * 1000)

    def _replace(self) -> None:
        for place, engine in enumerate(self._engines):
            if not engine.lives:
                by_itself = engine.pid not in self._killed
                assert not by_itself, (
                    f"an engine ended by itself: {engine.process.returncode}\n{engine.log.read_text()}"
                )
                self._engines[place] = self._works.start()

    def _kill_one(self) -> None:
        """One of a role that is drawn from those that are there. Where no worker is yet, nobody is killed as a rule."""
        alive = [engine for engine in (*self._engines, *self._beside) if engine.lives]
        found = by((each for engine in alive for each in below(engine.pid)), lambda each: each[1])
        chances = {role: chance for role, chance in WEIGHTS.items() if role in found or role == "everything"}
        if "worker" not in found:
            chances["nobody"] = SPARED
        role = self._draw.choices([*chances], [*chances.values()])[0]
        if role == "everything":
            self._kill_everything()
        elif role != "nobody":
            self._kill_process(self._draw.choice(sorted(found[role]))[0], role)

    def _kill_process(self, victim: int, role: str) -> None:
        self._killed.add(victim)
        self.kills[role] += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)

    def _kill_everything(self) -> None:
        self._killed |= {engine.pid for engine in self._engines}
        self._works.kill_all()
        self.kills["everything"] += 1


def below(engine: int) -> list[tuple[int, str]]:
    """The engine and the processes that headrace has below it, each with its role; what blocks start is not among them."""
    found = [(engine, "engine")]
    for pid, role in found:
        for child in _children(pid) if role != "worker" else ():
            if title := _title(child):
                found.append((child, title))
    return found


def _title(pid: int) -> str | None:
    with contextlib.suppress(OSError):
        return TITLES.get(Path(f"/proc/{pid}/comm").read_text().strip())
    return None


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        listed = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for each in listed for child in each.read_text().split()]
    return []
