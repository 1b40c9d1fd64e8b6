"""Bookmarks: how far each block has got that loads by and by. One moves in the transaction that records the load.

A load that replaces a dataset takes away what others had loaded into it: they begin anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model import dataset
from headrace.store.columns import ID, Undecoded
from headrace.store.database import Database
from headrace.store.reach import Row
from headrace.store.script import Script, Statement
from headrace.store.tables import bookmarks, dataset_versions, datasets, pipelines


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """How far a block has got, and the uid of the attempt that has moved it there."""

    pipeline_id: int
    block: str
    value: Mapping[str, Any]
    attempt: str | None
    updated_at: datetime


class Bookmarks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, pipeline_id: int, block: str) -> Bookmark | None:
        """The block's; None when it has not loaded yet. RowUnreadable when its value is none."""
        found = self._database.ask(_FIND, pipeline=pipeline_id, block=block)
        return _bookmark(found[0]) if found else None

    def reset(self, pipeline_id: int) -> None:
        """Every block of the pipeline begins anew."""
        with self._database.write(Row(pipelines, pipeline_id)) as connection:
            connection.execute(sa.delete(bookmarks).where(bookmarks.c.pipeline_id == pipeline_id))


def move(script: Script, those: list[Bookmark]) -> None:
    """They are those from now on; said within a transaction that holds the runs whose blocks have got so far."""
    script.say_of_each(_MOVE, map(_columns, those))
    script.say_of_each(_MAKE, map(_columns, those))


def forget(script: Script, names: Iterable[str]) -> None:
    """Every block begins anew whose last load is a version of one of those datasets; said before bookmarks move."""
    script.say_of_each(_FORGET, [{"key": dataset.key(name)} for name in names])


def _given(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"new_{name}", type_=bookmarks.c[name].type)


_NAMES = tuple(Bookmark.__dataclass_fields__)
_BOOKMARK = tuple(bookmarks.c[name] for name in _NAMES)
_FIND = Statement(
    sa.select(*_BOOKMARK).where(
        bookmarks.c.pipeline_id == sa.bindparam("pipeline", type_=ID),
        bookmarks.c.block == sa.bindparam("block", type_=sa.Text),
    )
)
_THIS = sa.and_(bookmarks.c.pipeline_id == _given("pipeline_id"), bookmarks.c.block == _given("block"))
_MOVE = Statement(
    sa.update(bookmarks).where(_THIS).values({name: _given(name) for name in ("value", "attempt", "updated_at")})
)
_MAKE = Statement(
    sa.insert(bookmarks).from_select(
        [*_NAMES],
        sa.select(*map(_given, _NAMES)).where(~sa.select(bookmarks.c.id).where(_THIS).exists()),
    )
)
_LOADED = (
    sa.select(dataset_versions.c.attempt)
    .select_from(dataset_versions.join(datasets))
    .where(datasets.c.name_key == sa.bindparam("key", type_=sa.Text), dataset_versions.c.attempt == bookmarks.c.attempt)
    .correlate(bookmarks)
    .exists()
)
_FORGET = Statement(sa.delete(bookmarks).where(_LOADED))


def _columns(bookmark: Bookmark) -> dict[str, Any]:
    return {f"new_{name}": getattr(bookmark, name) for name in _NAMES}


def _bookmark(row: Mapping[Any, Any]) -> Bookmark:
    if isinstance(row["value"], Undecoded):
        raise errors.RowUnreadable(row=f"bookmark of {row['block']}", why=row["value"].why)
    return Bookmark(**row)
