"""Datasets as targets: the rows are left in the attempt's place, and committed with its outcome, as the bookmark is."""

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from headrace.model.loads import Bookmark, Mode
from headrace.model.output import DATASET, Output
from headrace.model.transfer import End
from headrace.outputs import files as disk
from headrace.worker.transfer import columns as kinds
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.scope import Scope
from headrace.worker.transfer.targets import Loaded, Loading, parquet

_AS_TEXT = frozenset({Kind.TIME, Kind.UUID, Kind.JSON})  # which datasets have no type for


class Dataset:
    def __init__(self, name: str, scope: Scope) -> None:
        self._name = name
        self._scope = scope

    def bookmark(self) -> Bookmark | None:
        return self._scope.bookmark()

    def decimals(self) -> Collection[str]:
        return ()

    def write(self, loading: Loading) -> Loaded:
        """Where nothing is new there is nothing to commit."""
        columns = [_kept(column) for column in loading.columns]
        folder = disk.Folder(self._scope.place)
        with folder.written(self._scope.place / f"{self._name}.parquet") as path:
            rows = parquet.write(path, columns, loading.batches)
        folder.settle()
        if not rows and loading.load.mode is not Mode.REPLACE:
            return Loaded(0)
        return Loaded(rows, (self._output(path, columns, loading, rows),))

    def _output(self, path: Path, columns: Sequence[Column], loading: Loading, rows: int) -> Output:
        return Output(
            name=self._name,
            kind=DATASET,
            codec="parquet",
            path=str(path.relative_to(self._scope.home)),
            bytes=path.stat().st_size,
            rows=rows,
            schema=tuple({"name": each.name, "type": kinds.named(each, "duckdb")} for each in columns),
            extra={
                "dataset": self._name,
                "mode": loading.load.mode.value,
                "keys": list(loading.keys),
                "bookmark": {
                    "state": self._scope.state,
                    "value": loading.reached,
                    "kind": loading.kind,
                    "attempt": self._scope.attempt,
                },
            },
        )


def _kept(column: Column) -> Column:
    return replace(column, kind=Kind.TEXT) if column.kind in _AS_TEXT else column.settled


@contextmanager
def open(end: End, scope: Scope) -> Generator[Dataset]:
    yield Dataset(end.table or "", scope)
