"""Crossing: a kept frame on its way to another program, as an Arrow IPC stream, some rows at a time."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.model.output import Output
from headrace.outputs import kept, tables

MEDIA = "application/vnd.apache.arrow.stream"
PART = 2**20  # bytes, about, that are on their way at once


def stream(output: Output, home: Path, first: int, count: int | None) -> Iterator[bytes]:
    """The rows from `first` on, `count` or all, exactly as they are kept. CannotRead, and nothing is written yet."""
    path = home / output.path
    kept.refuse_cleaned(output, path)
    try:
        pa: Any = import_module("pyarrow")
        return _written(pa, *tables.parts(output, path, first, count))
    except (errors.CannotRead, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotRead(path=path, why=kept.reason(error)) from error


def _written(pa: Any, schema: Any, parts: Iterator[Any]) -> Iterator[bytes]:
    """Of a file that is mapped no more than a part is ever copied, of another one no more than a batch of its rows."""
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        for rows in parts:
            at_once = max(1, PART * rows.num_rows // max(1, rows.nbytes))
            for batch in rows.to_batches(max_chunksize=at_once):
                writer.write_batch(batch)
                yield sink.take()
    yield sink.take()


class _Sink:
    """A file that gives away what was written to it."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._place += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        """What was written stays to be taken."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
