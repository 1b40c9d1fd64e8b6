"""Committing: what an attempt has written becomes a version of a table, once, however often it is tried.

The table's log is the judge. A try is decided on a version, and lands as the next one or not at all; where another has
landed instead, it is looked again whether this attempt is committed by now, and if it is not, decided anew. The commit
names the attempt and, as the number of its transaction, the version: see `tables`.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.datasets import columns, disk, names, remote, staging, tables, upserts
from headrace.datasets.staging import Delivery, Rows, Staged
from headrace.datasets.tables import File
from headrace.datasets.upserts import Upsert
from headrace.model.dataset import WriteMode

__all__ = ["Committed", "Staged", "begin", "commit", "find", "newest", "settle"]

TRIES = 100  # each time another has landed


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A version of a table: all its rows and their bytes, and its columns as `{"name", "type"}`."""

    version: int
    rows: int
    bytes: int
    schema: tuple[Mapping[str, Any], ...]
    found: bool  # it had been committed before


def commit(place: str, staged: Staged, newest: int | None = None) -> Committed:
    """The version of the table at `place` (an absolute path, or a URL) that has the staged rows.

    It is made unless the attempt has made it before. `newest` is the latest version that is recorded, if any is. Raises
    DatasetRefused, and nothing was written, when the rows do not fit the table: other columns than it has, a key twice or
    without a value; CannotRead for staged files that are no Parquet; DatasetBehind for a table that has not come to
    `newest`; DatasetUnwritable when the place cannot be written; DatasetsMissing without the libraries.
    Of them all nothing was written; DatasetInDoubt, or what was not raised on purpose, leaves that open.
    """
    tables.delta()
    tables.refuse_path(place)
    try:
        return _commit(_table(place, newest or 0), place, staged)
    except OSError as error:
        raise errors.DatasetUnwritable(place=place, why=tables.why(error)) from error


def find(place: str, attempt: str, at: datetime) -> Committed | None:
    """The version that the attempt (a uid) has made by then; None while it has made none, and where there is no table.

    That of a `voiding.void` attempt is 0. DatasetUnwritable when that cannot be looked up, DatasetInDoubt when nobody knows
    any more.
    """
    table = _opened(tables.find, place)
    return _found(table, place, attempt, at) if table else None


def newest(place: str) -> int | None:
    """The table's newest version; None where there is no table. DatasetUnwritable when that cannot be looked up."""
    table = _opened(tables.find, place)
    return table.version() if table else None


def begin(place: str, version: int) -> None:
    """Makes an empty table, whose first version has that number, where there is nothing. DatasetUnwritable."""
    tables.refuse_path(place)

    def make(place: str) -> None:
        _prepare(place)
        tables.begin(place, version)

    _opened(make, place)


def _commit(table: Any, place: str, staged: Staged) -> Committed:
    if found := _found(table, place, staged.attempt, staged.at):
        return found
    rows = staging.look(place, staged)
    with ExitStack() as stack:
        upsert = stack.enter_context(upserts.opened(place, staged, rows)) if staged.mode is WriteMode.UPSERT else None
        return _land(table, _Work(place, staged, rows, Delivery(Path(place), staged, rows), upsert))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be committed, and what it is brought into the table's folder by."""

    place: str
    staged: Staged
    rows: Rows
    delivery: Delivery
    upsert: Upsert | None


def _land(table: Any, work: _Work) -> Committed:
    """Tries it until it lands. What was brought is taken back once it is known that it has not, and will not."""
    for _ in range(TRIES):
        trying = _Try(table, work)
        try:
            return trying.committed()
        except errors.DatasetRefused:
            work.delivery.take_back()
            raise
        except (tables.delta().exceptions.DeltaError, OSError) as error:
            why = tables.why(error)
            table, found = _look_again(work, why)
        if found:
            return found
        if table.version() == trying.seen:
            _refuse_under_way(work.place, why)
            trying.take_away()
            break
        trying.take_away()
    else:
        why = f"others have written it each of {TRIES} times that it was tried"
    work.delivery.take_back()
    raise errors.DatasetUnwritable(place=work.place, why=why)


def _look_again(work: _Work, why: object) -> tuple[Any, Committed | None]:
    """The table as it is after a try that has failed for that reason, and the version that it has made after all.

    DatasetInDoubt when that cannot be told.
    """
    try:
        table = _table(work.place)
        return table, _found(table, work.place, work.staged.attempt, work.staged.at)
    except Exception as again:
        raise errors.DatasetInDoubt(place=work.place, why=why) from again


def _refuse_under_way(place: str, why: object) -> None:
    """Of a folder it is known that nothing came; what was sent to an object store may come yet."""
    if names.is_url(place):
        raise errors.DatasetInDoubt(place=place, why=why)


def _table(place: str, newest: int = 0) -> Any:
    """The table, which is made where there is none and none was recorded. DatasetBehind."""
    found = _opened(tables.find, place)
    if newest:
        _refuse_behind(place, found, newest)
    return found or _made(place)


def _refuse_behind(place: str, table: Any, newest: int) -> None:
    """What is committed to such a table would take the number of a version that was another."""
    if table is None:
        raise errors.DatasetBehind(place=place, why=f"there is none, and version {newest} of it was recorded")
    if table.version() < newest:
        why = f"its newest version is {table.version()}, and version {newest} of it was recorded"
        raise errors.DatasetBehind(place=place, why=why)


def _made(place: str) -> Any:
    _prepare(place)
    return _opened(tables.ensure, place)


def _prepare(place: str) -> None:
    """The folder that it is to lie in is there. OSError."""
    if not names.is_url(place):
        disk.make(Path(place))


def _opened(opening: Callable[[str], Any], place: str) -> Any:
    try:
        return opening(place)
    except (tables.delta().exceptions.DeltaError, OSError) as error:
        raise errors.DatasetUnwritable(place=place, why=tables.why(error)) from error


def _found(table: Any, place: str, attempt: str, at: datetime) -> Committed | None:
    """What the attempt has committed before."""
    version = tables.transaction(table, place, attempt, at)
    if version is None:
        return None
    if version == tables.VOID:
        return Committed(version=version, rows=0, bytes=0, schema=(), found=True)
    settle(place, version)
    return _read(place, version, found=True)


def _read(place: str, version: int, *, found: bool) -> Committed:
    """The version as it is told by the log."""
    there = tables.find(place, version)
    return _told(version, tables.files(there), there.schema(), found=found)


def _told(version: int, files: Mapping[str, File], schema: Any, *, found: bool) -> Committed:
    all_of_it = tables.total(files)
    described = columns.described(schema)
    return Committed(version=version, rows=all_of_it.rows, bytes=all_of_it.bytes, schema=described, found=found)


def settle(place: str, version: int) -> None:
    """The commit outlives a loss of power from now on; so does the one that it follows, whoever has yet to come to that.

    With a commit a checkpoint may have been made, where whoever opens the table from then on begins.
    """
    if names.is_url(place):
        return
    log = tables.log(place)
    for number, kind in product((version - 1, version), ("json", "checkpoint.parquet")):
        with suppress(FileNotFoundError):
            disk.sync(log / f"{number:020}.{kind}")
    disk.sync(log)


class _Try:
    """One try, decided on the version that `table` is at; DeltaError where it has not landed."""

    def __init__(self, table: Any, work: _Work) -> None:
        self._table = table
        self._work = work
        self._place = work.place
        self._rewritten: Mapping[str, File] = {}
        self.seen: int = table.version()
        self._mode = WriteMode.REPLACE if tables.is_empty(table) else work.staged.mode

    def committed(self) -> Committed:
        if self._mode is not WriteMode.REPLACE:
            columns.refuse_others(self._place, columns.described(self._table.schema()), self._work.rows.columns)
        if names.is_url(self._place):
            remote.write(self._table, self._work.staged, self._work.rows, self._mode, self._properties())
            return _read(self._place, self.seen + 1, found=False)
        after, schema = self._write(Path(self._place))
        settle(self._place, self.seen + 1)
        return _told(self.seen + 1, after, schema, found=False)

    def take_away(self) -> None:
        """What was written for it alone, once it is known that it has not landed."""
        for name in self._rewritten:
            (Path(self._place) / name).unlink(missing_ok=True)

    def _write(self, place: Path) -> tuple[Mapping[str, File], Any]:
        """The files and the schema of the version that it has made."""
        replaces = self._mode is WriteMode.REPLACE
        schema = columns.delta(self._work.rows.schema) if replaces else self._table.schema()
        there = {} if replaces else tables.files(self._table)
        gone = self._make_room(there)
        added = {**self._work.delivery.files(), **self._rewritten}
        disk.sync(place)
        at = tables.milliseconds(self._work.staged.at)
        actions = [tables.adding(name, file, at) for name, file in added.items()]
        actions += [tables.removing(name, there[name], at) for name in gone]
        told = self._properties()
        mode = "overwrite" if replaces else "append"
        self._table.create_write_transaction(actions, mode, schema, commit_properties=told)
        return {name: file for name, file in {**there, **added}.items() if name not in gone}, schema

    def _make_room(self, there: Mapping[str, File]) -> Collection[str]:
        """The files that go because rows of theirs do; their other rows are in files that were written anew."""
        if self._mode is not WriteMode.UPSERT or not self._work.upsert:
            return ()
        self._rewritten, gone = self._work.upsert.rewrite(there)
        return gone

    def _properties(self) -> Any:
        """Of a commit that is tried once; its transaction is forgotten when it is long ago that it was made."""
        staged = self._work.staged
        told = {"run": staged.run, "block": staged.block, "attempt": staged.attempt}
        return tables.marked(staged.attempt, self.seen + 1, staged.at, told)
