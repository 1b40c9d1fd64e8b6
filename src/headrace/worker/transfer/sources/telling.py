"""Telling: whatever goes wrong while a source is read is told of the source, wherever its rows are just being written."""

from collections.abc import Collection, Iterator, Sequence

from headrace import errors
from headrace.model.loads import Value
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column
from headrace.worker.transfer.connections import Address
from headrace.worker.transfer.scope import told
from headrace.worker.transfer.sources import Source


def no_bookmark(column: Column) -> errors.LoadFailed:
    return errors.LoadFailed(what=f"The column {column.name}", why="it has bytes in it, and a bookmark keeps none")


class Telling:
    """A source whose library's errors become LoadFailed."""

    def __init__(self, inner: Source, what: str, where: Address, *kinds: type[Exception]) -> None:
        self._inner = inner
        self._what = what
        self._where = where
        self._kinds = kinds
        self.dialect, self.relation = inner.dialect, inner.relation

    def columns(self) -> Sequence[Column]:
        with told(self._what, self._where, *self._kinds):
            return self._inner.columns()

    def exactly(self, names: Collection[str]) -> "Telling":
        with told(self._what, self._where, *self._kinds):
            return Telling(self._inner.exactly(names), self._what, self._where, *self._kinds)

    def value(self, column: Column) -> str:
        return self._inner.value(column)

    def comparand(self, column: Column) -> str:
        return self._inner.comparand(column)

    def greatest(self, column: Column, since: Value | None) -> Value | None:
        with told(self._what, self._where, *self._kinds):
            return self._inner.greatest(column, since)

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        found = self._inner.batches(statement, parameters, columns)
        while True:
            with told(self._what, self._where, *self._kinds):
                batch = next(found, None)
            if batch is None:
                return
            yield batch
