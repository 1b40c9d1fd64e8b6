"""A frame of five million rows and six columns goes from one block to the next.

The floor is the same library's own way in two bare processes: convert, write raw Arrow, sync, map, convert back. Time
is from the producer's return to the consumer's first statement; memory is the larger peak of the two.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import projects, runs
from bench.figures import Figure

ROWS, TIMES = 5_000_000, 5

PANDAS = """
import numpy as np
import pandas as pd
random = np.random.default_rng(7)
frame = pd.DataFrame({
    "a": random.integers(0, 1 << 40, ROWS), "b": random.integers(0, 1000, ROWS), "c": random.random(ROWS),
    "d": random.random(ROWS), "e": random.integers(0, 2, ROWS).astype("int8"), "f": random.random(ROWS).astype("float32"),
})
"""
POLARS = PANDAS.replace("import pandas as pd", "import polars as pl").replace("pd.DataFrame", "pl.DataFrame")
STRINGS = PANDAS + 'frame["g"] = np.char.add("key-", (frame["b"].to_numpy()).astype(str)).astype(object)\n'

PRODUCE = """
@custom
def produce(*args, **kwargs):
    import time
{making}
    print("returned", time.monotonic())
    return frame
"""
CONSUME = """
@custom
def consume(frame, *args, **kwargs):
    import time
    print("entered", time.monotonic())
    return float(frame["c"].sum())
"""

FLOOR_PRODUCE = """
import os, time, sys, resource
import pyarrow as pa
{making}
began = time.monotonic()
table = {convert}
with open(sys.argv[1], "wb") as file:
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    file.flush()
    os.fsync(file.fileno())
print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
FLOOR_CONSUME = """
import time, sys, resource
import pyarrow as pa, {library}
began = time.monotonic()
frame = {back}
taken = time.monotonic() - began
frame["c"].sum()
print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

READ = "pa.ipc.open_file(pa.memory_map(sys.argv[1])).read_all()"
KINDS = {
    "pandas, numbers": ("pandas", PANDAS, "pa.Table.from_pandas(frame)", f"{READ}.to_pandas()"),
    "polars, numbers": ("polars", POLARS, "frame.to_arrow()", f"polars.from_arrow({READ})"),
    "pandas, with strings": ("pandas", STRINGS, "pa.Table.from_pandas(frame)", f"{READ}.to_pandas()"),
}
LINES = 1000  # of a block's log, more than any of these writes


def measure() -> list[Figure]:
    return [figure for kind in KINDS for figure in _measured(kind)]


def _measured(kind: str) -> list[Figure]:
    library, making, convert, back = KINDS[kind]
    making = making.replace("ROWS", str(ROWS))
    times, peaks, floor_times, floor_peaks = [], [], [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        indented = "".join(f"    {line}\n" for line in making.splitlines())
        code = {"produce": PRODUCE.format(making=indented), "consume": CONSUME}
        project = projects.write(folder / "frames", "frames", {"produce": [], "consume": ["produce"]}, code)
        floor = [FLOOR_PRODUCE.format(making=making, convert=convert), FLOOR_CONSUME.format(library=library, back=back)]
        with runs.engine(folder / "home") as app:
            runs.run(app, project, "frames")
            for _ in range(TIMES):
                taken, peak = _headrace(app, project)
                times.append(taken), peaks.append(peak)
                taken, peak = _floor(floor, folder / "floor.arrow")
                floor_times.append(taken), floor_peaks.append(peak)
    return [
        Figure(
            f"hand-over of 5 M x 6, {kind}: time", times, floor_times, "s", "floor: convert, write, sync, map, convert"
        ),
        Figure(
            f"hand-over of 5 M x 6, {kind}: memory", peaks, floor_peaks, "MiB", "floor: the larger of two processes"
        ),
    ]


def _headrace(app: "runs.App", project: Path) -> tuple[float, float]:
    shown = runs.run(app, project, "frames")
    said = {block: _said(app, shown, block) for block in ("produce", "consume")}
    peak = max(attempts[-1].peak_bytes or 0 for attempts in shown.attempts.values())
    return said["consume"] - said["produce"], peak / 2**20


def _said(app: "runs.App", shown: "runs.runs.Shown", block: str) -> float:
    lines = runs.runs.log_end(app, shown, runs.runs.attempt(shown, block), LINES)
    return float(lines[0].message.split()[1])


def _floor(programs: list[str], path: Path) -> tuple[float, float]:
    answers = [
        subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True).stdout
        for program in programs
    ]
    taken, peaks = zip(*((float(first), int(second)) for first, second in map(str.split, answers)), strict=True)
    return sum(taken), max(peaks) / 1024
