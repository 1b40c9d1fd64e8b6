"""Steps for tests: blocks that read and write datasets, moved by hand, over real tables."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import parquet
from tests.engine.parts import AT, Engine, new_run, project

from headrace import clock
from headrace.datasets import names
from headrace.engine.commits import Commit
from headrace.engine.committer import Committer
from headrace.engine.wakes import CommitTold
from headrace.model.dataset import Version
from headrace.model.limits import Limits
from headrace.model.output import DATASET, Output
from headrace.model.pipeline import Block, BlockType, Language, Pipeline
from headrace.model.run import Run
from headrace.settings import Settings
from headrace.worker import wire

Rows = Sequence[Mapping[str, Any]]
COLUMNS = [{"name": "x", "type": "int64"}]


def step(name: str, reads: Sequence[str] = (), writes: str = "", *, up: Sequence[str] = (), **config: Any) -> Block:
    """A block of SQL; without `writes` it writes the dataset of its own name. What else is given is how it is retried."""
    return Block(
        name,
        BlockType.TRANSFORMER,
        Language.SQL,
        upstream=tuple(up),
        reads=tuple(reads),
        writes=(writes or name,),
        retry_config=config,
    )


def plain(name: str, *, up: Sequence[str] = ()) -> Block:
    """A block of Python."""
    return Block(name, BlockType.CUSTOM, upstream=tuple(up))


class Mill:
    """An engine and its committer, in whose hands nothing moves by itself."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.home = engine.home
        self.settings = Settings(home=engine.home)
        self.committer = Committer(engine.store, self.settings, engine.loop.tell)

    def make(
        self, *blocks: Block, only: Iterable[str] | None = None, limits: Limits | None = None, **settings: Any
    ) -> Run:
        """A new run of these blocks, or of some of them, made for this engine."""
        pipeline = Pipeline("steps", blocks=blocks, limits=limits or Limits())
        version = hashlib.sha256(repr(pipeline).encode()).hexdigest()
        folder = project(self.home.parent / "p")
        pinned = self.engine.real.projects.pin(folder, folder.name, pipeline, version, "s", 1, AT)
        graph = {name: pipeline.graph[name] for name in only or pipeline.graph}
        return self.engine.real.runs.create(new_run(pinned, graph, **settings), AT, owner=self.engine.name).run

    def begin(self, *blocks: Block, **more: Any) -> "tuple[Run, Future[Run]]":
        run = self.make(*blocks, **more)
        done = self.engine.take(run)
        self.engine.turn()
        return run, done

    def stage(self, block: str, rows: Rows = ({"x": 1},), mode: str = "replace", **extra: Any) -> wire.Finished:
        """The block has run: these rows lie in its attempt's place, and are reported. The loop has heard nothing yet."""
        task = self.engine.shelf.tasks.pop(block)
        file = Path(task.place) / "rows.parquet"
        file.parent.mkdir(parents=True)
        table = pa.Table.from_pylist(list(rows))
        parquet.write_table(table, file)
        extra = {"dataset": task.writes[0], "mode": mode, **extra}
        path, size = str(file.relative_to(self.home)), file.stat().st_size
        output = Output(
            task.writes[0], DATASET, "parquet", path, size, len(table), (*COLUMNS,), {"x": None}, extra=extra
        )
        said = wire.Finished(
            attempt=task.attempt, epoch=task.epoch, status="completed", reason="returned", outputs=(output,)
        )
        self.engine.shelf.report(said)
        return said

    def run(self, block: str, rows: Rows = ({"x": 1},), mode: str = "replace", **extra: Any) -> None:
        """The block has run, and what it has written is committed, and recorded."""
        self.stage(block, rows, mode, **extra)
        self.engine.turn()
        self.commit()
        self.engine.turn()

    def commit(self) -> None:
        """Whatever was handed over is tried; what becomes of it the loop is told, and has not heard yet."""
        while self.engine.commits:
            self.engine.loop.tell(self.once(self.engine.commits.pop(0)))

    def once(self, commit: Commit) -> CommitTold:
        """One try. A table's log tells by the clock of the machine what is long ago, and what it may forget."""
        return self.committer.run_once(commit, clock.now())

    def table(self, name: str) -> DeltaTable:
        return DeltaTable(names.absolute(self.home, names.location(None, name)))

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Of its newest version."""
        return pa.table(self.table(name).to_pyarrow_table()).to_pylist()

    def commits_of(self, name: str) -> list[str]:
        """The attempts that have committed, the first first, as the table's log has it."""
        told = reversed(self.table(name).history())
        return [each["headrace.attempt"] for each in told if "headrace.attempt" in each]

    def versions(self, name: str) -> list[Version]:
        """As they are recorded, the first first."""
        found = self.engine.real.datasets.find(name)
        return list(reversed(self.engine.real.datasets.versions(found.id, 99))) if found else []

    def attempts(self, run: Run, block: str) -> list[Any]:
        (row,) = [row for row in self.engine.real.runs.block_runs(run.id) if row.block == block]
        return self.engine.real.runs.attempts([row.id]).get(row.id, [])
