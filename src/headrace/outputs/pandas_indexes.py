"""The index of a frame as Arrow columns and a note, and back. A range needs no column."""

import base64
from importlib import import_module
from typing import Any

from headrace.outputs import documents, objects, pandas_columns, views
from headrace.outputs.pandas_types import Note
from headrace.outputs.views import Memory

pa: Any = import_module("pyarrow")
pd: Any = import_module("pandas")

Column = tuple[str, Any]  # a name and an Arrow array


def pack(index: Any) -> tuple[list[Column], Note]:
    """The columns of an index, one for each level, and the note to unpack them with."""
    if isinstance(index, pd.MultiIndex):
        return _pack_levels(index)
    array, note = pandas_columns.pack_index(index[:0] if isinstance(index, pd.RangeIndex) else index)
    if isinstance(index, pd.RangeIndex):
        return [], {**note, "range": [index.start, index.stop, index.step]}
    return [(_name(index.name, 0), array)], note


def _pack_levels(index: Any) -> tuple[list[Column], Note]:
    packed = [pandas_columns.pack_index(level) for level in index.levels]
    columns = [
        (_name(label, position), views.dictionary(codes, array))
        for position, (label, codes, (array, _)) in enumerate(zip(index.names, index.codes, packed, strict=True))
    ]
    return columns, {
        "levels": [note for _, note in packed],
        "names": [documents.encode(label, objects.inline) for label in index.names],
    }


def _name(label: Any, position: int) -> str:
    """A column's name; pyarrow's own for a level without one."""
    return f"__index_level_{position}__" if label is None else name(label)


def name(label: Any) -> str:
    """A label as text that every reader of the file can take; what it really is lies in the note."""
    return str(label).encode("utf-8", "replace").decode("utf-8")


def unpack(arrays: list[Any], note: Note, memory: Memory) -> Any:
    """The index again."""
    if "levels" not in note:
        return pandas_columns.unpack_index(arrays[0] if arrays else None, note, memory)
    levels = [
        pandas_columns.unpack_index(array.dictionary, level, memory)
        for array, level in zip(arrays, note["levels"], strict=True)
    ]
    codes = [views.codes(array, memory) for array in arrays]
    names = [documents.decode(label, objects.outline) for label in note["names"]]
    return pd.MultiIndex(levels, codes, names=names, verify_integrity=False)


def to_text(index: Any) -> Note:
    """An index small enough to lie in a file's own description: that of the columns' labels."""
    columns, note = pack(index)
    table = pa.table([array for _, array in columns], names=[str(position) for position in range(len(columns))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"note": note, "columns": base64.b64encode(sink.getvalue()).decode("ascii")}


def from_text(text: Note) -> Any:
    """The index of such a text."""
    memory = Memory(bytearray(base64.b64decode(text["columns"])))
    table = pa.ipc.open_stream(memory.buffer).read_all()
    return unpack([views.whole(column) for column in table.columns], text["note"], memory)
