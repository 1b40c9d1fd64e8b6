"""Datasets: named tables with versions, looked at, and given rows."""

import hashlib
import json
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import clock, errors, identity
from headrace.app import App
from headrace.datasets import committing, names, reading, sent
from headrace.datasets.committing import Committed, Staged
from headrace.model.dataset import Dataset, Version, WriteMode
from headrace.outputs import Head, tables
from headrace.store.datasets import Standing
from headrace.store.written import Written

MOST = 10_000  # rows of a page
LARGEST = 16 * 2**20  # bytes of the rows of a page


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
        why = f"it was cleaned at {found.cleaned_at:%Y-%m-%d %H:%M} UTC"
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
    _commit(app, dataset, table, identifier, at)
    return find(app, name)


def write_files(
    app: App, name: str, files: Sequence[Path], mode: WriteMode, keys: Sequence[str] = (), description: str = ""
) -> Standing:
    """The dataset has the rows of these Parquet files: one new version of it, which is made if there is none of that name.

    The files are copied. Should this have been interrupted, the same written again counts once, unless something else was
    written since. Raises BadDatasetName, NotAllowed, and what `committing.commit` raises: then nothing was written.
    """
    at = clock.now()
    dataset = app.store.datasets.ensure(name, names.location(app.settings.datasets, name), at, description)
    attempt = _attempt(dataset.uid, _newest(app, dataset), mode, *keys, *map(_content, files))
    _record(app, dataset, Staged(attempt=attempt, files=files, mode=mode, keys=keys, at=at, lent=True))
    return find(app, name)


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


def _commit(app: App, dataset: Dataset, table: Any, identifier: str, at: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="headrace-rows-") as folder:
        file = Path(folder, "rows.parquet")
        import_module("pyarrow.parquet").write_table(table, file)
        staged = Staged(attempt=identity.new(), files=[file], mode=WriteMode.UPSERT, keys=(identifier,), at=at)
        _record(app, dataset, staged)


def _attempt(*those: object) -> str:
    """A uid that is the same for the same."""
    return str(uuid.UUID(bytes=hashlib.blake2b(json.dumps(those, default=str).encode(), digest_size=16).digest()))


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


def _record(app: App, dataset: Dataset, staged: Staged) -> None:
    """Committed first and recorded then: whoever is killed in between has written what counts once it is sent again."""
    place = names.absolute(app.settings.home, dataset.location)
    done = committing.commit(place, staged, _newest(app, dataset))
    app.store.datasets.settle(_written(dataset, staged, done))


def _written(dataset: Dataset, staged: Staged, done: Committed) -> Written:
    return Written(
        dataset=dataset.name,
        version=done.version,
        operation=staged.mode,
        rows=done.rows,
        bytes=done.bytes,
        schema=done.schema,
        keys=staged.keys,
        attempt=staged.attempt,
        at=staged.at,
    )
