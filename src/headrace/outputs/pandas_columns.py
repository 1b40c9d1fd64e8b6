"""Columns of pandas as Arrow arrays and back, exactly.

`pack` gives an Arrow array and a note in JSON that says how `unpack` makes the same values of it. Where pandas keeps
numbers the Arrow array is a view of its memory, and what comes back is a view of the file's: a missing value lies
there as pandas writes it (NaN, NaT) under a bit that tells every other reader that it is null.
"""

from importlib import import_module
from typing import Any

from headrace.outputs import documents, objects, pandas_objects, pandas_types, views
from headrace.outputs.pandas_types import Note, Packed
from headrace.outputs.views import Memory

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")
pd: Any = import_module("pandas")

_UNITS = frozenset({"s", "ms", "us", "ns"})


def pack(values: Any) -> Packed:
    """The Arrow array of a Series or Index and the note to unpack it with; any error of a type that cannot be kept."""
    dtype = values.dtype
    name = _numpy_codec(dtype) if isinstance(dtype, np.dtype) else _own_codec(dtype)
    array, note = _CODECS[name][0](values.to_numpy(copy=False) if isinstance(dtype, np.dtype) else values.array)
    return array, {"is": name, **note}


def unpack(array: Any, note: Note, memory: Memory) -> Any:
    """The values again, a numpy array or pandas' own; as views of `memory` where they are numbers."""
    return _CODECS[note["is"]][1](array, note, memory)


def _numpy_codec(dtype: Any) -> str:
    if dtype.kind in "Ob":
        return {"O": "objects", "b": "bool"}[dtype.kind]
    known = dtype.kind in "iu" or (dtype.kind == "f" and dtype.itemsize <= 8)
    timed = dtype.kind in "mM" and np.datetime_data(dtype)[0] in _UNITS
    return "numbers" if dtype.isnative and (known or timed) else "raw"


def _own_codec(dtype: Any) -> str:
    return next((name for name, kinds in _OWN.items() if isinstance(dtype, kinds)), "pickle")


def _pack_numbers(values: Any) -> Packed:
    dtype = values.dtype
    missing = np.isnan(values) if dtype.kind == "f" else np.isnat(values) if dtype.kind in "mM" else None
    content = values.view("i8") if dtype.kind in "mM" else values
    return views.view(content, pa.from_numpy_dtype(dtype), missing), {"dtype": dtype.str}


def _pack_raw(values: Any) -> Packed:
    """Numbers that Arrow has no type for (complex, 16 bytes, the other byte order), as their bytes."""
    content = np.ascontiguousarray(values).view(np.uint8)
    return views.view(content, pa.binary(values.dtype.itemsize), None, len(values)), {"dtype": values.dtype.str}


def _unpack_numbers(array: Any, note: Note, memory: Memory) -> Any:
    return memory.view(array.buffers()[1], np.dtype(note["dtype"]), len(array))


def _pack_bool(values: Any) -> Packed:
    return pa.array(values), {}


def _unpack_bool(array: Any, _note: Note, _memory: Memory) -> Any:
    return views.booleans(array)


def _pack_interval(values: Any) -> Packed:
    left, right = pack_index(values.left), pack_index(values.right)
    array = pa.StructArray.from_arrays([left[0], right[0]], names=["left", "right"])
    return array, {"closed": values.closed, "left": left[1], "right": right[1]}


def _unpack_interval(array: Any, note: Note, memory: Memory) -> Any:
    left, right = (unpack_index(array.field(name), note[name], memory) for name in ("left", "right"))
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=note["closed"])


def _pack_category(values: Any) -> Packed:
    categories, note = pack_index(values.categories)
    return views.dictionary(values.codes, categories, values.ordered), {"of": note, "ordered": bool(values.ordered)}


def _unpack_category(array: Any, note: Note, memory: Memory) -> Any:
    categories = unpack_index(array.dictionary, note["of"], memory)
    dtype = pd.CategoricalDtype(categories, ordered=note["ordered"])
    return pd.Categorical.from_codes(views.codes(array, memory), dtype=dtype)


def pack_index(index: Any) -> Packed:
    """An Index of one level, with its name, frequency, and steps if it is a range."""
    array, note = pack(index)
    note["name"] = documents.encode(index.name, objects.inline)
    if isinstance(index, pd.RangeIndex):
        note["range"] = [index.start, index.stop, index.step]
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) and index.freq is not None:
        note["freq"] = objects.inline(index.freq)
    return array, note


def unpack_index(array: Any, note: Note, memory: Memory) -> Any:
    """The Index again."""
    name = documents.decode(note["name"], objects.outline)
    if "range" in note:
        return pd.RangeIndex(*note["range"], name=name)
    values = unpack(array, note, memory)
    index = pd.Index(values, dtype=values.dtype, name=name, copy=False, tupleize_cols=False)
    if "freq" in note:
        index.freq = objects.outline(note["freq"])
    return index


_OWN: dict[str, Any] = {
    "zoned": pd.DatetimeTZDtype,
    "period": pd.PeriodDtype,
    "interval": pd.IntervalDtype,
    "category": pd.CategoricalDtype,
    "string": pd.StringDtype,
    "arrow": pd.ArrowDtype,
    "masked": tuple(
        getattr(pd, f"{name}Dtype")
        for name in ("Boolean", "Float32", "Float64", *(f"{u}Int{bits}" for u in ("", "U") for bits in (8, 16, 32, 64)))
    ),
}
_CODECS: dict[str, Any] = {
    "numbers": (_pack_numbers, _unpack_numbers),
    "bool": (_pack_bool, _unpack_bool),
    "raw": (_pack_raw, _unpack_numbers),
    "objects": (pandas_objects.pack, pandas_objects.unpack),
    "zoned": (pandas_types.pack_zoned, pandas_types.unpack_zoned),
    "period": (pandas_types.pack_period, pandas_types.unpack_period),
    "interval": (_pack_interval, _unpack_interval),
    "category": (_pack_category, _unpack_category),
    "string": (pandas_types.pack_string, pandas_types.unpack_string),
    "arrow": (pandas_types.pack_arrow, pandas_types.unpack_arrow),
    "masked": (pandas_types.pack_masked, pandas_types.unpack_masked),
    "pickle": (pandas_types.pack_other, pandas_types.unpack_other),
}
