"""What is found out about an output after it was kept: each column's nulls, least and greatest value, and its hash."""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import xxhash

from headrace import clock, errors
from headrace.model.output import Output
from headrace.outputs import documents, kept, tables

_LONGEST = 200  # characters of a text that is some column's least or greatest


def profile(output: Output, home: Path, budget_seconds: float) -> Output:
    """The output with its hash, and of a frame with its profile.

    The profile maps a column, by the name that `different` gives it, to `{"nulls", "min", "max"}`, the last two None
    where there is no order; a column that the seconds did not suffice for maps to None. The hash is always made.
    CannotRead as `load` has it.
    """
    path = home / output.path
    try:
        if output.codec in tables.KEPT:
            return _profile_table(output, path, clock.monotonic() + budget_seconds)
        return replace(output, hash=_hash_of_file(output, path, home))
    except (errors.CannotRead, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotRead(path=path, why=kept.reason(error)) from error


def _hash_of_file(output: Output, path: Path, home: Path) -> str:
    if output.codec == "json":
        return _hash_of_document(output, home)
    if output.codec == "numpy":
        return _hash_of_array(kept.load(output, home))
    whole = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    return whole.hexdigest()


def _hash_of_document(output: Output, home: Path) -> str:
    """Over the document with keys in order and each part's own hash in its place."""
    tree, parts = kept.read_document(output, home)
    hashes = [profile(part, home, 0).hash for part in parts]
    return xxhash.xxh3_128_hexdigest(documents.dumps(_ordered(tree, hashes), canonical=True))


def _ordered(tree: Any, hashes: list[str | None]) -> Any:
    if isinstance(tree, list):
        return [_ordered(each, hashes) for each in cast("list[Any]", tree)]
    if not isinstance(tree, dict):
        return tree
    branch = cast("dict[str, Any]", tree)
    if branch.get("$") == "part":
        return {"$": "part", "hash": hashes[int(branch["index"])]}
    ordered: dict[str, Any] = {key: _ordered(each, hashes) for key, each in branch.items()}
    if branch.get("$") == "dict":
        ordered["of"] = sorted(ordered["of"], key=lambda pair: documents.dumps(pair, canonical=True))
    return ordered


def _hash_of_array(array: Any) -> str:
    np: Any = import_module("numpy")
    whole = xxhash.xxh3_128(f"{array.dtype.descr} {array.shape}".encode())
    for part in array if array.ndim > 1 else [array]:
        whole.update(np.ascontiguousarray(part).view(np.uint8) if part.size else b"")
    return whole.hexdigest()


# Frames


def _profile_table(output: Output, path: Path, deadline: float) -> Output:
    hashing: Any = import_module("headrace.outputs.hashing")
    table = tables.read(output, path)
    meanings = [tables.meaning(field) for field in table.schema]
    names = different(table.schema.names)
    found = dict(zip(names, (_column(each, deadline) for each in table.columns), strict=True))
    return replace(output, profile=found, hash=hashing.of_table(table, meanings, tables.steps(table)))


def different(names: Iterable[str]) -> list[str]:
    """What a profile calls columns of these names: a number follows one that was there before.

    What comes after a name changes nothing of it: a file may have more columns, at its end, than the frame's schema.
    """
    found: dict[str, int] = {}  # how often each was there
    for name in names:
        one = name
        while one in found:
            found[name] += 1
            one = f"{name} ({found[name]})"
        found[one] = 1
    return list(found)


def _column(column: Any, deadline: float) -> dict[str, Any] | None:
    """Nulls, least and greatest of a column; None when the time is over before all of it was seen."""
    pa: Any = import_module("pyarrow")
    compute: Any = import_module("pyarrow.compute")
    hashing: Any = import_module("headrace.outputs.hashing")
    kind = hashing.plain_type(column.type)
    compared = _compared(kind)
    ends: list[Any] = []
    for piece in hashing.pieces(column) if compared else ():
        if clock.monotonic() > deadline:
            return None
        found = compute.min_max(piece.cast(compared))
        ends += [found["min"], found["max"]]
    if clock.monotonic() > deadline:
        return None
    both = compute.min_max(pa.array(ends, compared)) if ends else {"min": pa.scalar(None), "max": pa.scalar(None)}
    return {"nulls": column.null_count, "min": _end(both["min"].cast(kind)), "max": _end(both["max"].cast(kind))}


def _compared(kind: Any) -> Any:
    """The type that values of this one are compared in; None when they have no order."""
    pa: Any = import_module("pyarrow")
    types: Any = import_module("pyarrow.types")
    if types.is_duration(kind):
        return pa.int64()
    if types.is_float16(kind):
        return pa.float32()
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_large_string)
    timed = types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind)
    return kind if timed or any(test(kind) for test in tests) else None


def _end(scalar: Any) -> Any:
    value = tables.cell(scalar)
    return value[:_LONGEST] if isinstance(value, str) else value
