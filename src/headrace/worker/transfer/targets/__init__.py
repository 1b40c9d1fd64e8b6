"""Targets: where a job's rows go, one file for each kind; each is imported when it is asked for."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from headrace.model.loads import Bookmark, Load, Value
from headrace.model.output import Output
from headrace.model.transfer import End
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column
from headrace.worker.transfer.scope import Scope

_MODULES = {
    "postgresql": "postgresql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "parquet": "parquet",
    "dataset": "dataset",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """The rows of one load, and how far they get the job: `reached` is its bookmark once they are there, of that kind."""

    load: Load
    columns: Sequence[Column]
    batches: Iterable[Batch]
    keys: Sequence[str]
    reached: Value | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows came; `outputs` are those that have yet to be committed."""

    rows: int
    outputs: tuple[Output, ...] = ()


class Target(Protocol):
    """Held by one job until it is closed; what was not written whole by then is as it was."""

    def bookmark(self) -> Bookmark | None:
        """How far the job has got."""
        ...

    def decimals(self) -> Collection[str]:
        """The columns, by their names in small letters, that are there and hold decimals as they are given."""
        ...

    def write(self, loading: Loading) -> Loaded:
        """The rows are there, and the bookmark is moved, or neither. LoadFailed."""
        ...


def open(end: End, scope: Scope) -> AbstractContextManager[Target]:
    """LoadFailed where it cannot be reached."""
    return import_module(f"{__name__}.{_MODULES[end.plugin]}").open(end, scope)
