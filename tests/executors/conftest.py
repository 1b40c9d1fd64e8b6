"""A small project, an executor that runs its blocks in real processes, and what the two tell."""

import contextlib
import itertools
import os
import queue
import select
import socket
import textwrap
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.engine import executor as port
from headrace.executors import local
from headrace.logs import lines, reading
from headrace.model.run import Run, RunStatus
from headrace.settings import Settings
from headrace.worker import processes, wire

PROMPT = 1.0  # seconds within which a dead worker is told of
PATIENCE = 30.0  # seconds after which a test gives up; the machine may be busy


class Site:
    """A project whose blocks are written by the test, and which can hear what they say while they run.

    A block's code is the body of its function; `say(text)` and `wait_for(name)` are at its hand.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "project"
        self.project.mkdir()
        self.mark = uuid.uuid4().hex
        self._numbers = itertools.count(1)
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(root / "ear"))
        self._ear.settimeout(PATIENCE)

    def workplace(self, **changes: Any) -> wire.Workplace:
        facts: dict[str, Any] = {
            "project": "project",
            "snapshot": str(self.project),
            "live": str(self.project),
            "cwd": str(self.root),
            "environment": {"PATH": os.environ["PATH"], "SITE_MARK": self.mark},
        }
        return wire.Workplace(**facts | changes)

    def task(self, body: str = "pass", workplace: wire.Workplace | None = None, **facts: Any) -> wire.Task:
        number = next(self._numbers)
        file = self.project / "custom" / f"block{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            _PRELUDE.format(root=str(self.root), body=textwrap.indent(textwrap.dedent(body).strip(), "    "))
        )
        defaults: dict[str, Any] = {
            "attempt": f"{self.mark}-{number}",
            "epoch": 7,
            "block": f"block{number}",
            "kind": "custom",
            "language": "python",
            "file": f"custom/block{number}.py",
            "inputs": (),
            "variables": {},
            "workplace": workplace or self.workplace(),
            "place": str(self.root / "outputs" / str(number)),
            "home": str(self.root),
            "log": str(self.root / "logs" / f"{number}.log"),
        }
        return wire.Task(**defaults | facts)

    def hear(self) -> str:
        """What a block says next."""
        return self._ear.recv(4096).decode()

    def let(self, name: str) -> None:
        """Lets the blocks go on that wait for this name."""
        (self.root / name).touch()

    def log(self, task: wire.Task) -> list[lines.Line]:
        return list(reading.read(Path(task.log)))

    def watch(self, *pids: int) -> "Watched":
        return Watched(*pids)

    def processes(self) -> list[int]:
        """All that carry this site's mark in their environment, other than this one; a dead one has none."""
        found: list[int] = []
        for process in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"SITE_MARK={self.mark}".encode() in process.read_bytes():
                    found.append(int(process.parent.name))
        return [pid for pid in found if pid != os.getpid()]

    def wardens(self) -> list[int]:
        """Of the executors that were opened for it; what else runs in this process may have others."""
        children = set(processes.children(os.getpid()))
        return [pid for pid in self.processes() if pid in children]

    def close(self) -> None:
        self._ear.close()


_PRELUDE = """
import os, signal, socket, subprocess, sys, threading, time
from mage_ai.orchestration.triggers.api import trigger_pipeline

def started(waits=True, **more):
    return trigger_pipeline("other", check_status=waits, verbose=False, **more).id

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
        mouth.sendto(str(text).encode(), {root!r} + "/ear")

def wait_for(name):
    while not os.path.exists({root!r} + "/" + name):
        time.sleep(0.002)

@custom
def block(*args, **kwargs):
{body}
"""


class Desk:
    """An executor and what it reported: each attempt's `Finished`, which comes once, and what it asked before."""

    def __init__(self, executor: port.Executor) -> None:
        self.executor = executor
        self._reports: queue.SimpleQueue[port.Report] = queue.SimpleQueue()
        self._finished: dict[str, wire.Finished] = {}
        self._profiled: dict[str, wire.Profiled] = {}
        self._asked: dict[tuple[str, int], wire.Asked] = {}
        executor.start(self._reports.put)

    def submit(self, *tasks: wire.Task) -> None:
        for task in tasks:
            self.executor.submit((task,))

    def finished(self, task: wire.Task, within: float = PATIENCE) -> wire.Finished:
        """The outcome of that task; reports of others are kept."""
        while task.attempt not in self._finished:
            self._keep(self._reports.get(timeout=within))
        return self._finished[task.attempt]

    def profiled(self, task: wire.Task) -> wire.Profiled:
        """What was found out about its outputs after that."""
        while task.attempt not in self._profiled:
            self._keep(self._reports.get(timeout=PATIENCE))
        return self._profiled[task.attempt]

    def asked(self, task: wire.Task, number: int = 1) -> wire.Asked:
        """That question of the task's block."""
        while (task.attempt, number) not in self._asked:
            self._keep(self._reports.get(timeout=PATIENCE))
        return self._asked[task.attempt, number]

    def answer(self, task: wire.Task, number: int = 1, **facts: Any) -> None:
        """Tells the block of the run that it has asked for."""
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        run = Run(number, f"run-{number}", 1, 1, 1, RunStatus.COMPLETED, "all blocks settled", {}, moment, moment)
        told = wire.Told(run=replace(run, **facts), pipeline="other")
        self.executor.answer(wire.Answered(attempt=task.attempt, number=number, answer=told))

    def _keep(self, report: port.Report) -> None:
        if isinstance(report, wire.Asked):
            self._asked[report.attempt, report.number] = report
            return
        kept: dict[str, Any] = self._finished if isinstance(report, wire.Finished) else self._profiled
        assert report.attempt not in kept, "an attempt was reported twice"
        kept[report.attempt] = report

    def run(self, task: wire.Task, within: float = PATIENCE) -> wire.Finished:
        self.submit(task)
        return self.finished(task, within)

    def silent(self) -> bool:
        """Nothing more was reported by now."""
        return self._reports.empty()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with contextlib.closing(Site(tmp_path)) as made:
        monkeypatch.setenv("SITE_MARK", made.mark)
        yield made


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One executor for tests that leave it as they found it; `desk` is for those that do not."""
    opened = Desk(local.Local(Settings(home=tmp_path_factory.mktemp("home"), workers=2, stop_grace=0.2)))
    yield opened
    opened.executor.close()
    assert opened.silent()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, workers=2, stop_grace=0.2)


@pytest.fixture
def desk(site: Site, settings: Settings) -> Iterator[Desk]:
    """A local executor of two slots. When it is closed, none of its processes is left."""
    opened = Desk(local.Local(settings))
    yield opened
    opened.executor.close()
    assert site.processes() == []


class Watched:
    """Processes whose end can be waited for; some may be gone already."""

    def __init__(self, *pids: int) -> None:
        self._descriptors: list[int] = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                self._descriptors.append(os.pidfd_open(pid))

    def wait(self, within: float) -> None:
        """Until all are gone; fails when one is not by then."""
        for descriptor in self._descriptors:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(within * 1000), "a process survived"
            os.close(descriptor)
