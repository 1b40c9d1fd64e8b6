"""Arrow IPC files, uncompressed: written at once, read mapped. Codec of pyarrow's own tables, batches and arrays."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output
from headrace.outputs import files
from headrace.outputs.views import Memory

pa: Any = import_module("pyarrow")


def write(path: Path, schema: Any, batches: Iterable[Any]) -> int:
    """Writes the record batches; the number of their rows."""
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def mapped(path: Path, size: int) -> Memory:
    """The file's bytes; ValueError when they are not as many as were written."""
    content = files.mapped(path)
    if len(content) != size:
        raise ValueError(f"it has {len(content)} bytes; {size} were written")
    return Memory(content)


def table(path: Path, size: int) -> Any:
    """Everything in the file as a pyarrow.Table over mapped memory."""
    read = pa.ipc.open_file(mapped(path, size).buffer).read_all()
    read.validate()
    return read


def described(schema: Any) -> tuple[dict[str, str], ...]:
    return tuple({"name": each.name, "type": str(each.type)} for each in schema)


def save(value: Any, path: Path) -> dict[str, Any]:
    schema, batches = _batches(value)
    rows = write(path, schema, batches)
    return {"rows": rows, "schema": described(schema)}


def _batches(value: Any) -> tuple[Any, Iterable[Any]]:
    if isinstance(value, pa.Table):
        unified = value.unify_dictionaries()  # a file has one dictionary for each column
        return unified.schema, unified.to_batches() or pa.Table.to_batches(unified.combine_chunks())
    if isinstance(value, pa.RecordBatch):
        return value.schema, [value]
    if isinstance(value, pa.RecordBatchReader):
        return _batches(value.read_all()) if _has_dictionary(value.schema) else (value.schema, value)
    return _batches(pa.table([value], names=[""]))


def _has_dictionary(schema: Any) -> bool:
    return any("dictionary<" in str(each.type) for each in schema)


def load(path: Path, output: Output) -> Any:
    read = table(path, output.bytes)
    kind = output.kind.removeprefix("pyarrow.")
    if kind == "Table":
        return read
    if kind == "RecordBatchReader":
        return read.to_reader()
    if kind == "RecordBatch":
        return pa.ipc.open_file(mapped(path, output.bytes).buffer).get_batch(0)
    if kind == "ChunkedArray":
        return read.column(0)
    return read.column(0).chunk(0) if read.column(0).num_chunks else pa.array([], read.schema.field(0).type)
