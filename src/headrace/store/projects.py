"""What is remembered of projects, their pipelines, snapshots and versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace import identity
from headrace.model.pipeline import Pipeline
from headrace.store.database import Database
from headrace.store.tables import pipelines, projects, snapshots, versions


@dataclass(frozen=True, slots=True)
class ProjectRow:
    id: int
    uid: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Pinned:
    """The rows that pin a run to what it started with."""

    project: ProjectRow
    pipeline_id: int
    snapshot_id: int
    version_id: int


class Projects:
    """Rows are made at first sight and found again afterwards; two processes that see a thing at once make one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(
        self, path: Path, name: str, pipeline: Pipeline, version: str, snapshot: str, files: int, at: datetime
    ) -> Pinned:
        """The rows of project, pipeline, version and snapshot; the version keeps the whole Pipeline value.

        A second path of the same folder name gets the name with a number after it.
        """
        with self._database.write() as connection:
            project = _project(connection, path, name, at)
            key = {"project_id": project.id, "name": pipeline.name}
            pipeline_id = _ensure(connection, pipelines, key, {"uid": identity.new(), "created_at": at})
            key = {"project_id": project.id, "hash": snapshot}
            snapshot_id = _ensure(connection, snapshots, key, {"files": files, "created_at": at})
            key = {"pipeline_id": pipeline_id, "hash": version}
            rest = {"uid": identity.new(), "content": pipeline, "created_at": at}
            version_id = _ensure(connection, versions, key, rest)
        return Pinned(project, pipeline_id, snapshot_id, version_id)

    def version(self, version_id: int) -> Pipeline:
        """The Pipeline value kept under that version."""
        with self._database.read() as connection:
            content = connection.scalar(sa.select(versions.c.content).where(versions.c.id == version_id))
        return msgspec.convert(content, Pipeline)

    def version_hash(self, version_id: int) -> str:
        """The hash of that version's content."""
        with self._database.read() as connection:
            return connection.execute(sa.select(versions.c.hash).where(versions.c.id == version_id)).scalar_one()

    def snapshot_hash(self, snapshot_id: int) -> str:
        """The hash under which the snapshot is laid out."""
        with self._database.read() as connection:
            return connection.execute(sa.select(snapshots.c.hash).where(snapshots.c.id == snapshot_id)).scalar_one()

    def names(self, pipeline_id: int) -> tuple[ProjectRow, str]:
        """The project of a pipeline, and the pipeline's name."""
        query = (
            sa.select(projects.c.id, projects.c.uid, projects.c.name, projects.c.path, pipelines.c.name)
            .join_from(pipelines, projects)
            .where(pipelines.c.id == pipeline_id)
        )
        with self._database.read() as connection:
            project_id, uid, project, path, pipeline = connection.execute(query).one()
        return ProjectRow(project_id, uid, project, Path(path)), pipeline


def _project(connection: sa.Connection, path: Path, name: str, at: datetime) -> ProjectRow:
    query = sa.select(projects.c.id, projects.c.uid, projects.c.name, projects.c.path)
    found = connection.execute(query.where(projects.c.path == str(path))).first()
    if not found:
        key = {"path": str(path), "name": _free_name(connection, name)}
        _ensure(connection, projects, key, {"uid": identity.new(), "created_at": at})
        found = connection.execute(query.where(projects.c.path == str(path))).one()
    return ProjectRow(found[0], found[1], found[2], Path(found[3]))


def _free_name(connection: sa.Connection, name: str) -> str:
    taken = set(connection.scalars(sa.select(projects.c.name)))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _ensure(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], rest: Mapping[str, Any]) -> int:
    """The id of the row with that key, inserted with the rest if there is none."""
    query = sa.select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
    found = connection.scalar(query)
    if found is None:
        found = connection.execute(sa.insert(table).values(**key, **rest).returning(table.c.id)).scalar_one()
    return found
