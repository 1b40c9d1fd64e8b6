"""A log of a million lines: its first page, its last, one in the middle, a search; memory; and how soon a follower hears."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import floors
from bench.figures import Figure
from headrace.logs import lines, merging
from headrace.logs.choice import ALL, Choice
from headrace.logs.cuts import BEGIN, Cut
from headrace.logs.growth import Growth
from headrace.logs.lines import Line
from headrace.logs.merging import Merged, Source

COUNT, LIMIT, TIMES = 1_000_000, 100, 15
AT = datetime(2026, 3, 1, tzinfo=UTC)
RARE = "a needle"
FOLLOWERS = 100

_PEAK = """
import sys, tracemalloc
from pathlib import Path
from bench import logs
tracemalloc.start()
logs.look(Path(sys.argv[1]))
print(tracemalloc.get_traced_memory()[1])
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.jsonl"
        write(path, COUNT)
        yield from _pages(path)
        yield from _searches(path)
        yield _memory(path)
        yield _woken(Path(folder) / "logs")


def write(path: Path, count: int) -> None:
    """A log of so many lines, a millisecond apart, with one rare text in the middle of the last tenth."""
    step = timedelta(milliseconds=1)
    with path.open("wb") as file:
        for number in range(count):
            rare = RARE if number == count * 95 // 100 else "a row"
            message = f"{number}: {rare} of the table was read, and its three columns were found to be right"
            file.write(lines.encode(Line(AT + number * step, "INFO", "stdout", message)))


def look(path: Path) -> None:
    """Every way to look at a log once."""
    source = _source(path)
    merging.after([source], BEGIN, LIMIT, ALL)
    merging.before([source], merging.end([source]), LIMIT, ALL)
    search(source, Choice(text=RARE))
    search(source, Choice(levels={"ERROR"}))


def search(source: Source, choice: Choice) -> list[Merged]:
    """Pages until there are no more."""
    found = [merging.after([source], BEGIN, LIMIT, choice)]
    while found[-1].more:
        found.append(merging.after([source], found[-1].behind, LIMIT, choice))
    return found


def _pages(path: Path) -> Iterator[Figure]:
    source = _source(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(size // 2)
        middle = Cut(1, {1: size // 2 + len(file.readline())})
    since = Choice(since=AT + timedelta(milliseconds=COUNT // 2))
    looks: dict[str, tuple[Callable[[], Merged], int]] = {
        "first page": (lambda: merging.after([source], BEGIN, LIMIT, ALL), 0),
        "last page": (lambda: merging.before([source], merging.end([source]), LIMIT, ALL), size - 2**14),
        "page in the middle": (lambda: merging.after([source], middle, LIMIT, ALL), size // 2),
        "page since a moment": (lambda: merging.after([source], BEGIN, LIMIT, since), size // 2),
    }
    for name, (deed, place) in looks.items():
        if len(deed().lines) != LIMIT:
            raise RuntimeError(f"the {name} has not {LIMIT} lines")
        taken = [1000 * floors.timed(deed) for _ in range(TIMES)]
        floor = [1000 * floors.timed(lambda place=place: _read(path, place, 2**14)) for _ in range(TIMES)]
        yield Figure(f"log of {COUNT} lines: {name} of {LIMIT}", taken, floor, "ms", "floor: 16 KiB of it are read")


def _searches(path: Path) -> Iterator[Figure]:
    source, size = _source(path), path.stat().st_size
    looks = {
        f"a text that one line has: {size >> 20} MiB": (Choice(text=RARE), 1),
        "a level that no line has": (Choice(levels={"ERROR"}), 0),
    }
    floor = [1000 * floors.timed(lambda: _read(path, 0, size)) for _ in range(5)]
    for name, (choice, count) in looks.items():
        pages = search(source, choice)
        if sum(len(page.lines) for page in pages) != count:
            raise RuntimeError(f"{name}: not {count} lines")
        taken = [1000 * floors.timed(lambda choice=choice: search(source, choice)) for _ in range(5)]
        note = f"{len(pages)} pages; floor: its bytes are read"
        yield Figure(f"search in {COUNT} lines: {name}", taken, floor, "ms", note)
        first = [1000 * floors.timed(lambda choice=choice: merging.after([source], BEGIN, 1, choice)) for _ in range(5)]
        part = [1000 * floors.timed(lambda: _read(path, 0, merging.READ)) for _ in range(5)]
        yield Figure("… and its first page, which gives up", first, part, "ms", "floor: 16 MiB are read")


def _memory(path: Path) -> Figure:
    """What is taken at most during all of these looks, beside what is at a tenth of the log."""
    small = path.with_name("small.jsonl")
    write(small, COUNT // 10)
    taken, floor = ([_peak(each) for _ in range(2)] for each in (path, small))
    return Figure(f"looking at {COUNT} lines: memory", taken, floor, "MiB", "floor: at a tenth of the lines")


def _peak(path: Path) -> float:
    said = subprocess.run([sys.executable, "-c", _PEAK, str(path)], check=True, capture_output=True, text=True).stdout
    return int(said) / 2**20


def _woken(folder: Path) -> Figure:
    """From a line that is written to the moment at which the last of a hundred followers is told."""
    path = folder / "run" / "1.jsonl"
    path.parent.mkdir(parents=True)
    taken, floor = list[float](), list[float]()
    with closing(Growth(folder)) as growth, path.open("ab", buffering=0) as file:
        calls = threading.Semaphore(0)
        for _ in range(FOLLOWERS):
            growth.watch("run", calls.release)
        for _ in range(TIMES):
            time.sleep(0.05)  # until the growth has come to rest
            began = time.perf_counter()
            file.write(b"x\n")
            for _ in range(FOLLOWERS):
                calls.acquire()
            taken.append(1000 * (time.perf_counter() - began))
    for seconds in floors.calls(TIMES):
        floor.append(1000 * seconds)
    return Figure(
        f"a line is written: {FOLLOWERS} followers are told", taken, floor, "ms", "floor: a call to a process"
    )


def _read(path: Path, place: int, size: int) -> None:
    with path.open("rb", buffering=0) as file:
        file.seek(place)
        while size > 0 and (chunk := file.read(min(size, 2**20))):
            size -= len(chunk)


def _source(path: Path) -> Source:
    return Source(1, path, AT, AT + timedelta(days=1))
