"""Parts of an engine that tests move by hand: threads are not started, and time is what they are told."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.engine.between import Gated, Trouble

from headrace import errors
from headrace.engine.answers import Question
from headrace.engine.commits import Commit
from headrace.engine.executor import Report, Slice
from headrace.engine.jobs import Jobs
from headrace.engine.loop import Loop
from headrace.engine.makers import Makers
from headrace.engine.secrets import Secrets
from headrace.engine.wakes import CancelAsked, Wake
from headrace.model.limits import Limits
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import Run, RunSettings
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.projects import Pinned
from headrace.store.runs import Key, NewRun
from headrace.vault import Vault
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Graph = Mapping[str, tuple[str, ...]]


def makers(store: Store, settings: Settings) -> Makers:
    return Makers(store, settings, Vault(settings.home))


def unavailable() -> errors.StoreUnavailable:
    return errors.StoreUnavailable(path="the test's", why="it was told to")


class Shelf:
    """An executor whose work lies on a shelf until somebody says how it went; or that answers at once."""

    def __init__(self, slots: int = 2, at_once: bool = False) -> None:
        self._slots = slots
        self._at_once = at_once
        self.tasks: dict[str, wire.Task] = {}  # by block
        self.given: list[str] = []  # attempts, in the order they came
        self.stopped: list[tuple[str, str]] = []  # block, reason
        self.answered: list[wire.Answered] = []
        self.until: list[float] = []
        self.closed = False

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, report: Callable[[Report], None]) -> None:
        self.report = report

    def submit(self, work: Slice) -> None:
        for task in work:
            self.tasks[task.block] = task
            self.given.append(task.attempt)
            if self._at_once:
                self.finish(task.block, "completed")

    def stop(self, attempt: str, reason: str) -> None:
        self.stopped += [(task.block, reason) for task in self.tasks.values() if task.attempt == attempt]

    def answer(self, answered: wire.Answered) -> None:
        self.answered.append(answered)

    def extend(self, until: float) -> None:
        self.until.append(until)

    def hold(self, file: int) -> None:
        self.held = file

    def close(self) -> None:
        self.closed = True

    def ask(self, block: str, number: int = 1, *, waits: bool = True) -> wire.Asked:
        """That block asks for a run of a pipeline `child`."""
        request = wire.StartRun(pipeline="child", variables={}, trigger="by code", waits=waits)
        said = wire.Asked(attempt=self.tasks[block].attempt, number=number, request=request)
        self.report(said)
        return said

    def finish(self, block: str, status: str, reason: str = "drawn", **more: Any) -> wire.Finished:
        task = self.tasks.pop(block)
        outputs = (Output("output_0", "dict", "json", task.attempt, 2),) if status == "completed" else ()
        said = wire.Finished(
            attempt=task.attempt, epoch=task.epoch, status=status, reason=reason, outputs=outputs, **more
        )
        self.report(said)
        return said


def project(folder: Path) -> Path:
    """A project folder, as empty as one may be."""
    (folder / "pipelines").mkdir(parents=True, exist_ok=True)
    return folder


def pin(
    store: Store, folder: Path, graph: Graph, limits: Limits | None = None, name: str = "", **config: Any
) -> Pinned:
    """A pipeline of that graph and of blocks with that retry configuration; each has its own unless it is named."""
    blocks = tuple(Block(block, BlockType.CUSTOM, upstream=ups, retry_config=config) for block, ups in graph.items())
    whole = f"{dict(graph)}{config}{limits}"
    pipeline = Pipeline(name or whole, blocks=blocks, limits=limits or Limits())
    version = hashlib.sha256(whole.encode()).hexdigest()
    return store.projects.pin(folder, folder.name, pipeline, version, "s", 1, AT)


def new_run(pinned: Pinned, graph: Graph, key: Key | None = None, at: datetime = AT, **settings: Any) -> NewRun:
    return NewRun(
        pipeline_id=pinned.pipeline_id,
        version_id=pinned.version_id,
        snapshot_id=pinned.snapshot_id,
        blocks=dict.fromkeys(graph),
        variables={},
        selection={},
        execution_date=at,
        reason="by hand",
        settings=RunSettings(**settings),
        key=key,
    )


class Engine:
    """A loop with a store between which and the loop there can be trouble."""

    def __init__(self, store: Store, home: Path, shelf: Shelf | None = None, observers: Sequence[Any] = ()) -> None:
        self.name = f"engine-{id(self)}"
        self.real = store  # what tests themselves read and write
        self.home = home
        self.shelf = shelf or Shelf()
        self.trouble = Trouble()
        self.store = Gated(store, self.trouble)
        self.roomier = 0
        self.asked: list[Question] = []
        self.commits: list[Commit] = []  # what the loop has handed over to be committed
        self.loop = Loop(self.store, self.shelf, observers, self._count, self.asked.append, self.commits.append)
        self.secrets = Secrets(self.store, Vault(home))
        self.expected = 0  # how often commits were
        self.jobs = Jobs(self.store, Settings(home=home), self.secrets, self._expect)
        self.shelf.start(self.loop._wakes.put)
        self.real.engines.register(self.name, home="h", machine="m", pid=1, lease=None, at=AT)

    def _count(self) -> None:
        self.roomier += 1

    def _expect(self) -> None:
        self.expected += 1

    def turn(self, at: datetime = AT) -> None:
        """One turn with everything that has happened."""
        events: list[Wake] = []
        while not self.loop._wakes.empty():
            events.append(self.loop._wakes.get())
        self.loop.run_once(events, at)

    def make(self, graph: Graph, limits: Limits | None = None, settings: Any = None, **config: Any) -> Run:
        """A new run of a new pipeline, made for this engine."""
        pinned = pin(self.real, project(self.home.parent / "p"), graph, limits, **config)
        return self.real.runs.create(new_run(pinned, graph, **(settings or {})), AT, owner=self.name).run

    def take(self, run: Run) -> "Future[Run]":
        return self.loop.take(self.jobs.read(run.id))

    def begin(self, graph: Graph, limits: Limits | None = None, **config: Any) -> tuple[Run, "Future[Run]"]:
        run = self.make(graph, limits, **config)
        return run, self.take(run)

    def cancel(self, run: Run, at: datetime = AT) -> None:
        asked = self.real.runs.request_cancel(run.id, at)
        assert asked
        self.loop.tell(CancelAsked(run.id, asked))

    def statuses(self, run: Run) -> dict[str, str]:
        return {row.block: row.status.value for row in self.real.runs.block_runs(run.id)}

    def moves(self, run: Run) -> list[str]:
        """What is recorded of the run, in order: `run.start`, `a block.queue`, …"""
        return [" ".join(filter(None, (each.block, each.kind))) for each in self.real.runs.events(run.id)]

    def bury(self) -> None:
        self.real.engines.bury(self.name)
