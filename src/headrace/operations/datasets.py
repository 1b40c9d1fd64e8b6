"""Datasets: named tables with versions, looked at, and given rows."""

import hashlib
import json
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from headrace import clock, errors, identity
from headrace.app import App
from headrace.datasets import committing, names, reading, sent, voiding
from headrace.datasets.committing import Committed, Staged
from headrace.engine import interrupted
from headrace.model.dataset import Dataset, Operation, Version, WriteMode
from headrace.outputs import Head, tables
from headrace.store.datasets import Standing
from headrace.store.writes import Write

MOST = 10_000  # rows of a page
LARGEST = 16 * 2**20  # bytes of the rows of a page


class Filed(NamedTuple):
    """A dataset as it is, and the version that has the rows of files; it was `found` where it had been made before.

    `write` is the id of an append that whoever has asked for it is yet to be told of.
    """

    standing: Standing
    version: int
    found: bool
    write: int | None


def listed(app: App, limit: int, after: str = "") -> list[Standing]:
    """By name, at most `limit`, those after that name; each with its newest version."""
    return app.store.datasets.standing(app.store.datasets.all(limit, after))


def find(app: App, name: str) -> Standing:
    """The dataset of that name, however it is spelt. DatasetNotFound, BadDatasetName."""
    return _standing(app, app.store.datasets.find(name), name)


def find_uid(app: App, uid: str) -> Standing:
    """The dataset of that uid. DatasetNotFound."""
    return _standing(app, app.store.datasets.find_uid(uid), uid)


def history(app: App, name: str, limit: int, before: int | None = None) -> list[Version]:
    """Its versions, the newest first, at most `limit`, those below `before`. DatasetNotFound, BadDatasetName."""
    return app.store.datasets.versions(find(app, name).dataset.id, limit, before)


def version(app: App, name: str, number: int | None = None) -> tuple[Dataset, Version]:
    """That version, or the newest one. DatasetNotFound, BadDatasetName; DatasetVersionNotFound for one that cannot be read."""
    standing = find(app, name)
    found = standing.newest if number is None else app.store.datasets.version(standing.dataset.id, number)
    if found is None:
        raise errors.DatasetVersionNotFound(
            dataset=name, version="at all" if number is None else number, why="there is none"
        )
    if found.cleaned_at:
        why = f"it was {'lost' if found.lost_at else 'cleaned'} at {found.cleaned_at:%Y-%m-%d %H:%M} UTC"
        raise errors.DatasetVersionNotFound(dataset=name, version=number, why=why)
    return standing.dataset, found


def head(app: App, name: str, number: int | None = None, first: int = 0, rows: int = 10) -> Head:
    """At most so many rows of a version, from the number `first` on. What `version` raises, DatasetUnreadable, OutputTooLarge."""
    dataset, found = version(app, name, number)
    place = names.absolute(app.settings.home, dataset.location)
    page = reading.page(place, found.version, first, rows, LARGEST)
    if page.nbytes > LARGEST:
        raise errors.OutputTooLarge(name=name, size=page.nbytes, most=LARGEST)
    columns = [[tables.cell(each) for each in column] for column in page.columns]
    return Head(page.column_names, [list(row) for row in zip(*columns, strict=True)])


def upsert_rows(
    app: App,
    name: str,
    identifier: str,
    rows: Sequence[Mapping[str, Any]],
    schema: Mapping[str, str] | None = None,
    description: str = "",
) -> Standing:
    """The dataset has these rows, in place of those with the same value in the column `identifier`: one new version.

    It is made if there is none of that name, with the columns of `schema` (by the words of `sent.TYPES`), or those that the
    rows show. Raises BadDatasetName, BadRows, which names row and column, NotAllowed, and what `committing.commit` raises:
    then nothing was written.
    """
    there = app.store.datasets.find(name)
    columns = _columns(app, name, there, schema)
    table = sent.table(name, rows, columns)
    if there and there.row_identifier:
        _refuse_other(there, columns, identifier)
    sent.refuse_identifier(name, rows, identifier)
    at = clock.now()
    dataset = app.store.datasets.ensure(name, names.location(app.settings.datasets, name), at, description)
    _upsert(app, dataset, table, identifier, at)
    return find(app, name)


def write_files(
    app: App, name: str, files: Sequence[Path], mode: WriteMode, keys: Sequence[str] = (), description: str = ""
) -> Filed:
    """The dataset has the rows of these Parquet files: one new version of it, which is made if there is none of that name.

    The files are copied. An append that is said again before it was `told` is that one, whatever was written since. Raises
    BadDatasetName, NotAllowed, and what `committing.commit` raises: then nothing was written.
    """
    at = clock.now()
    dataset = app.store.datasets.ensure(name, names.location(app.settings.datasets, name), at, description)
    staged = Staged(attempt=identity.new(), files=files, mode=mode, keys=keys, at=at, lent=True)
    if mode is not WriteMode.APPEND:
        made = _record(app, dataset, staged)
        return Filed(find(app, name), made, False, None)
    write = _begin(app, dataset, staged, _key([*map(_content, files)]))
    if write.version is not None:
        return Filed(find(app, name), write.version, True, write.id)
    done = _commit(app, dataset, write, staged)
    app.store.datasets.settle(interrupted.written(write, done))
    return Filed(find(app, name), done.version, done.found, write.id)


def told(app: App, filed: Filed) -> None:
    """Whoever has asked for it knows of it: the same said again is another one."""
    if filed.write is not None:
        app.store.writes.end(filed.write)


def restart(app: App, name: str) -> Standing:
    """The dataset, whose table is lost, has another one that is empty; versions go on from the highest number there was.

    What there was of it stays in its history, as lost. DatasetNotFound, BadDatasetName; DatasetNotLost where the table has
    the newest version; DatasetUnwritable, DatasetsMissing.
    """
    standing = find(app, name)
    lost = standing.dataset
    there = committing.newest(names.absolute(app.settings.home, lost.location))
    last = _refuse_kept(name, standing.newest, there)
    location = names.anew(app.settings.datasets, name)
    committing.begin(names.absolute(app.settings.home, location), max(last, there or 0) + 1)
    if not app.store.datasets.restart(lost.id, lost.location, location, clock.now()):
        raise errors.DatasetNotLost(dataset=name, why="somebody else has just begun it anew")
    return find(app, name)


def _refuse_kept(name: str, newest: Version | None, there: int | None) -> int:
    """The number of the newest version, which the table lacks whose own is `there`; DatasetNotLost when it does not."""
    if newest is None:
        raise errors.DatasetNotLost(dataset=name, why="nothing has been written to it")
    if there is not None and there >= newest.version:
        raise errors.DatasetNotLost(dataset=name, why=f"its version {newest.version} is there")
    return newest.version


def _standing(app: App, found: Dataset | None, named: str) -> Standing:
    if found is None:
        raise errors.DatasetNotFound(dataset=named)
    return app.store.datasets.standing([found])[0]


def _columns(app: App, name: str, there: Dataset | None, schema: Mapping[str, str] | None) -> Any | None:
    """The Arrow schema that rows are to have; None where nobody has said it."""
    newest = app.store.datasets.standing([there])[0].newest if there else None
    if there and newest:
        return reading.schema(names.absolute(app.settings.home, there.location), newest.version)
    return sent.schema(name, schema) if schema else None


def _refuse_other(there: Dataset, columns: Any | None, identifier: str) -> None:
    """BadRows for another identifier than the dataset's: by it rows would not be found that are there, and come twice."""
    own = there.row_identifier or ""
    if identifier != own and columns is not None and set(own.split(", ")) <= set(columns.names):
        expected = f"{own}, by which the dataset tells its rows apart"
        raise errors.BadRows(dataset=there.name, field="identifier", given=f"{identifier!r:.80}", expected=expected)


def _upsert(app: App, dataset: Dataset, table: Any, identifier: str, at: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="headrace-rows-") as folder:
        file = Path(folder, "rows.parquet")
        import_module("pyarrow.parquet").write_table(table, file)
        staged = Staged(attempt=identity.new(), files=[file], mode=WriteMode.UPSERT, keys=(identifier,), at=at)
        _record(app, dataset, staged)


def _key(those: Sequence[str]) -> str:
    """A uid that is the same for the same."""
    return str(uuid.UUID(bytes=hashlib.blake2b(json.dumps(those).encode(), digest_size=16).digest()))


def _content(path: Path) -> str:
    """Equal for files that are. CannotRead."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise errors.CannotRead(path=path, why=error.strerror or error) from error


def _newest(app: App, dataset: Dataset) -> int | None:
    """The number of its newest version, if there is one."""
    newest = app.store.datasets.standing([dataset])[0].newest
    return newest and newest.version


def _record(app: App, dataset: Dataset, staged: Staged) -> int:
    """The number of the version that has the staged rows from now on, and is recorded."""
    write = _begin(app, dataset, staged, staged.attempt)
    done = _commit(app, dataset, write, staged)
    app.store.datasets.settle(interrupted.written(write, done), write.id)
    return done.version


def _begin(app: App, dataset: Dataset, staged: Staged, key: str) -> Write:
    """It is known before it is committed: who comes after one that was killed finds what it has made.

    Of the same key there is one at a time: who comes with it goes on with the attempt of the other.
    """
    interrupted.take_up(app.store, app.settings.home, dataset.id, staged.at)
    return app.store.writes.begin(dataset.id, key, staged.attempt, Operation(staged.mode), staged.keys, staged.at)


def _commit(app: App, dataset: Dataset, write: Write, staged: Staged) -> Committed:
    place = names.absolute(app.settings.home, dataset.location)
    try:
        return voiding.commit(place, replace(staged, attempt=write.attempt), _newest(app, dataset))
    except errors.DatasetInDoubt:
        raise
    except errors.HeadraceError:  # nothing was written, by this try
        if write.attempt == staged.attempt:
            app.store.writes.end(write.id)
        raise
