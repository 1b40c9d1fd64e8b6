"""Some of an output for people to read, its beginning or a page of it, as JSON-able values; nothing is unpickled."""

from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

from headrace import errors
from headrace.model.output import Output
from headrace.outputs import documents, kept, tables


class Head(NamedTuple):
    """The first rows of an output; each has as many cells as there are columns."""

    columns: list[str]
    rows: list[list[Any]]


def head(output: Output, home: Path, rows: int, first: int = 0, most: int | None = None) -> Head:
    """At most so many rows of a frame or array, elements of a list, or keys of a dict; of an object only its type.

    The first of them is that of the number `first`, from 0 on. CannotRead as `load` has it; OutputTooLarge where the rows
    have more than `most` bytes.
    """
    path = home / output.path
    kept.refuse_cleaned(output, path)
    try:
        if output.codec in tables.KEPT:
            return _of_table(_bounded(tables.page(output, path, first, rows, most), output, most))
        if output.codec == "numpy":
            array = kept.load(output, home)
            return _of_array(_bounded(array[first : first + rows] if array.ndim else array, output, most))
        return _of_document(output, home, first, rows) if output.codec == "json" else Head(["type"], [[output.kind]])
    except (errors.CannotRead, errors.OutputTooLarge, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotRead(path=path, why=kept.reason(error)) from error


def value(output: Output, home: Path, most: int) -> Any:
    """A plain value as people read it, the whole of it; of an object its type. CannotRead, OutputTooLarge."""
    path = home / output.path
    kept.refuse_cleaned(output, path)
    try:
        if output.codec != "json":
            return f"<{output.kind}>"
        if "document" not in output.extra:
            _refuse_large(path.stat().st_size, output, most)
        return shown(*kept.read_document(output, home))
    except (errors.CannotRead, errors.OutputTooLarge, MemoryError):
        raise
    except Exception as error:
        raise errors.CannotRead(path=path, why=kept.reason(error)) from error


def _bounded(part: Any, output: Output, most: int | None) -> Any:
    """The rows of a table or an array, unless they have too many bytes."""
    if most is not None:
        _refuse_large(part.nbytes, output, most)
    return part


def _refuse_large(size: int, output: Output, most: int) -> None:
    if size > most:
        raise errors.OutputTooLarge(name=output.name, size=size, most=most)


def _of_table(table: Any) -> Head:
    columns = [_cells(field, column) for field, column in zip(table.schema, table.columns, strict=True)]
    return Head(list(table.schema.names), [list(row) for row in zip(*columns, strict=True)])


def _cells(field: Any, column: Any) -> list[Any]:
    meaning = tables.meaning(field)
    if meaning == "json":
        return [None if each is None else shown(documents.loads(each), []) for each in column.to_pylist()]
    if meaning == "raw":
        np: Any = import_module("numpy")
        return [tables.plain(np.frombuffer(each, tables.note(field)["dtype"])[0].item()) for each in column.to_pylist()]
    if meaning == "pickle":
        return [f"<{field.name}>"] * len(column)
    return [tables.cell(each) for each in column]


def _of_array(array: Any) -> Head:
    listed = array.tolist() if array.ndim else [array.tolist()]
    if array.ndim == 2:
        return Head([str(place) for place in range(array.shape[1])], [list(map(_nested, row)) for row in listed])
    return Head(["value"], [[_nested(each)] for each in listed])


def _nested(value: Any) -> Any:
    return list(map(_nested, cast("list[Any]", value))) if isinstance(value, list) else tables.plain(value)


def _of_document(output: Output, home: Path, first: int, rows: int) -> Head:
    tree, parts = kept.read_document(output, home)
    if isinstance(tree, list):
        return Head(["value"], [[shown(each, parts)] for each in islice(cast("list[Any]", tree), first, first + rows)])
    value = shown(tree, parts)
    if isinstance(value, dict):
        return Head(
            ["key", "value"],
            [[key, each] for key, each in islice(cast("dict[str, Any]", value).items(), first, first + rows)],
        )
    return Head(["value"], [[value]])


def shown(tree: Any, parts: list[Output]) -> Any:
    """A tree of documents.py as people read it: exact forms as their plain value, objects and parts as their type."""
    if isinstance(tree, list):
        return [shown(each, parts) for each in cast("list[Any]", tree)]
    if not isinstance(tree, dict):
        return tree
    branch = cast("dict[str, Any]", tree)
    name = branch.get("$")
    if name is None:
        return {key: shown(each, parts) for key, each in branch.items()}
    if name == "dict":
        return {str(shown(key, parts)): shown(each, parts) for key, each in branch["of"]}
    if name == "object":
        return f"<{branch['type']}>"
    if name == "part":
        part = parts[int(branch["index"])]
        return f"<{part.kind}>" if part.rows is None else f"<{part.kind}, {part.rows} rows>"
    return shown(branch["of"], parts) if "of" in branch else branch["value"]
