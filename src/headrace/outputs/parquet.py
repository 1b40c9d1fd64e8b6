"""Parquet files, which steps of SQL leave behind: read by batches of rows, and no more of them than are asked for.

A block is given their rows as a pandas frame; as a pyarrow.Table where pandas is not installed.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output

pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")

BATCH = 4 * 2**20  # bytes, about, that are read at once
_MOST = 2**10  # rows of a batch: what a file says of its bytes may be less than they are once they are read


def table(path: Path, size: int) -> Any:
    """Everything in the file as a pyarrow.Table; ValueError when it is cut short."""
    return _opened(path, size).read()


def batches(path: Path, size: int, first: int, count: int | None) -> tuple[Any, Iterator[Any]]:
    """The schema, and the rows from the number `first` on, `count` of them or all, as pyarrow.Tables that are read as they are asked for."""
    file = _opened(path, size)
    return file.schema_arrow, _some(_rows(file, first), count)


def _some(parts: Iterator[Any], count: int | None) -> Iterator[Any]:
    while count != 0 and (part := next(parts, None)):
        taken = part.slice(0, count)
        count = None if count is None else count - taken.num_rows
        yield taken


def _rows(file: Any, first: int) -> Iterator[Any]:
    """Groups of rows before the first are not read."""
    for number in range(file.num_row_groups):
        skipped = min(first, file.metadata.row_group(number).num_rows)
        first -= skipped
        yield from _of_group(file, number, skipped)


def _of_group(file: Any, number: int, first: int) -> Iterator[Any]:
    group = file.metadata.row_group(number)
    if first == group.num_rows:
        return
    at_once = max(1, min(BATCH * group.num_rows // max(1, group.total_byte_size), _MOST))
    for batch in file.iter_batches(at_once, row_groups=[number]):
        if first < batch.num_rows:
            yield pa.Table.from_batches([batch.slice(first)])
        first = max(first - batch.num_rows, 0)


def _opened(path: Path, size: int) -> Any:
    if path.stat().st_size != size:
        raise ValueError(f"it has {path.stat().st_size} bytes; {size} were written")
    return pq.ParquetFile(path)


def load(path: Path, output: Output) -> Any:
    read = table(path, output.bytes)
    try:
        import_module("pandas")
    except ModuleNotFoundError:
        return read
    return read.to_pandas()
