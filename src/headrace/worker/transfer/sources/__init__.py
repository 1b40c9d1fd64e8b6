"""Sources: what a job reads, one file for each kind; each is imported when it is asked for."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

from headrace.model.loads import Value
from headrace.model.transfer import End
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column
from headrace.worker.transfer.queries import Dialect
from headrace.worker.transfer.scope import Scope

_MODULES = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "csv": "files",
    "parquet": "files",
    "json": "files",
}


class Source(Protocol):
    """A table, as it is at one moment: whatever is asked until it is closed is answered of that."""

    dialect: Dialect
    relation: str  # what stands after FROM

    def columns(self) -> Sequence[Column]:
        """Its columns in their order. LoadFailed where there is no such table."""
        ...

    def exactly(self, names: Collection[str]) -> "Source":
        """The same, whose columns of these names, in small letters, are of decimals where it has them written as such."""
        ...

    def value(self, column: Column) -> str:
        """The expression that gives the column's values as a batch has them."""
        ...

    def comparand(self, column: Column) -> str:
        """The parameter that stands for a value of the column."""
        ...

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        """The greatest value of the column, not below `since`, as `comparand` takes it; None where there is none."""
        ...

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        """What the statement gives, of those columns."""
        ...


def open(end: End, scope: Scope) -> AbstractContextManager[Source]:
    """LoadFailed where it cannot be reached."""
    return import_module(f"{__name__}.{_MODULES[end.plugin]}").open(end, scope)
