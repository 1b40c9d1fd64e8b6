"""Compacting: small files of a table become one that has their rows, by a commit like any other.

One that has become large enough by that is left alone, so that a row is written anew a few times at most, and not each time
others have come.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from headrace import errors, identity
from headrace.datasets import committing, disk, names, reading, tables
from headrace.datasets.committing import Committed
from headrace.datasets.tables import File

SMALL = 2**20  # bytes: files that have less are merged with each other
FEW = 32  # such files, from which on they are merged
MOST = 2**26  # bytes of the files that are merged at once, about
GROUP = 2**23  # bytes of rows that are held, and written as a group
ROWS = 2**14  # that are read at once, at most
TRIES = 10  # each time another has written the table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compaction:
    """Files of the table at `place` that are to become one, of that name; each of them holds its rows as `schema` says."""

    place: str
    name: str
    files: Mapping[str, File]
    schema: Any

    def copy(self) -> Iterator[None]:
        """Writes their rows into the new file, some at a time between one step and the next; where that ends, none."""
        try:
            yield from self._written()
        except BaseException:
            self.take_back()
            raise
        if not names.is_url(self.place):
            disk.sync(Path(self.place) / self.name)
            disk.sync(Path(self.place))

    def commit(self, attempt: str, at: datetime) -> Committed | None:
        """The version in which the new file has taken their place, which is made by that attempt (a uid).

        None when it cannot be made any more: others have changed one of them, or have made the attempt void. DatasetInDoubt
        when it is not known whether it was made, DatasetUnwritable when it was not.
        """
        file = self._file()
        for _ in range(TRIES):
            table = tables.find(self.place)
            if table is None or not self.files.keys() <= tables.files(table).keys():
                return None
            if tables.transaction(table, self.place, attempt, at) == tables.VOID:
                return None
            if self._is_committed(table, file, attempt, at):
                return self._made(attempt, at)
        return None

    def take_back(self) -> None:
        """The new file is there no more; to be called once it is known that no version has it."""
        store = tables.filesystem(self.place)
        if store.get_file_info(self.name).is_file:
            store.delete_file(self.name)

    def _written(self) -> Iterator[None]:
        store, parquet = tables.filesystem(self.place), import_module("pyarrow.parquet")
        with store.open_output_stream(self.name) as target, parquet.ParquetWriter(target, self.schema) as writer:
            held, size = [self.schema.empty_table()], 0
            for part in self._parts(store):
                held, size = [*held, part], size + part.nbytes
                if size >= GROUP:
                    _write(writer, held)
                    held, size = [], 0
                yield
            if held:
                _write(writer, held)

    def _parts(self, store: Any) -> Iterator[Any]:
        parquet = import_module("pyarrow.parquet")
        for name in self.files:
            with store.open_input_file(name) as source, parquet.ParquetFile(source) as file:
                yield from reading.parts(file, self.schema, ROWS)

    def _file(self) -> File:
        """How much is in the new file."""
        store, parquet = tables.filesystem(self.place), import_module("pyarrow.parquet")
        with store.open_input_file(self.name) as source:
            return File(parquet.read_metadata(source).num_rows, source.size())

    def _is_committed(self, table: Any, file: File, attempt: str, at: datetime) -> bool:
        """Whether it is; not where others have landed meanwhile."""
        seen, moment = table.version(), tables.milliseconds(at)
        told = tables.marked(attempt, seen + 1, at, {"attempt": attempt, "operation": "compact"})
        added = tables.adding(self.name, file, moment, changes=False)
        gone = [tables.removing(name, each, moment, changes=False) for name, each in self.files.items()]
        try:
            table.create_write_transaction([added, *gone], "append", table.schema(), commit_properties=told)
        except (tables.delta().exceptions.DeltaError, OSError) as error:
            return self._has_landed(seen, error, attempt, at)
        return True

    def _has_landed(self, seen: int, error: Exception, attempt: str, at: datetime) -> bool:
        """Whether it has after all. DatasetInDoubt where it may yet; DatasetUnwritable where it cannot, and nothing else has."""
        newest = self._looked_up(lambda: committing.newest(self.place))
        if self._made(attempt, at):
            return True
        if newest == seen:
            wrong = errors.DatasetInDoubt if names.is_url(self.place) else errors.DatasetUnwritable
            raise wrong(place=self.place, why=tables.why(error)) from error
        return False

    def _made(self, attempt: str, at: datetime) -> Committed | None:
        """The version that the attempt has made, which outlives a loss of power."""
        return self._looked_up(lambda: committing.find(self.place, attempt, at))

    def _looked_up(self, look: Callable[[], T]) -> T:
        """What is seen; DatasetInDoubt when nothing is, after a commit was tried."""
        try:
            return look()
        except Exception as error:
            raise errors.DatasetInDoubt(place=self.place, why=tables.why(error)) from error


def _write(writer: Any, held: list[Any]) -> None:
    """Those tables, as one group."""
    group = import_module("pyarrow").concat_tables(held)
    writer.write_table(group, row_group_size=max(1, group.num_rows))


def plan(place: str, version: int) -> Compaction | None:
    """What is to be done at the table; None unless it has the files of that version, of which many are small.

    One that others have written since is left as it is: of what they have written nobody is to hear by this. DatasetUnreadable
    when it needs what is not read here.
    """
    table, newest = reading.open(place, version), tables.find(place)
    files = tables.files(table)
    if newest is None or tables.files(newest) != files:
        return None
    small = _small(files)
    schema = import_module("pyarrow").schema(table.schema().to_arrow())
    return Compaction(place, f"{identity.new()}.parquet", small, schema) if small else None


def _small(files: Mapping[str, File]) -> Mapping[str, File]:
    """Those that are to be merged, as they lie one after the other; none where they are few."""
    those = {name: file for name, file in files.items() if file.bytes < SMALL}
    if len(those) < FEW:
        return {}
    sizes = accumulate(file.bytes for file in those.values())
    return {name: file for (name, file), size in zip(those.items(), sizes, strict=True) if size < MOST}
