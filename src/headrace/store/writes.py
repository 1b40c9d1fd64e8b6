"""Writes: what no run makes of a dataset is known from before it is committed until its maker has been told that it is.

So whoever comes after one that was interrupted knows under which attempt to look for it in the table's log. One whose
version is recorded and that is still here was not told of: said again, it is found again and counts once.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors
from headrace.model.dataset import Operation
from headrace.store.columns import ID, Undecoded
from headrace.store.database import Database
from headrace.store.script import Script, Statement
from headrace.store.tables import dataset_versions, dataset_writes, datasets


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write of the dataset of that name, which lies there as its row has it, by an attempt (a uid) that is of no run."""

    id: int
    dataset: str
    location: str
    attempt: str
    operation: Operation
    keys: Sequence[str]  # of an upsert
    begun_at: datetime
    version: int | None  # that it is recorded to have made


class Writes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, dataset_id: int, key: str, attempt: str, operation: Operation, keys: Sequence[str], at: datetime
    ) -> Write:
        """The write of that key, by the attempt that has begun it before, or else from now on by this one."""
        row = {"key": key, "attempt": attempt, "operation": operation.value, "keys": list(keys), "begun_at": at}
        while not (found := self._database.ask(_OF_KEY, dataset=dataset_id, key=key)):
            with self._database.write() as connection:
                _insert(connection, {"dataset_id": dataset_id, **row})
        return _write(found[0])

    def unrecorded(self) -> list[Write]:
        """Those of which no version is recorded, the first begun first: they may be committed, or may be yet."""
        return [_write(row) for row in self._database.ask(_UNRECORDED)]

    def unrecorded_of(self, dataset_id: int) -> list[Write]:
        """Those of that dataset."""
        return [_write(row) for row in self._database.ask(_UNRECORDED_OF, dataset=dataset_id)]

    def end(self, write_id: int) -> None:
        """It is known what has become of it, and its maker has been told."""
        with self._database.write() as connection, Script(connection) as script:
            end(script, write_id)

    def drop(self, before: datetime) -> None:
        """Those that were begun before then and have a recorded version are forgotten: said again, they count again."""
        with self._database.write() as connection:
            connection.execute(sa.delete(dataset_writes).where(dataset_writes.c.begun_at < before, _RECORDED.exists()))


def end(script: Script, write_id: int) -> None:
    """As `Writes.end`, said within a transaction that records what the write has made."""
    script.say(_END, {"write": write_id})


def forget(connection: sa.Connection, dataset_id: int) -> None:
    """None of the dataset is known any more, within a transaction that gives up the table that they were of."""
    connection.execute(sa.delete(dataset_writes).where(dataset_writes.c.dataset_id == dataset_id))


def _insert(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Inserts it, unless somebody has just begun the same: then it is there to be found."""
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(dataset_writes).values(row))


_DATASET = sa.bindparam("dataset", type_=ID)
_COLUMNS = [dataset_writes.c[name] for name in ("id", "attempt", "operation", "keys", "begun_at")]
_RECORDED = sa.select(dataset_versions.c.version).where(
    dataset_versions.c.dataset_id == dataset_writes.c.dataset_id,
    dataset_versions.c.attempt == dataset_writes.c.attempt,
)
_ALL = sa.select(
    *_COLUMNS,
    datasets.c.name.label("dataset"),
    datasets.c.location,
    _RECORDED.correlate(dataset_writes).scalar_subquery().label("version"),
).select_from(dataset_writes.join(datasets))
_OPEN = _ALL.where(~_RECORDED.exists()).order_by(dataset_writes.c.id)
_UNRECORDED = Statement(_OPEN)
_UNRECORDED_OF = Statement(_OPEN.where(dataset_writes.c.dataset_id == _DATASET))
AWAITED = Statement(_OPEN.where(datasets.c.name_key == sa.bindparam("key", type_=sa.Text)))
_OF_KEY = Statement(
    _ALL.where(dataset_writes.c.dataset_id == _DATASET, dataset_writes.c.key == sa.bindparam("key", type_=sa.Text))
)
_END = Statement(sa.delete(dataset_writes).where(dataset_writes.c.id == sa.bindparam("write", type_=ID)))


def _write(row: Mapping[str, Any]) -> Write:
    """RowUnreadable when something of it cannot be decoded."""
    for name, value in row.items():
        if isinstance(value, Undecoded):
            raise errors.RowUnreadable(row=f"write {row['id']} of a dataset", why=f"its {name}: {value.why}")
    given: dict[str, Any] = {**row, "operation": Operation(row["operation"]), "keys": tuple(row["keys"])}
    return Write(**given)
