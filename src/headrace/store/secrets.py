"""Secrets: rows that hold sealed texts, of one project or of all of them. What is in them is never read here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace.store import seals
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.seals import Resealed
from headrace.store.tables import projects, secrets


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A secret; one without a `project`, which is that project's name, is there for all of them."""

    id: int
    project: str | None
    project_uid: str | None
    name: str
    sealed: str = field(repr=False)
    created_at: datetime
    updated_at: datetime

    @property
    def purpose(self) -> str:
        """What its seal is bound to."""
        return purpose(self.project_uid, self.name)


def purpose(project_uid: str | None, name: str) -> str:
    """A seal opens in the row it was made for, and in no other: not under another name, nor for another project."""
    return f"secret {project_uid or 'all'}/{name}"


Marks = tuple[tuple[int, datetime], ...]  # what differs once any of the secrets that blocks of a project may read does


class Secrets:
    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, project_id: int | None, name: str, sealed: str, at: datetime) -> bool:
        """That is the secret's value from now on; whether there was none of this name."""
        changed = sa.update(secrets).where(_named(project_id, name)).values(sealed=sealed, updated_at=at)
        with self._database.write() as connection:
            if connection.execute(changed).rowcount:
                return False
            row = {"project_id": project_id, "name": name, "sealed": sealed, "created_at": at, "updated_at": at}
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(secrets).values(row))
            except exc.IntegrityError:  # somebody has just made it
                connection.execute(changed)
                return False
        return True

    def delete(self, project_id: int | None, name: str) -> bool:
        """There is no such secret any more; whether there was one."""
        with self._database.write() as connection:
            return bool(connection.execute(sa.delete(secrets).where(_named(project_id, name))).rowcount)

    def all(self, project_id: int | None = None) -> list[SecretRow]:
        """Every secret, or those of one project, by name; of one name that of all projects first."""
        query = _ROWS.where(secrets.c.project_id == project_id) if project_id else _ROWS
        order = secrets.c.name, secrets.c.project_id.is_not(None), projects.c.name
        with self._database.read() as connection:
            return _rows(connection.execute(query.order_by(*order)).mappings())

    def of(self, project_id: int) -> list[SecretRow]:
        """Those that blocks of that project may read: those of all projects first, then its own."""
        return _rows(self._database.ask(_OF, project=project_id))

    def marks(self, project_id: int) -> Marks:
        """What differs once any of the secrets that `of` gives does. It is short, for it is asked often."""
        return marked(self._database.ask(_MARKS, project=project_id))

    def sealed_otherwise(self, begins: str, after: int, limit: int) -> list[SecretRow]:
        """Those beyond that id whose seal does not begin like that, in order of id."""
        query = _ROWS.where(secrets.c.id > after, seals.otherwise(secrets.c.sealed, begins))
        with self._database.read() as connection:
            return _rows(connection.execute(query.order_by(secrets.c.id).limit(limit)).mappings())

    def reseal(self, changes: Iterable[Resealed]) -> int:
        """Their values stay; see `seals.reseal`."""
        return seals.reseal(self._database, secrets.c.sealed, changes)


def marks(project: sa.ColumnElement[int]) -> sa.Select[int, datetime]:
    """The rows that `marked` makes the marks of that project of."""
    return sa.select(secrets.c.id, secrets.c.updated_at).where(_seen(project)).order_by(secrets.c.id)


def marked(rows: Iterable[Mapping[str, Any]]) -> Marks:
    return tuple((row["id"], row["updated_at"]) for row in rows)


def _seen(project: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Which secrets blocks of that project may read."""
    return sa.or_(secrets.c.project_id.is_(None), secrets.c.project_id == project)


_ROWS = sa.select(
    secrets.c.id,
    projects.c.name.label("project"),
    projects.c.uid.label("project_uid"),
    secrets.c.name,
    secrets.c.sealed,
    secrets.c.created_at,
    secrets.c.updated_at,
).select_from(secrets.outerjoin(projects))
_PROJECT = sa.bindparam("project", type_=ID)
_OF = Statement(_ROWS.where(_seen(_PROJECT)).order_by(secrets.c.project_id.is_not(None), secrets.c.id))
_MARKS = Statement(marks(_PROJECT))


def _named(project_id: int | None, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(secrets.c.project_id.is_not_distinct_from(project_id), secrets.c.name == name)


def _rows(found: Iterable[Mapping[Any, Any]]) -> list[SecretRow]:
    return [SecretRow(**row) for row in found]
