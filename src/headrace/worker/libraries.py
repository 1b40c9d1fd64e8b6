"""Options of libraries that a block may have set, each put back as in `pristine`, if the library is loaded at all."""

import copy
import os
import sys
from collections.abc import Callable
from typing import Any

Restore = Callable[[], None]


def decimal_context() -> Restore:
    import decimal

    kept = decimal.getcontext().copy()
    return lambda: decimal.setcontext(kept.copy())


def temporary_folder() -> Restore:
    import tempfile

    kept = tempfile.tempdir

    def put_back() -> None:
        tempfile.tempdir = kept

    return put_back


def pandas_options() -> Restore:
    import pandas as pd

    options: dict[str, Any] = pd.options.d  # pyright: ignore
    kept = copy.deepcopy(options)

    def put_back() -> None:
        if options != kept:
            for name, value in _leaves(kept):
                if pd.get_option(name) != value:
                    pd.set_option(name, value)

    return put_back


def _leaves(options: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in options.items():
        path = f"{before}{name}"
        found += _leaves(value, f"{path}.") if isinstance(value, dict) else [(path, value)]  # pyright: ignore[reportUnknownArgumentType]
    return found


def numpy_options() -> Restore:
    import numpy as np

    options, on_error = np.get_printoptions(), np.geterr()

    def put_back() -> None:
        np.set_printoptions(**options)  # pyright: ignore
        np.seterr(**on_error)  # pyright: ignore

    return put_back


def numpy_random_numbers() -> Restore:
    import numpy as np

    def put_back() -> None:
        np.random.seed(int.from_bytes(os.urandom(4), "little"))

    put_back()
    return put_back


def polars_options() -> Restore:
    import polars as pl

    kept = pl.Config.save()

    def put_back() -> None:
        if pl.Config.save() != kept:
            pl.Config.restore_defaults()
            pl.Config.load(kept)

    return put_back


def matplotlib_options() -> Restore:
    matplotlib: Any = sys.modules["matplotlib"]
    options: Any = matplotlib.rcParams
    plain: Any = dict  # its own `items` would choose a backend
    kept: dict[str, Any] = {name: value for name, value in plain.items(options) if name != "backend"}

    def put_back() -> None:
        for name, value in kept.items():
            if options[name] != value:
                options[name] = value

    return put_back


KEPT: dict[str, Callable[[], Restore]] = {
    "decimal": decimal_context,
    "tempfile": temporary_folder,
    "pandas": pandas_options,
    "numpy": numpy_options,
    "numpy.random": numpy_random_numbers,
    "polars": polars_options,
    "matplotlib": matplotlib_options,
}
