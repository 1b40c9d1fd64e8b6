"""pandas frames and series as Arrow IPC files, in one piece so that a column of numbers is a view of the file.

The file is an ordinary Arrow file whose columns are the frame's and, at the end, those of its index. What Arrow has no
word for is in JSON under the key `headrace` of the schema's and the fields' metadata.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output
from headrace.outputs import arrow, documents, objects, pandas_columns, pandas_indexes, views
from headrace.outputs.views import Memory

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")
pd: Any = import_module("pandas")

KEY = b"headrace"
_MANY = 100  # blocks of memory beyond which pandas calls a frame fragmented, and warns


def save(value: Any, path: Path) -> dict[str, Any]:
    """Writes the frame; ValueError names a column that cannot be kept."""
    series = isinstance(value, pd.Series)
    labels = [value.name] if series else list(value.columns)
    columns = [value] if series else [value.iloc[:, position] for position in range(len(labels))]
    fields, arrays = zip(*map(_column, labels, columns), strict=True) if labels else ((), ())
    index, note = pandas_indexes.pack(value.index)
    facts = {
        "index": note,
        "columns": None if series else pandas_indexes.to_text(value.columns),
        "name": documents.encode(value.name, objects.inline) if series else None,
        "attrs": documents.encode(dict(value.attrs), objects.inline),
        "unique": not value.flags.allows_duplicate_labels,
    }
    schema = pa.schema([*fields, *(pa.field(name, array.type) for name, array in index)], {KEY: json.dumps(facts)})
    batch = pa.RecordBatch.from_arrays([*arrays, *(array for _, array in index)], schema=schema)
    arrow.write(path, schema, [batch])
    described = [
        {"name": pandas_indexes.name(label), "type": str(each.dtype)}
        for label, each in zip(labels, columns, strict=True)
    ]
    return {"rows": len(value), "schema": tuple(described)}


def _column(label: Any, series: Any) -> tuple[Any, Any]:
    try:
        array, note = pandas_columns.pack(series)
    except Exception as error:
        raise ValueError(f"column {label!r} of type {series.dtype}: {error}") from error
    return pa.field(pandas_indexes.name(label), array.type, metadata={KEY: json.dumps(note)}), array


def load(path: Path, output: Output) -> Any:
    """The frame over mapped memory: it can be changed in place, and the file does not change."""
    memory = arrow.mapped(path, output.bytes)
    with pa.ipc.open_file(memory.buffer) as reader:
        batch = reader.get_batch(0)
    batch.validate()
    facts = json.loads(batch.schema.metadata[KEY])
    notes = [json.loads(field.metadata[KEY]) for field in batch.schema if field.metadata and KEY in field.metadata]
    columns = [pandas_columns.unpack(array, note, memory) for array, note in zip(batch.columns, notes, strict=False)]
    index = pandas_indexes.unpack(batch.columns[len(notes) :], facts["index"], memory)
    value = _frame(columns, index, facts, memory) if facts["columns"] else _series(columns[0], index, facts)
    value.attrs = documents.decode(facts["attrs"], objects.outline)
    value.flags.allows_duplicate_labels = not facts["unique"]
    return value


def _series(values: Any, index: Any, facts: Any) -> Any:
    name = documents.decode(facts["name"], objects.outline)
    return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)


def _frame(columns: list[Any], index: Any, facts: Any, memory: Memory) -> Any:
    block = views.stacked(columns, memory) if len(columns) > 1 else None
    if block is not None:
        frame = pd.DataFrame(block.T, index=index, copy=False)
    else:
        held = {position: _held(values, index) for position, values in enumerate(columns)}
        frame = pd.DataFrame(held, index=index, copy=False)
        frame = frame.copy() if len(columns) > _MANY else frame
    frame.columns = pandas_indexes.from_text(facts["columns"])
    return frame


def _held(values: Any, index: Any) -> Any:
    """A column as the constructor takes it without guessing at its type, which it does for arrays of objects."""
    guessed = isinstance(values, np.ndarray) and values.dtype.kind == "O"
    return pd.Series(values, index=index, dtype=object, copy=False) if guessed else values
