"""Pipelines by the uid they are known by outside, whether they are still written or not, and their versions by theirs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model.pipeline import Pipeline
from headrace.store import projects, reach, rows, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned, ProjectRow, VersionRow
from headrace.store.tables import pipelines, snapshots, versions


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """A pipeline that is remembered; `name` is that of its folder within the project."""

    id: int
    uid: str
    name: str
    created_at: datetime
    project: ProjectRow
    paused_at: datetime | None = None  # since when it begins no runs
    switched_at: datetime | None = None  # when it was last paused or resumed


@dataclass(frozen=True, slots=True)
class Version:
    """A version with the pipeline as it was, and the pipeline's uid."""

    row: VersionRow
    pipeline_id: int
    pipeline_uid: str
    content: Pipeline


class Pipelines:
    def __init__(self, database: Database) -> None:
        self._database = database

    def by_uid(self, uid: str) -> PipelineRow | None:
        """The pipeline of that uid, if there is, or was, one."""
        return self._one(pipelines.c.uid == uid)

    def get(self, pipeline_id: int) -> PipelineRow:
        """The pipeline of that id; NoSuchRecord."""
        found = self._one(pipelines.c.id == pipeline_id)
        if found is None:
            raise errors.NoSuchRecord(noun="pipeline", id=pipeline_id)
        return found

    def all(self) -> list[PipelineRow]:
        """Every pipeline that was ever pinned, the first one first."""
        with self._database.read() as connection:
            return [_pipeline(row) for row in connection.execute(_PIPELINES.order_by(pipelines.c.id)).mappings()]

    def pause(self, pipeline_id: int, at: datetime) -> bool:
        """No run of it begins from now on; whether it was not paused before."""
        return self._switched(pipeline_id, pipelines.c.paused_at.is_(None), at, at)

    def resume(self, pipeline_id: int, at: datetime) -> bool:
        """Its runs begin again, and engines look what is due; whether it was paused."""
        return self._switched(pipeline_id, pipelines.c.paused_at.is_not(None), None, at)

    def _switched(
        self, pipeline_id: int, was: sa.ColumnElement[bool], paused_at: datetime | None, at: datetime
    ) -> bool:
        values = {"paused_at": paused_at, "switched_at": at}
        switch = sa.update(pipelines).where(pipelines.c.id == pipeline_id, was).values(values)
        with self._database.write(reach.Row(pipelines, pipeline_id)) as connection:
            switched = connection.execute(switch).rowcount == 1
            if switched and paused_at is None:
                self._database.ring(connection)
        return switched

    def enter(
        self, folder: Path, project: str, name: str, uid: str, tags: Collection[str], at: datetime
    ) -> PipelineRow:
        """The row of that pipeline of the project in the folder, made if there is none.

        PipelineExists where the pipeline has another uid, or another pipeline that uid.
        """
        with self._database.write(reach.Pipeline(name, tags)) as connection:
            of = projects.place(connection, folder, project, at)
            row = {"project_id": of.id, "name": name, "uid": uid, "created_at": at}
            projects.insert(connection, pipelines, row)
            found = connection.execute(_PIPELINES.where(pipelines.c.uid == uid)).mappings().first()
        if found is None or (found["project_id"], found["name"]) != (of.id, name):
            raise errors.PipelineExists(project=project, pipeline=name)
        return _pipeline(found)

    def versions(self, pipeline_id: int, limit: int, offset: int = 0) -> list[Version]:
        """The newest versions of the pipeline first, with what each says."""
        own = _VERSIONS.where(versions.c.pipeline_id == pipeline_id)
        return self._versions(own.order_by(versions.c.id.desc()).limit(limit).offset(offset))

    def versions_of(self, version_ids: Collection[int]) -> dict[int, Version]:
        """Those versions by their ids."""
        found = self._versions(_VERSIONS.where(versions.c.id.in_(set(version_ids))))
        return {each.row.id: each for each in found}

    def version_by_uid(self, uid: str) -> Version | None:
        found = self._versions(_VERSIONS.where(versions.c.uid == uid))
        return found[0] if found else None

    def pin(self, of: ProjectRow, version: Version, snapshot: str, files: int, at: datetime) -> Pinned:
        """The rows of a version that was pinned before, and of a snapshot that it is to run from; they are marked as used.

        So is the one that was used last: no other is written by this, so that is still what is written, and stays.
        VersionNotFound for one that has gone.
        """
        with self._database.write(reach.Row(pipelines, version.pipeline_id)) as connection:
            key = {"project_id": of.id, "hash": snapshot}
            snapshot_id = projects.use(connection, snapshots, key, {"files": files, "created_at": at}, at)
            own = versions.c.pipeline_id == version.pipeline_id
            last = sa.select(sa.func.max(versions.c.used_at)).where(own).scalar_subquery()
            these = sa.or_(versions.c.id == version.row.id, versions.c.used_at == last)
            marking = sa.update(versions).where(own, these).values(used_at=at).returning(versions.c.id)
            if version.row.id not in set(connection.scalars(marking)):
                raise errors.VersionNotFound(pipeline=version.content.name, version=version.row.uid)
            paused_at = connection.scalar(sa.select(pipelines.c.paused_at).where(pipelines.c.id == version.pipeline_id))
        return Pinned(of, version.pipeline_id, snapshot_id, version.row.id, paused_at is not None)

    def _one(self, which: sa.ColumnElement[bool]) -> PipelineRow | None:
        with self._database.read() as connection:
            found = connection.execute(_PIPELINES.where(which)).mappings().first()
        return _pipeline(found) if found else None

    def _versions(self, query: sa.Select[Any]) -> list[Version]:
        with self._database.read() as connection:
            return [_version(row) for row in connection.execute(query).mappings()]


_PROJECT: Sequence[sa.ColumnElement[Any]] = [
    tables.projects.c[name].label(f"project_{name}") for name in ("id", "uid", "name", "path")
]
_OWN = [pipelines.c[name] for name in ("id", "uid", "name", "created_at", "paused_at", "switched_at")]
_PIPELINES = sa.select(*_OWN, *_PROJECT).select_from(pipelines.join(tables.projects))
_VERSION = [versions.c[name] for name in ("id", "uid", "hash", "created_at", "used_at", "pipeline_id", "content")]
_OF = [pipelines.c.uid.label("pipeline_uid"), pipelines.c.name.label("pipeline")]
_VERSIONS = sa.select(*_VERSION, *_OF).select_from(versions.join(pipelines))


def _pipeline(row: sa.RowMapping) -> PipelineRow:
    path = Path(row["project_path"])
    project = ProjectRow(row["project_id"], row["project_uid"], row["project_name"], path)
    own = (row["id"], row["uid"], row["name"], row["created_at"])
    return PipelineRow(*own, project, row["paused_at"], row["switched_at"])


def _version(row: sa.RowMapping) -> Version:
    own = VersionRow(row["id"], row["uid"], row["hash"], row["created_at"], row["used_at"])
    return Version(own, row["pipeline_id"], row["pipeline_uid"], _content(row))


def _content(row: sa.RowMapping) -> Pipeline:
    """Nothing but its name of what cannot be read: a list has that version all the same."""
    try:
        return rows.pipeline(row["id"], row["content"])
    except errors.RowUnreadable:
        return Pipeline(row["pipeline"])
