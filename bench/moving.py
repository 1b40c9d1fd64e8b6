"""Moving runs forward: a chain and a fan-out of blocks that do nothing, so that only headrace's own work is left."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import databases, floors, projects, runs
from bench.figures import Figure

LENGTH, WIDTH, TIMES = 50, 200, 9


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    floor = median(floors.calls(500)) + databases.commit(folder, database)
    chain = projects.write(folder / "chain", "chain", projects.chain(LENGTH), {})
    fan = projects.write(folder / "fan", "fan", projects.fan_out(WIDTH), {})
    with runs.engine(folder / "home", database) as app:
        runs.run(app, chain, "chain"), runs.run(app, fan, "fan")  # workers are warm from here on
        chained = [runs.seconds(runs.run(app, chain, "chain")) / LENGTH * 1000 for _ in range(TIMES)]
        fanned = [(WIDTH + 2) / runs.seconds(runs.run(app, fan, "fan")) for _ in range(TIMES)]
    one = "floor: one call into a warm process and one commit"
    two = "floor: two workers, each a call and a commit a block"
    yield Figure(f"{name}: chain of {LENGTH}, each empty block", chained, [floor * 1000], "ms", one)
    yield Figure(f"{name}: fan-out 1 to {WIDTH} to 1", fanned, [2 / floor], "blocks/s", two)
