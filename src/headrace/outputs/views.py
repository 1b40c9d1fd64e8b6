"""Arrow arrays and numpy arrays over the same bytes."""

from importlib import import_module
from itertools import pairwise
from typing import Any

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")


class Memory:
    """The bytes an Arrow file was opened on, writable where they are ours; its arrays are views of them."""

    def __init__(self, content: Any) -> None:
        self._content = content
        self.buffer = pa.py_buffer(content)

    def view(self, buffer: Any, dtype: Any, count: int) -> Any:
        """A numpy array of the items in an Arrow buffer: of these very bytes, so that it can be written to."""
        if buffer is None or count == 0:
            return np.empty(count, dtype)
        offset = buffer.address - self.buffer.address
        if not 0 <= offset <= self.buffer.size - count * dtype.itemsize:  # pyarrow copied it, to align it
            return np.frombuffer(buffer, dtype, count).copy()
        return np.frombuffer(self._content, dtype, count, offset)

    def offset(self, array: Any) -> int | None:
        """Where in these bytes a numpy array begins; None when it lies elsewhere."""
        place = array.__array_interface__["data"][0] - self.buffer.address
        return place if 0 <= place <= self.buffer.size - array.nbytes else None

    def grid(self, offset: int, dtype: Any, shape: tuple[int, int], step: int) -> Any:
        """A two-dimensional array of these very bytes, its rows `step` bytes apart."""
        return np.ndarray(shape, dtype, self._content, offset, (step, dtype.itemsize))


def view(values: Any, kind: Any, missing: Any, count: int | None = None) -> Any:
    """An Arrow array of this type over the numpy array's memory, null where `missing` is true."""
    flat = np.ascontiguousarray(values)
    absent = 0 if missing is None else int(np.count_nonzero(missing))
    bits = pa.py_buffer(np.packbits(np.logical_not(missing), bitorder="little")) if absent else None
    return pa.Array.from_buffers(kind, len(flat) if count is None else count, [bits, pa.py_buffer(flat)], absent)


def dictionary(places: Any, values: Any, ordered: bool = False) -> Any:
    """A dictionary array over pandas' codes, where -1 says missing."""
    indices = view(places, pa.from_numpy_dtype(places.dtype), places == -1)
    return pa.DictionaryArray.from_arrays(indices, values, ordered=bool(ordered))


def codes(array: Any, memory: Memory) -> Any:
    """The codes of a dictionary array, -1 where null."""
    return memory.view(array.indices.buffers()[1], np.dtype(array.indices.type.to_pandas_dtype()), len(array))


def whole(array: Any) -> Any:
    """One Array of a chunked one. ValueError where its type cannot hold so much in one piece."""
    if not isinstance(array, pa.ChunkedArray):
        return array
    joined = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        raise ValueError(f"more than 2 GiB of {array.type}; use large_{array.type}")
    return joined


def booleans(array: Any) -> Any:
    """A numpy array of an Arrow one of booleans, false where null; it can be written to."""
    return np.require(array.fill_null(False).to_numpy(zero_copy_only=False), requirements="W")


def stacked(arrays: list[Any], memory: Memory) -> Any:
    """Several numpy views of one type as the rows of one array over the same memory; None where they do not lie so.

    The columns of a file do, when all are numbers of one type and none has missing values: equal steps apart.
    """
    first = arrays[0]
    if not len(first) or not all(isinstance(each, np.ndarray) and each.dtype == first.dtype for each in arrays):
        return None
    places = [place for each in arrays if (place := memory.offset(each)) is not None]
    steps = {after - before for before, after in pairwise(places)}
    if first.dtype.hasobject or len(places) < len(arrays) or len(steps) != 1 or min(steps) < first.nbytes:
        return None
    return memory.grid(places[0], first.dtype, (len(arrays), len(first)), steps.pop())
