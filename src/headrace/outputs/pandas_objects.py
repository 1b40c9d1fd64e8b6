"""Columns of Python objects: as the Arrow type they all have, where that is exact, and as JSON otherwise.

A column of one Python type with one way of missing (None, NaN, NA or NaT) has an Arrow type for `_SCALARS`, for lists
of those, and for one-dimensional numpy arrays of numbers. What is mixed or has no such type is kept value by value as
the JSON of documents.py, objects in it pickled.
"""

from datetime import date
from decimal import Decimal
from importlib import import_module
from itertools import chain
from typing import Any

from headrace.outputs import documents, objects, views
from headrace.outputs.pandas_types import Note, Packed
from headrace.outputs.views import Memory

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")
pd: Any = import_module("pandas")

_SCALARS: dict[type, Any] = {
    str: pa.large_string(),
    bytes: pa.large_binary(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    Decimal: None,  # the type that fits, if all have as many digits after the point
}
_NEVER_MISSING = frozenset({str, bytes, bool, int, date})


class _NoType(Exception):
    """The values have no Arrow type in common that is exact."""


_INEXACT = (_NoType, pa.ArrowException, ArithmeticError, ValueError, TypeError)


def pack(values: Any) -> Packed:
    """The Arrow array of an object array. Any error of an object that cannot be pickled."""
    try:
        array, missing, kind = _typed(values)
    except _INEXACT:
        array = missing = kind = None
    if array is None:
        return _documents(values), {"as": "json"}
    return array, {"as": kind, "missing": missing}


def _typed(values: Any) -> tuple[Any, str, str]:
    """The array, how values are missing from it, and the name of the type of the others; _NoType when they have none."""
    kinds = set(map(type, values))
    plain = kinds - {type(None)}
    if len(plain) == 1 and plain <= _NEVER_MISSING:  # one look at each value is all that millions of texts need
        kind = plain.pop()
        return pa.array(values, type=_SCALARS[kind], from_pandas=False), "None", kind.__name__
    absent = pd.isna(values)
    present = values[~absent]
    missing = _missing(set(map(type, values[absent])))
    return _of_one_type(values, present, absent), missing, _shape(present)


def _missing(kinds: set[type]) -> str:
    """The one way in which values are missing."""
    names = {"NoneType": "None", "float": "nan", "NAType": "NA", "NaTType": "NaT"}
    if len(kinds) > 1 or any(kind.__name__ not in names for kind in kinds):
        raise _NoType
    return names[kinds.pop().__name__] if kinds else "None"


def _shape(present: Any) -> str:
    return type(present[0]).__name__ if len(present) else "none"


def _of_one_type(values: Any, present: Any, absent: Any) -> Any:
    """The array of the type that all present values have; _NoType when they have none in common that is exact."""
    kinds = set(map(type, present))
    if not kinds:
        return pa.nulls(len(values))
    kind = kinds.pop()
    if kinds or kind not in (*_SCALARS, list, np.ndarray):
        raise _NoType
    if kind in _SCALARS:
        array = pa.array(values, type=_SCALARS[kind], mask=absent)
        if kind is Decimal and not _same_text(array, present):
            raise _NoType
        return array
    return _lists(values, present, absent) if kind is list else _vectors(values, present, absent)


def _same_text(array: Any, present: Any) -> bool:
    """Whether every number has its own digits: Decimal('1.0') equals Decimal('1.00') and is another."""
    return list(map(str, array.drop_null().to_pylist())) == list(map(str, present))


def _lists(values: Any, present: Any, absent: Any) -> Any:
    kinds = set(map(type, chain.from_iterable(present))) - {type(None)}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind not in (str, int, float, bool):
        raise _NoType
    return pa.array(values, type=pa.large_list(_SCALARS[kind]), mask=absent, from_pandas=False)


def _vectors(values: Any, present: Any, absent: Any) -> Any:
    dtypes = {each.dtype if each.ndim == 1 else None for each in present}
    dtype = dtypes.pop()
    if dtypes or dtype is None or dtype.kind not in "iuf" or not dtype.isnative or dtype.itemsize > 8:
        raise _NoType
    lengths = np.zeros(len(values) + 1, np.int64)
    lengths[1:][~absent] = [len(each) for each in present]
    items = views.view(np.concatenate(present), pa.from_numpy_dtype(dtype), None)
    return pa.LargeListArray.from_arrays(pa.array(np.cumsum(lengths)), items, mask=pa.array(absent))


def _documents(values: Any) -> Any:
    texts = (None if each is None else documents.dumps(documents.encode(each, objects.inline)) for each in values)
    return pa.array(texts, pa.large_binary())


def unpack(array: Any, note: Note, memory: Memory) -> Any:
    """The object array again."""
    if note["as"] == "json":
        return _filled(None if each is None else _document(each) for each in array.to_pylist())
    values = _UNPACKERS.get(note["as"], _plain)(array, memory)
    if note["missing"] != "None" and array.null_count:
        values[array.is_null().to_numpy(zero_copy_only=False)] = _MISSING[note["missing"]]
    return values


def _document(text: bytes) -> Any:
    return documents.decode(documents.loads(text), objects.outline)


def _plain(array: Any, _memory: Memory) -> Any:
    return _filled(array.to_pylist())


def _filled(values: Any) -> Any:
    return np.fromiter(values, dtype=object)


def _texts(array: Any, _memory: Memory) -> Any:
    """Equal texts are one object, as pandas' own readers have it: that is what makes millions of them fit in memory."""
    coded = array.dictionary_encode()
    different = np.append(coded.dictionary.to_numpy(zero_copy_only=False).astype(object), None)
    return different[coded.indices.fill_null(len(different) - 1).to_numpy()]


def _split(array: Any, memory: Memory) -> Any:
    items = array.values
    dtype = np.dtype(items.type.to_pandas_dtype())
    content = memory.view(items.buffers()[1], dtype, len(items))
    ends = array.offsets.to_numpy().tolist()
    held = array.is_valid().to_pylist()
    return _filled(content[ends[i] : ends[i + 1]] if held[i] else None for i in range(len(array)))


_UNPACKERS: dict[str, Any] = {"str": _texts, "ndarray": _split}
_MISSING: dict[str, Any] = {"nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}
