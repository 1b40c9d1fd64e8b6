"""What is remembered of projects, their pipelines, snapshots and versions."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import identity
from headrace.model.pipeline import Pipeline
from headrace.store import limits, rows
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import pipelines, projects, snapshots, triggers, versions


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

        From now on the limits of this pipeline are what it says, for the runs of earlier versions too.
        A second path of the same folder name gets the name with a number after it.
        """
        seen = self._database.ask(_PINNED, path=str(path), pipeline=pipeline.name, version=version, snapshot=snapshot)
        if seen and limits.same(self._database, seen[0]["pipeline_id"], pipeline.limits):
            project = ProjectRow(seen[0]["id"], seen[0]["uid"], seen[0]["name"], path)
            return Pinned(project, *(seen[0][f"{name}_id"] for name in ("pipeline", "snapshot", "version")))
        with self._database.write() as connection:
            project = _project(connection, path, name, at)
            key = {"project_id": project.id, "name": pipeline.name}
            pipeline_id = _ensure(connection, pipelines, key, {"uid": identity.new(), "created_at": at})
            key = {"project_id": project.id, "hash": snapshot}
            snapshot_id = _ensure(connection, snapshots, key, {"files": files, "created_at": at})
            key = {"pipeline_id": pipeline_id, "hash": version}
            rest = {"uid": identity.new(), "content": pipeline, "created_at": at}
            version_id = _ensure(connection, versions, key, rest)
            limits.write(connection, project.id, pipeline_id, pipeline.limits)
        return Pinned(project, pipeline_id, snapshot_id, version_id)

    def trigger(self, pipeline_id: int, name: str, at: datetime) -> int:
        """The id of the pipeline's trigger of that name, which is made if there is none."""
        with self._database.write() as connection:
            key = {"pipeline_id": pipeline_id, "name": name}
            return _ensure(connection, triggers, key, {"uid": identity.new(), "created_at": at})

    def version(self, version_id: int) -> Pipeline:
        """The Pipeline value kept under that version; RowUnreadable when it is none any more."""
        (row,) = self._database.ask(_VERSION, id=version_id)
        return rows.pipeline(version_id, row["content"])

    def version_hash(self, version_id: int) -> str:
        """The hash of that version's content."""
        (row,) = self._database.ask(_VERSION_HASH, id=version_id)
        return row["hash"]

    def snapshot_hash(self, snapshot_id: int) -> str:
        """The hash under which the snapshot is laid out."""
        (row,) = self._database.ask(_SNAPSHOT_HASH, id=snapshot_id)
        return row["hash"]

    def names(self, pipeline_id: int) -> tuple[ProjectRow, str]:
        """The project of a pipeline, and the pipeline's name."""
        (row,) = self._database.ask(_NAMES, id=pipeline_id)
        return ProjectRow(row["id"], row["uid"], row["name"], Path(row["path"])), row["pipeline"]


def _by_id(table: sa.Table, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(table.c.id == sa.bindparam("id", type_=table.c.id.type))


_PROJECT = (projects.c.id, projects.c.uid, projects.c.name, projects.c.path)
_NAMES = Statement(
    _by_id(pipelines, *_PROJECT, pipelines.c.name.label("pipeline")).select_from(pipelines.join(projects))
)
_VERSION = Statement(_by_id(versions, versions.c.content))
_VERSION_HASH = Statement(_by_id(versions, versions.c.hash))
_SNAPSHOT_HASH = Statement(_by_id(snapshots, snapshots.c.hash))
_PINNED = Statement(
    sa.select(
        *_PROJECT,
        pipelines.c.id.label("pipeline_id"),
        snapshots.c.id.label("snapshot_id"),
        versions.c.id.label("version_id"),
    )
    .join_from(projects, pipelines)
    .join(versions, versions.c.pipeline_id == pipelines.c.id)
    .join(snapshots, snapshots.c.project_id == projects.c.id)
    .where(projects.c.path == sa.bindparam("path"), pipelines.c.name == sa.bindparam("pipeline"))
    .where(versions.c.hash == sa.bindparam("version"), snapshots.c.hash == sa.bindparam("snapshot"))
)


def _project(connection: sa.Connection, path: Path, name: str, at: datetime) -> ProjectRow:
    query = sa.select(projects.c.id, projects.c.uid, projects.c.name).where(projects.c.path == str(path))
    while not (found := connection.execute(query).first()):
        row = {"path": str(path), "name": _free_name(connection, name), "uid": identity.new(), "created_at": at}
        _insert(connection, projects, row)
    return ProjectRow(found.id, found.uid, found.name, path)


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
    while (found := connection.scalar(query)) is None:
        _insert(connection, table, {**key, **rest})
    return found


def _insert(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Inserts the row, unless somebody has just inserted it: then it is there to be found."""
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(table).values(row))
