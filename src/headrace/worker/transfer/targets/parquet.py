"""Parquet files as targets: written anew as a whole, and put in the place of the old one. The bookmark lies in the file.

The rows that a job adds to are read from the old file and written again before the new ones, and its columns keep their types.
"""

import json
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from headrace.datasets.scanning import scan
from headrace.model.loads import Bookmark, Mode
from headrace.model.transfer import End
from headrace.worker.transfer import batches as on_their_way
from headrace.worker.transfer import columns as kinds
from headrace.worker.transfer import conversions, duck, files, queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column
from headrace.worker.transfer.connections import Address
from headrace.worker.transfer.scope import Scope, told
from headrace.worker.transfer.targets import Loaded, Loading

pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")

_NOTE = "headrace_load"  # the key, in the file's own notes, of the bookmark


def write(path: Path, columns: Sequence[Column], batches: Iterable[Batch], notes: dict[str, str] | None = None) -> int:
    """The rows go into a new file, with these types; how many there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(path, kinds.schema(columns)) as writer:
        for batch in on_their_way.conformed(batches, columns):
            writer.write_batch(batch)
            rows += batch.num_rows
        writer.add_key_value_metadata(notes or {})
    return rows


class Parquet:
    def __init__(self, where: Address, scope: Scope) -> None:
        self._where = where
        self._scope = scope
        self._remote = files.remote(where)

    def bookmark(self) -> Bookmark | None:
        if not self._is_there():
            return None
        with self._opened() as file:
            notes: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
        noted: dict[str, Any] = json.loads(notes.get(_NOTE.encode(), b"{}")).get(self._scope.job, {})
        return Bookmark(**noted) if noted else None

    def decimals(self) -> Collection[str]:
        return ()

    def write(self, loading: Loading) -> Loaded:
        kinds.refuse_twins([column.name for column in loading.columns])
        new = self._scope.place / "new.parquet"
        noted = {"state": self._scope.state, "attempt": self._scope.attempt}
        noted |= {"value": loading.reached, "kind": loading.kind}
        notes = {_NOTE: json.dumps({self._scope.job: noted})}
        rows = write(new, [column.settled for column in loading.columns], loading.batches, notes)
        whole = new if loading.load.mode is Mode.REPLACE or not self._is_there() else self._joined(new, loading, notes)
        self._publish(whole)
        new.unlink(missing_ok=True)
        return Loaded(rows)

    def _is_there(self) -> bool:
        return self._remote.exists(self._where.path) if self._remote else Path(self._where.path).exists()

    def _opened(self) -> Any:
        return self._remote.open(self._where.path, "rb") if self._remote else Path(self._where.path).open("rb")

    def _joined(self, new: Path, loading: Loading, notes: dict[str, str]) -> Path:
        """The old file's rows, but for those whose keys come again, and behind them the new ones."""
        whole = new.with_name("whole.parquet")
        with duck.connect(":memory:", self._scope) as connection:
            if self._remote:
                connection.register_filesystem(self._remote)
            found = duck.batches(connection, _joining(connection, self._where.path, str(new), loading))
            with pq.ParquetWriter(whole, found.schema) as writer:
                for batch in found:
                    writer.write_batch(batch)
                writer.add_key_value_metadata(notes)
        return whole

    def _publish(self, whole: Path) -> None:
        if self._remote:
            self._remote.put(str(whole), self._where.path)
            whole.unlink()
            return
        path = Path(self._where.path)
        made = path.with_name(f".{path.name}.{self._scope.attempt}")
        _copy(whole, made)
        files.publish(made, path)
        whole.unlink()


def _joining(connection: duckdb.DuckDBPyConnection, old: str, new: str, loading: Loading) -> str:
    keys = loading.keys if loading.load.mode is Mode.UPSERT else ()
    before, after = scan([old]), _fitted(connection, scan([old]), scan([new]))
    kept = f"SELECT * FROM {before} AS old"  # noqa: S608 - its name is quoted
    if keys:
        same = " AND ".join(f"old.{_name(key)} = new.{_name(key)}" for key in keys)
        kept += f" WHERE NOT EXISTS (SELECT 1 FROM {after} AS new WHERE {same})"  # noqa: S608
    return f"{kept} UNION ALL BY NAME SELECT * FROM {after}"  # noqa: S608 - names are quoted


def _fitted(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> str:
    """The new rows, in columns as the old ones are. LoadFailed where one has a value that would not be the same then."""
    there = {column.name.lower(): column for column in _columns(connection, old)}
    values: list[str] = []
    for column in _columns(connection, new):
        kept = there.get(column.name.lower(), column)
        other = None if kept.native == column.native else kept.native
        if other not in (None, "VARCHAR"):
            _refuse_change(connection, new, column, other)
        values.append(f"{conversions.converted(queries.DUCKDB, column, other)} AS {_name(kept.name)}")
    return f"(SELECT {', '.join(values)} FROM {new})"  # noqa: S608 - names are quoted


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> Sequence[Column]:
    found = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - its name is quoted
    return [kinds.of_duckdb(row[0], row[1]) for row in found]


def _refuse_change(connection: duckdb.DuckDBPyConnection, relation: str, column: Column, there: str) -> None:
    changing = conversions.changing(queries.DUCKDB, column, there) or "false"
    try:
        if connection.execute(queries.count(relation, changing)).fetchall() != [(0,)]:
            raise conversions.refusal(column, there)
    except duckdb.ConversionException:
        raise conversions.refusal(column, there) from None


def _name(key: str) -> str:
    return queries.DUCKDB.name(key)


def _copy(whole: Path, made: Path) -> None:
    with whole.open("rb") as read, made.open("wb") as written:
        while chunk := read.read(2**20):
            written.write(chunk)


@contextmanager
def open(end: End, scope: Scope) -> Generator[Parquet]:
    where = scope.address(end)
    with (
        files.alone(where.path) if "://" not in where.path else nullcontext(),
        told(f"The file {end.path}", where, OSError, duckdb.Error, pa.ArrowException),
    ):
        yield Parquet(where, scope)
