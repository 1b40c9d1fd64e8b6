"""What can be run in a simulation: some dozens of drawn pipelines, with limits, retries, and a later version of each.

Some of their blocks write datasets, and read those of the blocks above them.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.timeline import EPOCH

from headrace.model.limits import Limits
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.store import Store

SIZE = 36
Graph = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Version:
    pipeline: Pipeline
    version_id: int
    snapshot_id: int


@dataclass(frozen=True)
class Work:
    """A pipeline: its versions, the first and a later one with other blocks; and the limits it comes under."""

    pipeline_id: int
    project: str
    limits: Limits
    versions: tuple[Version, Version]

    @property
    def poisoned(self) -> bool:
        """Whether nobody can say how often its blocks are tried: a run of it is let go once a block fails."""
        return any(block.retry_config.get("retries") == "often" for block in self.versions[0].pipeline.blocks)


def catalog(store: Store, folder: Path) -> list[Work]:
    """The same for every simulation; there are projects with a limit and one without."""
    rng = random.Random(4711)
    caps = {"free": None, "narrow": 2, "tight": 1}
    made = []
    for number in range(SIZE):
        project = rng.choice(list(caps))
        (folder / project / "pipelines").mkdir(parents=True, exist_ok=True)
        made.append(_work(store, rng, folder / project, f"p{number}", caps[project]))
    return made


def _work(store: Store, rng: random.Random, folder: Path, name: str, cap: int | None) -> Work:
    graph = _graph(rng)
    limits = Limits(
        project_blocks=cap,
        pipeline_runs=rng.choice([None, None, None, 1, 2]),
        trigger_runs=rng.choice([None, None, None, None, 1]),
        run_blocks=rng.choice([None, None, None, 1]),
        blocks={block: 1 for block in graph if rng.random() < 0.15},
        skip=rng.random() < 0.2,
    )
    config = {"retries": rng.choice([0, 0, 1, 2]), "delay": rng.choice([0, 1, 3])}
    if rng.random() < 0.05:
        config = {"retries": "often"}
    later = {block: ups for block, ups in graph.items() if block != max(graph, default="")} | {"later": ()}
    pinned = [
        (pipeline, store.projects.pin(folder, folder.name, pipeline, f"{name}-{n}", f"s{n}", 1, EPOCH))
        for n, pipeline in enumerate((_pipeline(name, graph, limits, config), _pipeline(name, later, limits, config)))
    ]
    versions = [Version(pipeline, row.version_id, row.snapshot_id) for pipeline, row in pinned]
    return Work(pinned[0][1].pipeline_id, folder.name, limits, (versions[0], versions[1]))


def _pipeline(name: str, graph: Graph, limits: Limits, config: Mapping[str, object]) -> Pipeline:
    blocks = (
        Block(
            block,
            BlockType.CUSTOM,
            upstream=ups,
            retry_config=config,
            writes=writes(name, block),
            reads=tuple(dataset for up in ups for dataset in writes(name, up)) if writes(name, block) else (),
        )
        for block, ups in graph.items()
    )
    return Pipeline(name, blocks=tuple(blocks), limits=limits)


def writes(pipeline: str, block: str) -> tuple[str, ...]:
    """The datasets that the block writes: in every other pipeline all but every third."""
    number, place = int(pipeline.removeprefix("p")), sum(block.encode())
    return (f"{pipeline}_{block}",) if number % 2 and place % 3 else ()


def _graph(rng: random.Random) -> Graph:
    """Up to five blocks, written in any order."""
    names = [f"b{n}" for n in range(rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5]))]
    above = {name: tuple(rng.sample(names[:n], rng.randint(0, min(n, 2)))) for n, name in enumerate(names)}
    rng.shuffle(names)
    return {name: above[name] for name in names}
