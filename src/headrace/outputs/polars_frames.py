"""polars frames and series, as Arrow IPC files that polars itself writes."""

from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output
from headrace.outputs import arrow

pl: Any = import_module("polars")


def save(value: Any, path: Path) -> dict[str, Any]:
    """Writes the frame; of a LazyFrame, what it collects to."""
    frame = value.collect() if isinstance(value, pl.LazyFrame) else value
    frame = frame.to_frame() if isinstance(frame, pl.Series) else frame
    for name, kind in frame.schema.items():
        if "Object" in str(kind):
            raise TypeError(f"column {name!r} holds Python objects, which polars cannot write")
    frame.write_ipc(path, compression="uncompressed")
    return {
        "rows": frame.height,
        "schema": tuple({"name": name, "type": str(kind)} for name, kind in frame.schema.items()),
    }


def load(path: Path, output: Output) -> Any:
    """The frame over mapped memory; a LazyFrame of it, or its series, as it was."""
    frame = _mapped(path, output.bytes)
    if output.kind == "polars.LazyFrame":
        return frame.lazy()
    return frame.to_series() if output.kind == "polars.Series" else frame


def _mapped(path: Path, size: int) -> Any:
    """polars reads a file by copying it; what pyarrow can map with the same types it takes from there instead."""
    schema = pl.read_ipc_schema(path)
    try:
        frame = pl.from_arrow(arrow.table(path, size), rechunk=False)
    except arrow.pa.ArrowNotImplementedError:  # integers of 128 bits
        return pl.read_ipc(path)
    if not frame.width:
        return pl.read_ipc(path)
    changed = [name for name, kind in schema.items() if frame.schema[name] != kind]
    return frame.with_columns(pl.read_ipc(path, columns=changed)) if changed else frame


def table(path: Path, size: int) -> Any:
    """The file as a pyarrow.Table; columns that pyarrow has no type for as text."""
    try:
        return arrow.table(path, size)
    except arrow.pa.ArrowNotImplementedError:
        frame = pl.read_ipc(path)
        wide = [name for name, kind in frame.schema.items() if "Int128" in str(kind)]
        return frame.with_columns(pl.col(wide).cast(pl.String)).to_arrow()
