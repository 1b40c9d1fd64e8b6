"""A hash of content that is equal for equal data, whichever library wrote it and however it cut it up.

A column is hashed as its name, its type, how many rows it has, where its nulls are, and its other values one after
the other. So neither chunks nor what lies under a null count; dictionaries, views and large offsets are one type with
the plain one; and every NaN is one NaN, and -0.0 is 0.0.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import xxhash

np: Any = import_module("numpy")
pa: Any = import_module("pyarrow")
compute: Any = import_module("pyarrow.compute")
types: Any = import_module("pyarrow.types")

SLICE = 1 << 18  # rows looked at together: enough to be fast, too few to need much memory


def of_table(table: Any, meanings: list[str], rows: str) -> str:
    """xxh3-128 in hex of a pyarrow.Table.

    `meanings` says of each column what its values mean beyond their Arrow type, `rows` how rows are named if no
    column does.
    """
    whole = xxhash.xxh3_128(f"{table.num_rows} {rows}".encode())
    for field, meaning, column in zip(table.schema, meanings, table.columns, strict=True):
        stream = Stream(plain_type(field.type))
        for piece in pieces(column):
            stream.feed(piece)
        whole.update(f"\0{field.name}\0{meaning}\0".encode("utf-8", "surrogatepass") + stream.digest())
    return whole.hexdigest()


def pieces(column: Any) -> Iterator[Any]:
    """The column's arrays, in slices and of its plain type."""
    for chunk in column.chunks:
        for start in range(0, len(chunk), SLICE):
            yield plain(chunk.slice(start, SLICE))


def plain(array: Any) -> Any:
    """The array with dictionaries, runs, extensions and views at its top undone."""
    if isinstance(array, pa.ExtensionArray):
        return plain(array.storage)
    if types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, plain(array.dictionary)).dictionary_decode()
    if types.is_run_end_encoded(array.type):
        return plain(compute.run_end_decode(array))
    wanted = _plain_top(array.type)
    return array if wanted == array.type else array.cast(wanted)


def _plain_top(kind: Any) -> Any:
    if types.is_string(kind) or types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary(kind) or types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_decimal32(kind) or types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if types.is_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        return pa.large_list(kind.value_field)
    return kind


def plain_type(kind: Any) -> Any:
    """The type that `plain` gives arrays of this one."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    return _plain_top(kind)


class Stream:
    """The hash of one column's values, of one plain type, fed slice by slice."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._count = 0
        self._nulls = xxhash.xxh3_128()
        self._values = xxhash.xxh3_128()
        self._sizes = xxhash.xxh3_128()
        self._inner = [Stream(plain_type(field.type)) for field in _fields(kind)]

    def feed(self, array: Any) -> None:
        valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
        if valid is not None:
            self._nulls.update(np.flatnonzero(~valid) + self._count)
        self._count += len(array)
        if len(array) and not types.is_null(self._kind):
            self._feed(array, valid)

    def _feed(self, array: Any, valid: Any) -> None:
        kind = self._kind
        if types.is_struct(kind):  # a null struct is a null in each of its fields
            for stream, child in zip(self._inner, array.flatten(), strict=True):
                stream.feed(plain(child))
        elif types.is_large_list(kind):
            sizes = np.diff(array.offsets.to_numpy())
            self._sizes.update(sizes if valid is None else sizes[valid])
            self._inner[0].feed(plain(array.flatten()))
        elif types.is_fixed_size_list(kind):
            self._inner[0].feed(plain(array.flatten()))
        else:
            self._feed_held(array if valid is None else array.drop_null())

    def _feed_held(self, held: Any) -> None:
        kind = self._kind
        if not len(held):
            return
        if types.is_large_string(kind) or types.is_large_binary(kind):
            self._sizes.update(np.diff(_offsets(held)))
            self._values.update(_text(held))
        elif types.is_map(kind):
            self._sizes.update(np.diff(held.offsets.to_numpy()).astype(np.int64))
            self._inner[0].feed(plain(_pairs(held)))
        elif types.is_union(kind):
            self._values.update(repr(held.to_pylist()).encode())
        else:
            self._values.update(_fixed(held))

    def digest(self) -> bytes:
        whole = xxhash.xxh3_128(f"{_word(self._kind)} {self._count}".encode())
        for part in (self._nulls, self._values, self._sizes, *self._inner):
            whole.update(part.digest())
        return whole.digest()


def _fields(kind: Any) -> list[Any]:
    if types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [kind.value_field]
    if types.is_map(kind):
        return [pa.field("pairs", pa.struct([("key", kind.key_type), ("value", kind.item_type)]))]
    return list(kind) if types.is_struct(kind) else []


def _word(kind: Any) -> str:
    """A type by its own name, its children's types left to their own streams."""
    if types.is_fixed_size_list(kind):
        return f"array[{kind.list_size}]"
    if types.is_struct(kind):
        return f"struct{[field.name for field in kind]}"
    return "list" if types.is_large_list(kind) else "map" if types.is_map(kind) else str(kind)


def _offsets(array: Any) -> Any:
    return np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]


def _text(array: Any) -> Any:
    offsets, content = _offsets(array), array.buffers()[2]
    return b"" if content is None else memoryview(content)[int(offsets[0]) : int(offsets[-1])]


def _pairs(array: Any) -> Any:
    """The keys and values of maps, one after the other."""
    start, end = array.offsets[0].as_py(), array.offsets[len(array)].as_py()
    pairs = [array.keys.slice(start, end - start), array.items.slice(start, end - start)]
    return pa.StructArray.from_arrays(pairs, names=["key", "value"])


def _fixed(array: Any) -> Any:
    """The bytes of values that all have the same width."""
    kind = array.type
    if types.is_boolean(kind):
        return array.cast(pa.uint8()).to_numpy()
    width = kind.bit_width // 8
    content = memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]
    if not types.is_floating(kind):
        return content
    numbers = np.frombuffer(content, kind.to_pandas_dtype()) + kind.to_pandas_dtype()(0)  # -0.0 + 0.0 is 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers
