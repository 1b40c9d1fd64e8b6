"""Steps of SQL: the 22 questions of TPC-H at scale 1, each read, run and committed, against the bare query.

The floor is the same query in a warm DuckDB on the same files, in the same minutes. One step sorts more than its memory.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from pathlib import Path
from typing import Any

from bench import runs, tpch
from bench.figures import Figure
from headrace.app import App
from headrace.operations.runs import Shown

SCALE, TIMES = 1, 3
SORT = "select * from lineitem order by l_comment, l_orderkey"
METADATA = """
blocks:
- uuid: sorted
  type: transformer
  language: sql
  configuration: {output_datasets: [sorted]}
  executor_config: {memory_limit: 256MiB}
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        folder = Path(place)
        files = tpch.generate(folder, SCALE)
        with runs.engine(folder / "home") as app:
            tpch.enter(app, files)
            yield from _questions(app, tpch.write(folder / "steps", at_once=1), files)
            yield _larger_than_memory(app, folder / "sorting", files)


def _questions(app: App, project: Path, files: Mapping[str, Path]) -> Iterator[Figure]:
    """Each question, and the sum of them."""
    database = tpch.opened(files)
    runs.run(app, project, "tpch")  # workers are warm from here on
    sums: list[list[float]] = [[0.0] * TIMES, [0.0] * TIMES]
    for name in tpch.QUERIES:
        taken, bare = zip(*(_both(app, project, database, name) for _ in range(TIMES + 1)), strict=True)
        yield Figure(f"TPC-H {name} as a step", _milliseconds(taken[1:]), _milliseconds(bare[1:]), "ms")
        sums = [list(map(add, before, of)) for before, of in zip(sums, (taken[1:], bare[1:]), strict=True)]
    yield Figure("TPC-H, the sum of its steps", sums[0], sums[1], "s", "floor: the bare queries")


def _both(app: App, project: Path, database: Any, name: str) -> tuple[float, float]:
    """Seconds of the step, and of the bare query right before it; both find the same."""
    began = time.perf_counter()
    answer = database.execute(tpch.QUERIES[name]).fetchall()
    bare = time.perf_counter() - began
    shown = runs.run(app, project, "tpch", [name])
    if _found(shown, name) != answer:
        raise RuntimeError(f"the step {name} has found something else than DuckDB")
    return _seconds(shown, name), bare


def _milliseconds(seconds: Sequence[float]) -> list[float]:
    return [each * 1000 for each in seconds]


def _found(shown: Shown, name: str) -> Any:
    (output,) = shown.attempts[name][-1].outputs
    return tpch.rows(shown.home / output.path)


def _seconds(shown: Shown, name: str) -> float:
    """From the moment the step was handed to a worker until its dataset had a new version and that was recorded."""
    (block,) = [each for each in shown.blocks if each.block == name]
    assert block.started_at and block.ended_at
    return (block.ended_at - block.started_at).total_seconds()


def _larger_than_memory(app: App, project: Path, files: Mapping[str, Path]) -> Figure:
    (project / "pipelines/sorting").mkdir(parents=True)
    (project / "transformers").mkdir()
    (project / "pipelines/sorting/metadata.yaml").write_text(METADATA)
    (project / "transformers/sorted.sql").write_text(SORT)
    shown = runs.run(app, project, "sorting")
    peak = (shown.attempts["sorted"][-1].peak_bytes or 0) / 2**20
    began = time.perf_counter()
    tpch.opened(files).execute(f"copy ({SORT}) to '{project}/sorted.parquet' (format parquet)")
    note = f"peak {peak:.0f} MiB; floor: the same with all of the machine's memory"
    return Figure(
        "a gigabyte sorted within 256 MiB", [_seconds(shown, "sorted")], [time.perf_counter() - began], "s", note
    )
