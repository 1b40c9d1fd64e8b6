"""Values kept and given back: each in a file of its own, in the folder of the attempt that made it."""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.model.output import CLEANED, Output
from headrace.outputs import documents, files, kinds, objects, returned

_MODULES = {
    "arrow": "arrow",
    "duckdb": "relations",
    "pandas": "pandas_frames",
    "polars": "polars_frames",
    "numpy": "arrays",
    "parquet": "parquet",
    "cloudpickle": "objects",
}
_SUFFIXES = {"numpy": ".npy", "cloudpickle": ".pickle", "json": ".json"}
_IN_ROW = 8192  # bytes of a document that is kept in the row itself, which needs no file and no sync of its own
_INLINE = 65_536  # bytes of a pickle that may lie inside a document; a larger one gets a file of its own


def save(value: Any, place: Path, home: Path) -> tuple[bool, tuple[Output, ...]]:
    """Keeps what a block returned in files under `place`: (single, outputs), as `split` has it.

    When it returns, everything is on the disk, save small plain values: those are in the outputs themselves. CannotKeep
    names the output, and the column where that is known.
    """
    single, named = returned.split(value)
    folder = files.Folder(place)
    outputs = tuple(_keep(each, name, folder, home) for name, each in named)
    folder.settle()
    return single, outputs


def there(output: Output, home: Path) -> bool:
    """Whether what was kept can still be found."""
    return output.codec != CLEANED and ("document" in output.extra or (home / output.path).exists())


def load(output: Output, home: Path) -> Any:
    """The value of an output, as it was returned; frames and arrays over mapped memory, changeable, the file is not.

    CannotRead when the file is missing, cut short or not what was written.
    """
    path = home / output.path
    refuse_cleaned(output, path)
    try:
        if output.codec == "json":
            return _load_document(output, home)
        return codec(output.codec).load(path, output)
    except (errors.CannotRead, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotRead(path=path, why=reason(error)) from error


def refuse_cleaned(output: Output, path: Path) -> None:
    """CannotRead for an output of which nothing but its row was kept."""
    if output.codec == CLEANED:
        raise errors.CannotRead(path=path, why=f"it had become old, and was cleaned at {output.extra['cleaned_at']}")


def argument(single: bool, outputs: tuple[Output, ...], home: Path) -> Any:
    """What a consumer is given for one upstream block: the output, a list of all, or None when there is none."""
    values = [load(output, home) for output in outputs]
    if not single:
        return values
    return values[0] if values else None


def codec(name: str) -> Any:
    """The module of a codec, imported when first needed; ModuleNotFoundError when its library is not installed."""
    return import_module(f"headrace.outputs.{_MODULES[name]}")


def reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _keep(value: Any, name: str, folder: files.Folder, home: Path) -> Output:
    kind, chosen = kinds.word(value), kinds.codec(value)
    try:
        if chosen == "json":
            return _keep_document(value, name, folder, home)
        return _keep_file(value, name, chosen, folder, home)
    except (errors.CannotKeep, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotKeep(name=name, type=kind, why=reason(error)) from error


def _keep_file(value: Any, name: str, chosen: str, folder: files.Folder, home: Path) -> Output:
    path = folder.place / f"{name}{_SUFFIXES.get(chosen, '.arrow')}"
    with folder.written(path):
        facts: dict[str, Any] = codec(chosen).save(value, path)
    return Output(name, kinds.word(value), chosen, str(path.relative_to(home)), path.stat().st_size, **facts)


# Documents: plain values in JSON, with frames and large objects in files of their own beside it.


def _keep_document(value: Any, name: str, folder: files.Folder, home: Path) -> Output:
    apart = _Apart()
    try:
        tree = documents.encode(value, apart)
    except RecursionError:  # very deep, or a value that holds itself, which a pickle can say and JSON cannot
        return _keep_file(value, name, "cloudpickle", folder, home)
    parts = [_keep(each, f"{name}.{position}", folder, home) for position, each in enumerate(apart.values)]
    written = documents.dumps({"value": tree, "parts": [asdict(part) for part in parts]})
    path = folder.place / f"{name}.json"
    extra = _in_row(written)
    if not extra:
        with folder.written(path):
            path.write_bytes(written)
    size = len(written) + sum(part.bytes for part in parts)
    rows = len(value) if isinstance(value, list) else None  # pyright: ignore[reportUnknownArgumentType]
    return Output(name, kinds.word(value), "json", str(path.relative_to(home)), size, rows, extra=extra)


def _in_row(document: bytes) -> dict[str, str]:
    """What a row keeps of a small document; nothing of one that is large, or holds halves of characters."""
    try:
        return {"document": document.decode()} if len(document) <= _IN_ROW else {}
    except UnicodeDecodeError:
        return {}


class _Apart:
    """What has no form in a document: small objects as pickles in it, everything else set apart, once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[int, int] = {}

    def __call__(self, value: Any) -> dict[str, Any]:
        if kinds.frame_codec(value) is None:
            branch = objects.inline(value)
            if len(branch["pickle"]) <= _INLINE:
                objects.outline(branch)  # many classes can be written that cannot be read
                return branch
        place = self._places.setdefault(id(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return {"$": "part", "index": place}


def read_document(output: Output, home: Path) -> tuple[Any, list[Output]]:
    """The tree of a document and the outputs it refers to; nothing is unpickled."""
    in_row = output.extra.get("document")
    written = documents.loads((home / output.path).read_bytes() if in_row is None else in_row.encode())
    return written["value"], [Output(**part) for part in written["parts"]]


def _load_document(output: Output, home: Path) -> Any:
    tree, parts = read_document(output, home)
    values = [load(part, home) for part in parts]
    return documents.decode(
        tree, lambda branch: values[branch["index"]] if branch["$"] == "part" else objects.outline(branch)
    )
