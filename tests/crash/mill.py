"""The mill: a project whose blocks keep the ledger, in pipelines of several shapes, and what each shape promises."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCKS = Path(__file__).with_name("blocks")

CODE = """\
from {project}.utils import ledger


@custom
def {block}(*args, **kwargs):
    return ledger.work(args, kwargs)
"""


@dataclass(frozen=True)
class Shape:
    """A pipeline: blocks with their upstreams, what they do, how often they are tried, and how many run at once."""

    name: str
    blocks: Mapping[str, Sequence[str]]
    does: Mapping[str, Any] = field(default_factory=dict)  # the configuration of every block; see blocks/ledger.py
    retries: int = 8
    runs: int | None = None  # of this pipeline
    at_once: int | None = None  # blocks within one run
    each: Mapping[str, int] = field(default_factory=dict)  # of one block, over all runs

    def slots(self, block: str) -> dict[str, int]:
        """How many may run at once under each limit that the block comes under."""
        of_run = {"RUN": self.at_once} if self.at_once else {}
        of_block = {f"{self.name}.{block}": self.each[block]} if block in self.each else {}
        return {**of_run, **of_block}

    def written(self, above: Mapping[str, int]) -> dict[str, Any]:
        """As the pipeline's metadata says it; `above` are the slots of all pipelines."""
        concurrency = {"pipeline_run_limit_all_triggers": self.runs, "block_run_limit": self.at_once}
        blocks = [
            {
                "uuid": block,
                "type": "custom",
                "upstream_blocks": list(upstreams),
                "configuration": {**self.does, "slots": {**above, **self.slots(block)}},
                **({"concurrency_config": {"block_run_limit": self.each[block]}} if block in self.each else {}),
            }
            for block, upstreams in self.blocks.items()
        ]
        return {
            "blocks": blocks,
            "retry_config": {"retries": self.retries, "delay": 0},
            "concurrency_config": {name: most for name, most in concurrency.items() if most},
        }


USUAL = {"slow": 12, "fails": 0.06, "starts": 0.15}

CHAIN = Shape("chain", {"sow": [], "reap": ["sow"], "thresh": ["reap"], "bake": ["thresh"]}, USUAL)
DIAMOND = Shape(
    "diamond",
    {"sow": [], "east": ["sow"], "west": ["sow"], "bake": ["east", "west"]},
    {**USUAL, "bytes": 20_000},  # too large for a row: it lies in a file
    runs=2,
)
FAN = Shape(
    "fan",
    {"sow": [], **{f"field{number}": ["sow"] for number in range(5)}, "bake": [f"field{n}" for n in range(5)]},
    USUAL,
    at_once=2,
    each={"bake": 1},
)
FRAIL = Shape(
    "frail", {"sow": [], "reap": ["sow"], "bake": ["reap"]}, {"slow": 5, "fails": 0.5}, retries=1, each={"reap": 1}
)
SHAPES = {shape.name: shape for shape in (CHAIN, DIAMOND, FAN, FRAIL)}


@dataclass(frozen=True)
class Mill:
    """The project: its pipelines by name, and how many blocks of all of them may run at once."""

    shapes: Mapping[str, Shape] = field(default_factory=lambda: SHAPES)
    at_once: int | None = None

    def write(self, folder: Path) -> None:
        """The project's folder, made anew."""
        (folder / "utils").mkdir(parents=True)
        (folder / "custom").mkdir()
        (folder / "utils" / "__init__.py").touch()
        shutil.copy(BLOCKS / "ledger.py", folder / "utils" / "ledger.py")
        metadata = {"queue_config": {"concurrency": self.at_once}} if self.at_once else {}
        (folder / "metadata.yaml").write_text(json.dumps(metadata))
        for shape in self.shapes.values():
            self._write_pipeline(folder, shape)

    def _write_pipeline(self, folder: Path, shape: Shape) -> None:
        place = folder / "pipelines" / shape.name
        place.mkdir(parents=True)
        above = {"project": self.at_once} if self.at_once else {}
        (place / "metadata.yaml").write_text(json.dumps(shape.written(above)))
        for block in shape.blocks:
            (folder / "custom" / f"{block}.py").write_text(CODE.format(project=folder.name, block=block))
