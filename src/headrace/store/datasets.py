"""Datasets: their names, where their tables lie, what each version was made by, and which versions runs read.

The rows say which version is the current one. That a table's own log has a later one means that some attempt has
committed it and nobody has recorded that yet.
"""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model import dataset
from headrace.model.dataset import Dataset, Operation, Version
from headrace.model.output import DATASET
from headrace.model.run import BlockStatus
from headrace.store import writes
from headrace.store.columns import ID, Undecoded
from headrace.store.database import About, Database
from headrace.store.script import Script, Statement
from headrace.store.tables import attempts, dataset_versions, datasets, outputs, run_datasets, runs
from headrace.store.written import Record, Written


@dataclass(frozen=True, slots=True)
class Pinned:
    """The version of a dataset that a run reads."""

    location: str  # as the dataset's row has it
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A dataset and its newest version; None when it was never written, or not since its table was lost."""

    dataset: Dataset
    newest: Version | None


class Datasets:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, name: str, location: str, at: datetime, description: str = "") -> Dataset:
        """The dataset of that name, made if there is none; one that is there stays as it is, also where it lies.

        BadDatasetName for a name that is none.
        """
        while not (found := self.find(name)):
            row = {
                "uid": identity.new(),
                "name": name,
                "name_key": dataset.key(name),
                "description": description,
                "location": location,
                "created_at": at,
                "updated_at": at,
            }
            with self._database.write() as connection:
                _insert(connection, row)
        return found

    def find(self, name: str) -> Dataset | None:
        """The dataset of that name, however it is spelt; None if there is none. BadDatasetName for no name at all."""
        found = self._database.ask(_BY_NAME, key=dataset.key(name))
        return Dataset(**found[0]) if found else None

    def find_uid(self, uid: str) -> Dataset | None:
        """The dataset of that uid, if there is one."""
        found = self._database.ask(_BY_UID, uid=uid)
        return Dataset(**found[0]) if found else None

    def standing(self, those: Collection[Dataset]) -> list[Standing]:
        """Each of them with its newest version, in their order."""
        newest = _NEWEST.where(datasets.c.id.in_([each.id for each in those]))
        with self._database.read() as connection:
            found = {row["dataset_id"]: _version(row) for row in connection.execute(newest).mappings()}
        return [Standing(each, found.get(each.id)) for each in those]

    def all(self, limit: int, after: str = "") -> list[Dataset]:
        """By name, at most `limit`, those after that one."""
        query = sa.select(*_DATASET).where(datasets.c.name_key > after.lower()).order_by(datasets.c.name_key)
        with self._database.read() as connection:
            return [Dataset(**row) for row in connection.execute(query.limit(limit)).mappings()]

    def versions(self, dataset_id: int, limit: int, before: int | None = None) -> list[Version]:
        """The newest first, at most `limit`, those below the version `before`."""
        query = sa.select(*_VERSION).where(dataset_versions.c.dataset_id == dataset_id)
        if before is not None:
            query = query.where(dataset_versions.c.version < before)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(dataset_versions.c.version.desc()).limit(limit))
            return [_version(row) for row in found.mappings()]

    def version(self, dataset_id: int, version: int) -> Version | None:
        """That version of it, if it is known here."""
        found = self.versions(dataset_id, 1, before=version + 1)
        return found[0] if found and found[0].version == version else None

    def pin(self, run_id: int, names: Collection[str]) -> dict[str, Pinned]:
        """The versions of those datasets that the run reads: the current ones, or what it was pinned to before.

        What it was pinned to is lost once it was cleaned, which happens to runs that have ended: then it is pinned anew.
        Names that no dataset has, or one that was never written, are left out.
        """
        wanted = {dataset.key(name): name for name in names}
        pinned = self._pinned(run_id)
        if missing := wanted.keys() - pinned.keys():
            with self._database.write() as connection:
                self._pin(connection, run_id, missing)
            pinned = self._pinned(run_id)
        return {name: pinned[key] for key, name in wanted.items() if key in pinned}

    def _pin(self, connection: sa.Connection, run_id: int, keys: Collection[str]) -> None:
        """One at a time pins a run: who has lost it meanwhile finds what the other has pinned."""
        there = sa.select(run_datasets.c.id).where(
            run_datasets.c.run_id == run_id, run_datasets.c.dataset_id == datasets.c.id
        )
        current = sa.select(sa.literal(run_id, ID), datasets.c.id, _HIGHEST)
        current = current.where(datasets.c.name_key.in_(keys), _HIGHEST.is_not(None), ~there.exists())
        pinning = sa.insert(run_datasets).from_select(["run_id", "dataset_id", "version"], current)
        connection.execute(sa.delete(run_datasets).where(run_datasets.c.run_id == run_id, _LOST.exists()))
        try:
            with connection.begin_nested():
                connection.execute(pinning)
        except exc.IntegrityError:  # somebody has just pinned it
            connection.execute(pinning)

    def _pinned(self, run_id: int) -> dict[str, Pinned]:
        """By the key of each dataset's name."""
        found = self._database.ask(_PINNED, run=run_id)
        return {row["name_key"]: Pinned(row["location"], row["version"]) for row in found}

    def written(self, version: Written, write: int | None = None) -> None:
        """Records it, in a transaction of its own; see `Record` for what is recorded where a run has made it.

        `write` is the id of the write that has made it, which ends by this.
        """
        with self._database.write() as connection:
            with Script(connection) as script:
                record = Record(script, [version])
                if write is not None:
                    writes.end(script, write)
            record.check()
            if record.heard():
                self._database.ring(connection, About.TRIGGERS)

    def settle(self, version: Written, write: int | None = None) -> None:
        """As `written`, unless the same attempt is recorded to have made that version: then it stays as it is."""
        try:
            self.written(version, write)
        except exc.IntegrityError:
            there = self.find(version.dataset)
            found = there and self.version(there.id, version.version)
            if not found or found.attempt != version.attempt:
                raise
            if write is not None:
                self._end(write)

    def _end(self, write: int) -> None:
        with self._database.write() as connection, Script(connection) as script:
            writes.end(script, write)

    def restart(self, dataset_id: int, lost: str, location: str, at: datetime) -> bool:
        """It lies at `location` from now on, its versions are lost, and writes of it are known no more.

        Unless it does not lie at `lost` any more: somebody else has begun it anew.
        """
        moved = sa.update(datasets).where(datasets.c.id == dataset_id, datasets.c.location == lost)
        gone = sa.and_(dataset_versions.c.dataset_id == dataset_id, dataset_versions.c.cleaned_at.is_(None))
        with self._database.write() as connection:
            if not connection.execute(moved.values(location=location, updated_at=at)).rowcount:
                return False
            connection.execute(sa.update(dataset_versions).where(gone).values(cleaned_at=at, lost_at=at))
            writes.forget(connection, dataset_id)
        return True

    def is_awaited(self, name: str) -> bool:
        """Whether some attempt is to be recorded to have made a version of it, and may have made that already."""
        asked = {"key": dataset.key(name)}
        return any(self._database.ask_together([(_AWAITED, asked), (writes.AWAITED, asked)]))

    def readable(self, those: Collection[tuple[str, int]]) -> frozenset[tuple[str, int]]:
        """Those of the versions, each the name of a dataset and a number, whose rows can be read."""
        keys = {(dataset.key(name), number): (name, number) for name, number in those}
        asked = _READABLE.where(
            datasets.c.name_key.in_({name for name, _ in keys}),
            dataset_versions.c.version.in_({number for _, number in keys}),
        )
        with self._database.read() as connection:
            found = {(row.name_key, row.version) for row in connection.execute(asked)}
        return frozenset(given for key, given in keys.items() if key in found)

    def old(self, dataset_id: int, before: datetime, newest: int) -> list[int]:
        """Versions that were superseded before then, are none of the newest so many, and are read or made by no open run."""
        edge = self.versions(dataset_id, max(newest, 1))[-1:]
        values = {"this": dataset_id, "before": before, "edge": edge[0].version} if edge else None
        return [row["version"] for row in self._database.ask(_OLD, **values)] if values else []

    def clean(self, dataset_id: int, those: Collection[int], before: datetime, at: datetime) -> None:
        """Those of the versions that are as `old` has seen them cannot be read from now on."""
        these = sa.and_(_FREE, dataset_versions.c.version.in_(those))
        change = sa.update(dataset_versions).where(these).values(cleaned_at=at)
        with self._database.write() as connection:
            connection.execute(change, {"this": dataset_id, "before": before})

    def kept(self, dataset_id: int) -> list[int]:
        """The versions that can be read, in their order."""
        return [row["version"] for row in self._database.ask(_KEPT, this=dataset_id)]


_THIS = sa.bindparam("this", type_=ID)
_DATASET = tuple(datasets.c[name] for name in Dataset.__dataclass_fields__)
_VERSION = tuple(dataset_versions.c[name] for name in Version.__dataclass_fields__)
_BY_NAME = Statement(sa.select(*_DATASET).where(datasets.c.name_key == sa.bindparam("key", type_=sa.Text)))
_BY_UID = Statement(sa.select(*_DATASET).where(datasets.c.uid == sa.bindparam("uid", type_=sa.Text)))
_LOST = sa.select(dataset_versions.c.id).where(  # what a run was pinned to, and cannot be read any more
    dataset_versions.c.dataset_id == run_datasets.c.dataset_id,
    dataset_versions.c.version == run_datasets.c.version,
    dataset_versions.c.cleaned_at.is_not(None),
)
_PINNED = Statement(
    sa.select(datasets.c.name_key, datasets.c.location, run_datasets.c.version)
    .select_from(run_datasets.join(datasets))
    .where(run_datasets.c.run_id == sa.bindparam("run", type_=ID), ~_LOST.exists())
)
_READABLE = (
    sa.select(datasets.c.name_key, dataset_versions.c.version)
    .select_from(datasets.join(dataset_versions))
    .where(dataset_versions.c.cleaned_at.is_(None))
)
_AWAITED = Statement(
    sa.select(attempts.c.id)
    .select_from(attempts.join(outputs))
    .where(attempts.c.ended_at.is_(None), attempts.c.status == BlockStatus.COMMITTING.value)
    .where(outputs.c.kind == DATASET, sa.func.lower(outputs.c.name) == sa.bindparam("key", type_=sa.Text))
    .limit(1)
)
_LATER = dataset_versions.alias("later")
_HIGHEST = (  # of each dataset, which none has whose table is lost: a current version is cleaned in no other way
    sa.select(sa.func.max(_LATER.c.version))
    .where(_LATER.c.dataset_id == datasets.c.id, _LATER.c.cleaned_at.is_(None))
    .correlate(datasets)
    .scalar_subquery()
)
_NEWEST = (
    sa.select(dataset_versions.c.dataset_id, *_VERSION)
    .select_from(datasets.join(dataset_versions))
    .where(dataset_versions.c.version == _HIGHEST)
)
_GOES_ON = sa.or_(runs.c.ended_at.is_(None), runs.c.retry_request.is_not(None))
_READ = (
    sa.select(run_datasets.c.id)
    .select_from(run_datasets.join(runs))
    .where(run_datasets.c.dataset_id == dataset_versions.c.dataset_id)
    .where(run_datasets.c.version == dataset_versions.c.version, _GOES_ON)
)
_MADE = sa.select(runs.c.id).where(runs.c.id == dataset_versions.c.run_id, _GOES_ON)
_BEFORE = sa.bindparam("before", type_=dataset_versions.c.created_at.type)
_CURRENT_THEN = (  # of this dataset
    sa.select(sa.func.max(_LATER.c.version))
    .where(_LATER.c.dataset_id == _THIS, _LATER.c.created_at < _BEFORE)
    .scalar_subquery()
)
_FREE = sa.and_(
    dataset_versions.c.dataset_id == _THIS,
    dataset_versions.c.cleaned_at.is_(None),
    dataset_versions.c.version < _CURRENT_THEN,
    ~_READ.exists(),
    ~_MADE.exists(),
)
_OLD = Statement(
    sa.select(dataset_versions.c.version)
    .where(_FREE, dataset_versions.c.version < sa.bindparam("edge", type_=ID))
    .order_by(dataset_versions.c.version)
)
_KEPT = Statement(
    sa.select(dataset_versions.c.version)
    .where(dataset_versions.c.dataset_id == _THIS, dataset_versions.c.cleaned_at.is_(None))
    .order_by(dataset_versions.c.version)
)


def _version(row: Mapping[Any, Any]) -> Version:
    """RowUnreadable when something of it cannot be decoded."""
    given: dict[str, Any] = {name: row[name] for name in Version.__dataclass_fields__}
    for name, value in given.items():
        if isinstance(value, Undecoded):
            raise errors.RowUnreadable(row=f"version {row['version']} of a dataset", why=f"its {name}: {value.why}")
    given["operation"], given["schema"] = Operation(given["operation"]), tuple(given["schema"])
    return Version(**given)


def _insert(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Inserts the dataset, unless somebody has just inserted it: then it is there to be found."""
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(datasets).values(row))
