"""The database of one attempt: new, in memory, and shut but for the datasets that its query reads."""

import functools
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.datasets import names, reading, tables, types
from headrace.datasets.reading import Files
from headrace.datasets.scanning import scan
from headrace.project import queries
from headrace.worker import wire

_PAGE = os.sysconf("SC_PAGESIZE")
_UNCOUNTED = 40 * 2**20  # bytes that a database takes beside what it counts
_LEAST = 64 * 2**20  # bytes without which none works
_A_THREAD = 112 * 2**20  # bytes that each of its threads works with
_MOST_KNOWN = 64  # versions of tables whose files are remembered

_done: list[Any] = []  # databases whose attempt is over and that are still to be closed; at most one


@contextmanager
def opened(reads: Sequence[wire.Dataset], limit: int | None, result: Path) -> Generator[Any]:
    """A connection to one that has these datasets as tables, and may write the file `result`; nothing else is in reach.

    What does not fit into its memory it spills beside the result, until the body is done. `limit` counts the bytes that
    this process may take. Raises DatasetUnreadable.
    """
    _close()
    spill = result.parent / "spill"
    inputs = [_Input.of(each) for each in reads]
    connection = queries.database()
    _done.append(connection)
    try:
        _bound(connection, limit, spill)
        for each in inputs:
            each.show(connection)
        _shut(connection, [str(path) for each in inputs for path in each.files.paths] + [str(result)])
        yield connection
    finally:
        _leave(spill)


def get_ready() -> None:
    """Closes the last database and makes the next one, while nobody waits: either takes longer than many a query."""
    _close()
    queries.get_ready()


def _leave(spill: Path) -> None:
    """What was spilled goes at once, and the database with it; one that has spilled nothing can wait to be closed."""
    if spill.exists():
        _close()
        shutil.rmtree(spill, ignore_errors=True)


def _close() -> None:
    while _done:
        _done.pop().close()


def _bound(connection: Any, limit: int | None, spill: Path) -> None:
    room = _room(limit)
    settings = {
        "memory_limit": f"{room // 2**20}MiB",
        "threads": max(1, min(len(os.sched_getaffinity(0)), room // _A_THREAD)),
        "temp_directory": str(spill),
        "home_directory": str(spill),
        "extension_directory": str(spill),
        "parquet_metadata_cache": True,
        "enable_progress_bar": False,
        "TimeZone": "UTC",  # wherever a step runs, it finds the same
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = $value", {"value": value})


def _room(limit: int | None) -> int:
    """Bytes that a database may take of those this process may.

    Where that may take any: of what the machine has left, the share of one processor. On each of them a step may run.
    """
    if limit is None:
        return max(_LEAST, _left() // (os.cpu_count() or 1))
    with Path("/proc/self/statm").open("rb") as file:
        resident = int(file.read().split()[1]) * _PAGE
    return max(_LEAST, limit - resident - _UNCOUNTED)


def _left() -> int:
    """Bytes of the machine's memory that are to be had."""
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(told["MemAvailable"].removesuffix("kB")) * 2**10


def _shut(connection: Any, within_reach: Sequence[str]) -> None:
    """From now on it reaches just these files, and nothing changes that."""
    connection.execute("SET allowed_paths = $paths", {"paths": list(within_reach)})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@dataclass(frozen=True, slots=True)
class _Input:
    """A dataset as a query sees it: the files of one version, or rows that stream from elsewhere."""

    dataset: wire.Dataset
    files: Files
    streamed: Any = None

    @classmethod
    def of(cls, dataset: wire.Dataset) -> "_Input":
        found = _files(dataset)
        if found.paths:
            return cls(dataset, found)
        return cls(dataset, found, reading.open(dataset.location, dataset.version).to_pyarrow_dataset())

    def show(self, connection: Any) -> None:
        """From now on the database has it under its name. DatasetUnreadable for one whose files are not there."""
        if self.streamed is not None:
            connection.register(self.dataset.name, self.streamed)
            return
        try:
            connection.execute(self._view())
        except queries.duckdb().Error as error:
            of = self.dataset
            raise errors.DatasetUnreadable(place=of.location, version=of.version, why=error) from error

    def _view(self) -> str:
        columns = ", ".join(map(types.quoted, self.files.columns))
        return f"CREATE VIEW {types.quoted(self.dataset.name)} AS SELECT {columns} FROM {scan(self.files.paths)}"  # noqa: S608


def _files(dataset: wire.Dataset) -> Files:
    """Those of its version; none where its rows are to be streamed. DatasetUnreadable."""
    if names.is_url(dataset.location):
        return Files((), ())
    try:
        entry = (tables.log(dataset.location) / f"{dataset.version:020}.json").stat()
    except OSError:
        return reading.files(dataset.location, dataset.version)
    return _known(dataset.location, dataset.version, (entry.st_ino, entry.st_mtime_ns))


@functools.lru_cache(maxsize=_MOST_KNOWN)
def _known(location: str, version: int, _entry: tuple[int, int]) -> Files:
    """A version never changes: while that very entry of the log is there, its files are what they were."""
    return reading.files(location, version)
