"""Interrupted: writes that no run makes, and whose maker may be gone. What has become of them the tables' logs tell.

One that was committed is recorded, as its maker would have; it stays known for a while, so that it is found again when it
is said again. One that was not committed for long is made void: who says it again begins another.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from headrace import errors
from headrace.datasets import committing, names, tables, voiding
from headrace.datasets.committing import Committed, Staged
from headrace.model.dataset import WriteMode
from headrace.store import Store
from headrace.store.writes import Write
from headrace.store.written import Written

PATIENCE = timedelta(days=1)  # since it was begun, after which an uncommitted one is made void
KNOWN = timedelta(days=30)  # that a committed one is found again


def take_up(store: Store, home: Path, dataset_id: int, at: datetime) -> None:
    """Records what writes of that dataset have committed and nobody has recorded. DatasetUnwritable."""
    for write in store.writes.unrecorded_of(dataset_id):
        _settle(store, write, _found(_place(home, write), write, at))


def take_up_all(store: Store, home: Path, at: datetime) -> None:
    """The same of every dataset; those that have become old end. What is wrong with one keeps back no other."""
    for write in store.writes.unrecorded():
        try:
            _settle(store, write, _decided(_place(home, write), write, at))
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            _LOG.warning("a write of the dataset %s cannot be settled: %s", write.dataset, error)
    store.writes.drop(at - KNOWN)


_LOG = logging.getLogger(__name__)


def _decided(place: str, write: Write, at: datetime) -> Committed | None:
    """What it has committed; once it is old it commits no more. A table that is not there may be put back."""
    found = _found(place, write, at)
    if found or at - write.begun_at < PATIENCE or committing.newest(place) is None:
        return found
    voiding.void(place, Staged(attempt=write.attempt, files=(), mode=WriteMode.APPEND, at=at))
    return _found(place, write, at)


def _found(place: str, write: Write, at: datetime) -> Committed | None:
    """What it has committed; one of so long ago that nobody knows any more counts as void."""
    try:
        return committing.find(place, write.attempt, at)
    except errors.DatasetInDoubt:
        return Committed(version=tables.VOID, rows=0, bytes=0, schema=(), found=True)


def _settle(store: Store, write: Write, found: Committed | None) -> None:
    if found and found.version == tables.VOID:
        store.writes.end(write.id)
    elif found:
        store.datasets.settle(written(write, found))


def written(write: Write, found: Committed) -> Written:
    """The version that it has made, for its row."""
    return Written(
        dataset=write.dataset,
        version=found.version,
        operation=write.operation,
        rows=found.rows,
        bytes=found.bytes,
        schema=found.schema,
        keys=write.keys,
        attempt=write.attempt,
        at=write.begun_at,
    )


def _place(home: Path, write: Write) -> str:
    return names.absolute(home, write.location)
