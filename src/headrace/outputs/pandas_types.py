"""Columns of pandas' own types as Arrow arrays and back; each pair of functions is one type.

Those that hold other columns (categories, intervals) are in pandas_columns.py.
"""

import base64
from importlib import import_module
from typing import Any

from headrace.outputs import forms, objects, views
from headrace.outputs.views import Memory

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")
pd: Any = import_module("pandas")

Note = dict[str, Any]
Packed = tuple[Any, Note]


def pack_zoned(values: Any) -> Packed:
    """Instants with a zone, in UTC; the zone as a document writes it, or pickled."""
    kind = pa.timestamp(values.dtype.unit, _zone_name(values.dtype.tz))
    return views.view(values.asi8, kind, values.isna()), {
        "dtype": f"M8[{values.dtype.unit}]",
        "zone": _zone(values.dtype.tz),
    }


def _zone_name(zone: Any) -> str:
    try:
        return pa.lib.tzinfo_to_string(zone)
    except ValueError:
        return "UTC"


def _zone(zone: Any) -> Any:
    try:
        return forms.zone(zone)
    except forms.Inexact:
        return objects.inline(zone)


def unpack_zoned(array: Any, note: Note, memory: Memory) -> Any:
    zone = note["zone"]
    tz = objects.outline(zone) if isinstance(zone, dict) else forms.to_zone(zone)  # pyright: ignore[reportUnknownArgumentType]
    return pd.DatetimeIndex(_ticks(array, memory, note["dtype"]), tz="UTC").tz_convert(tz).array


def _ticks(array: Any, memory: Memory, dtype: str) -> Any:
    return memory.view(array.buffers()[1], np.dtype(dtype), len(array))


def pack_period(values: Any) -> Packed:
    return views.view(values.asi8, pa.int64(), values.isna()), {"period": str(values.dtype)}


def unpack_period(array: Any, note: Note, memory: Memory) -> Any:
    return pd.arrays.PeriodArray(_ticks(array, memory, "i8"), dtype=pd.PeriodDtype(note["period"]))


def pack_string(values: Any) -> Packed:
    missing = "nan" if isinstance(values.dtype.na_value, float) else "NA"
    array = views.whole(pa.array(values, from_pandas=True)).cast(pa.large_string())
    return array, {"storage": values.dtype.storage, "missing": missing}


def unpack_string(array: Any, note: Note, _memory: Memory) -> Any:
    named = note["missing"] == "NA" or note["storage"] == "pyarrow_numpy"  # pandas 2.2 says nan by that name
    dtype = pd.StringDtype(note["storage"]) if named else pd.StringDtype(note["storage"], na_value=np.nan)
    return dtype.__from_arrow__(pa.chunked_array([array]))


def pack_arrow(values: Any) -> Packed:
    return views.whole(pa.array(values)), {}


def unpack_arrow(array: Any, _note: Note, _memory: Memory) -> Any:
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([array]))


def pack_masked(values: Any) -> Packed:
    return pa.array(values), {"dtype": str(values.dtype)}


def unpack_masked(array: Any, note: Note, memory: Memory) -> Any:
    dtype = pd.api.types.pandas_dtype(note["dtype"])
    missing = views.booleans(array.is_null())
    if dtype.kind == "b":
        values = views.booleans(array)
    else:
        values = memory.view(array.buffers()[1], dtype.numpy_dtype, len(array))
    return dtype.construct_array_type()(values, missing)


def pack_other(values: Any) -> Packed:
    """Any other type's whole array, pickled; the pickle lies in the first row."""
    pickled = objects.dumps(values)
    if not values.equals(objects.loads(pickled)):
        raise ValueError(f"an array of {values.dtype} does not come back equal from its pickle")
    if not len(values):
        return pa.array([], pa.large_binary()), {"pickle": base64.b64encode(pickled).decode("ascii")}
    return pa.array([pickled, *[b""] * (len(values) - 1)], pa.large_binary()), {}


def unpack_other(array: Any, note: Note, _memory: Memory) -> Any:
    return objects.loads(base64.b64decode(note["pickle"]) if "pickle" in note else array[0].as_py())
