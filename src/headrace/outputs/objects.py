"""Arbitrary objects (models, functions, instances of any class), pickled by cloudpickle.

A pickle is code: whoever loads one runs what it says. These are written and loaded by workers of one project only,
which run that project's code anyway; `head`, `profile` and the command line look at their size and never load them.
Classes and functions that a block defines go by value, since no module has them.
"""

import base64
import functools
import io
import pickle
from collections import ChainMap
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from headrace.model.output import Output
from headrace.outputs import forms


def dumps(value: Any) -> bytes:
    """The pickle; any error the value's own class raises, TypeError or PicklingError when it cannot be pickled."""
    file = io.BytesIO()
    _dump(value, file)
    return file.getvalue()


def loads(content: bytes) -> Any:
    return pickle.loads(content)  # noqa: S301 - see the head of this file


def save(value: Any, path: Path) -> dict[str, Any]:
    """Writes the pickle, and reads it once: many classes can be written that cannot be read."""
    with path.open("wb") as file:
        _dump(value, file)
    load(path)
    return {}


def load(path: Path, _: Output | None = None) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 - see the head of this file


def inline(value: Any) -> dict[str, Any]:
    """The object as a branch of a document."""
    return {"$": "object", "type": forms.word(type(value)), "pickle": base64.b64encode(dumps(value)).decode("ascii")}


def outline(branch: dict[str, Any]) -> Any:
    """The object of such a branch."""
    return loads(base64.b64decode(branch["pickle"]))


def _dump(value: Any, file: IO[bytes]) -> None:
    _pickler()(file, protocol=5).dump(value)


@functools.cache
def _pickler() -> Any:
    """cloudpickle's, save that it would keep an open file as its text without saying so; here it refuses."""
    pickler: Any = import_module("cloudpickle").Pickler
    refused = {io.TextIOWrapper: _refuse}
    return type("Pickler", (pickler,), {"dispatch_table": ChainMap(refused, pickler.dispatch_table)})


def _refuse(value: Any) -> Any:
    raise TypeError(f"cannot pickle an open file ({value.name})")
