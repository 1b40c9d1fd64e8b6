"""The audit: rows that are added, read, and let go when they are old. The database refuses to change one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace.model.audit import Deed, Entry, Outcome
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.tables import audit, pipelines, projects, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which deeds: all that is given."""

    who: str | None = None
    noun: str | None = None
    deed: str | None = None
    object: str | None = None
    run_id: int | None = None
    project: str | None = None
    outcome: str | None = None
    via: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deeds: Sequence[Deed]) -> None:
        """They are written down; one about a run with the name of its project, for the run may go before it does."""
        if deeds:
            with self._database.write() as connection:
                connection.execute(_ADD, [{name: getattr(each, name) for name in _DEED} for each in deeds])

    def list(self, asked: Asked, limit: int, before: int | None = None) -> "list[Entry]":
        """The newest first, at most `limit`, with ids below `before`."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit).where(*_conditions(asked))
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def drop(self, before: datetime, limit: int, *, dry: bool = False) -> int:
        """Lets go of at most `limit` that are older, the oldest first: how many."""
        old = sa.select(audit.c.id).where(audit.c.at < before).order_by(audit.c.at).limit(limit)
        if dry:
            with self._database.read() as connection:
                return connection.scalar(sa.select(sa.func.count()).select_from(old.subquery())) or 0
        with self._database.write() as connection:
            return connection.execute(sa.delete(audit).where(audit.c.id.in_(old))).rowcount


_DEED: Sequence[str] = list(Deed.__dataclass_fields__)
_PROJECT = (
    sa.select(projects.c.name)
    .select_from(runs.join(pipelines, runs.c.pipeline_id == pipelines.c.id).join(projects))
    .where(runs.c.id == sa.bindparam("run_id", type_=ID))
    .scalar_subquery()
)
_GIVEN = {name: sa.bindparam(name, type_=audit.c[name].type) for name in _DEED}
_ADD = sa.insert(audit).values(_GIVEN | {"project": sa.func.coalesce(_GIVEN["project"], _PROJECT)})


def _conditions(asked: Asked) -> list[sa.ColumnElement[bool]]:
    given = {name: getattr(asked, name) for name in Asked.__dataclass_fields__}
    since, until = given.pop("since"), given.pop("until")
    found = [audit.c[name] == value for name, value in given.items() if value is not None]
    found += [audit.c.at >= since] if since else []
    return found + ([audit.c.at < until] if until else [])


def _entry(row: Mapping[Any, Any]) -> Entry:
    given: dict[str, Any] = {name: row[name] for name in _DEED}
    given["outcome"] = Outcome(row["outcome"])
    return Entry(row["id"], Deed(**given))
