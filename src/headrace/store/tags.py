"""The tags of pipelines, as rows: those of the version that was pinned last. Roles may be for the pipelines of a tag."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import pipeline_tags, pipelines, tags, triggers


def of(pipeline: sa.ColumnElement[int]) -> sa.Select[str]:
    """The tags of that pipeline."""
    return sa.select(pipeline_tags.c.tag).where(pipeline_tags.c.pipeline_id == pipeline)


def same(kept: Iterable[Mapping[str, Any]], given: Collection[str]) -> bool:
    """Whether the rows, as `of` gives them, are what the pipeline says."""
    return {row["tag"] for row in kept} == set(given)


def write(connection: sa.Connection, pipeline_id: int, given: Collection[str]) -> None:
    """Brings the rows in line with what the pipeline says now."""
    own = pipeline_tags.c.pipeline_id == pipeline_id
    there = set(connection.scalars(sa.select(pipeline_tags.c.tag).where(own)))
    if gone := there - set(given):
        connection.execute(sa.delete(pipeline_tags).where(own, pipeline_tags.c.tag.in_(gone)))
    if new := set(given) - there:
        connection.execute(sa.insert(pipeline_tags), [{"pipeline_id": pipeline_id, "tag": tag} for tag in sorted(new)])


_OF = Statement(of(sa.bindparam("pipeline", type_=ID)))


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that somebody has written down, whether anything carries it or not."""

    id: int
    name: str
    description: str | None


class Tags:
    """Tags that were written down by themselves, and those that pipelines and triggers carry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, description: str | None, at: datetime) -> Tag:
        """TagExists when one of that name was written down before."""
        row = {"name": name, "description": description, "created_at": at}
        try:
            with self._database.write() as connection:
                made = connection.scalar(sa.insert(tags).values(row).returning(tags.c.id))
        except exc.IntegrityError as error:
            raise errors.TagExists(name=name) from error
        return Tag(made or 0, name, description)

    def all(self) -> list[Tag]:
        """Those that were written down, by name."""
        found = sa.select(tags.c.id, tags.c.name, tags.c.description).order_by(tags.c.name)
        with self._database.read() as connection:
            return [Tag(*row) for row in connection.execute(found)]

    def of_pipeline(self, pipeline_id: int) -> set[str]:
        """Those of the pipeline, as it was pinned last."""
        return {row["tag"] for row in self._database.ask(_OF, pipeline=pipeline_id)}

    def carried(self, project_id: int) -> set[str]:
        """Those of the project's triggers, and of its pipelines as they were pinned last."""
        of_pipelines = sa.select(pipeline_tags.c.tag).join(pipelines).where(pipelines.c.project_id == project_id)
        of_triggers = sa.select(triggers.c.tags).join(pipelines).where(pipelines.c.project_id == project_id)
        with self._database.read() as connection:
            found = set(connection.scalars(of_pipelines.distinct()))
            for kept in connection.scalars(of_triggers.where(triggers.c.deleted_at.is_(None)).distinct()):
                found.update(cast("list[str]", kept) if isinstance(kept, list) else ())
        return found
