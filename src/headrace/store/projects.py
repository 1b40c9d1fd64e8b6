"""What is remembered of projects, their pipelines, snapshots and versions."""

import contextlib
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model.pipeline import Pipeline
from headrace.model.rule import RuleKind
from headrace.store import limits, reach, rows, tags
from headrace.store.database import Database
from headrace.store.reach import Row
from headrace.store.script import Statement
from headrace.store.tables import pipelines, projects, rules, runs, snapshots, versions

USED = timedelta(days=1)  # for so long what was pinned counts as used without being marked again


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
    paused: bool = False  # its pipeline begins no runs


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a pipeline: when its like was pinned first and, to the day, last."""

    id: int
    uid: str
    hash: str
    created_at: datetime
    used_at: datetime | None


class Projects:
    """Rows are made at first sight and found again afterwards; two processes that see a thing at once make one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(
        self, path: Path, name: str, pipeline: Pipeline, version: str, snapshot: str, files: int, at: datetime
    ) -> Pinned:
        """The rows of project, pipeline, version and snapshot; the version keeps the whole Pipeline value.

        From now on the limits and tags of this pipeline are what it says, for the runs of earlier versions too.
        A second path of the same folder name gets the name with a number after it. Snapshot and version are marked as
        used, within the day: none that is used goes, so whoever has pinned them has days to make a run of them.
        """
        if seen := self._seen(path, pipeline, version, snapshot, at):
            return seen
        with self._database.write(reach.Pipeline(pipeline.name, pipeline.tags)) as connection:
            project = place(connection, path, name, at)
            key = {"project_id": project.id, "hash": snapshot}
            snapshot_id = use(connection, snapshots, key, {"files": files, "created_at": at}, at)
            pipeline_id, version_id = _note(connection, project, pipeline, version, at)
            paused_at = connection.scalar(sa.select(pipelines.c.paused_at).where(pipelines.c.id == pipeline_id))
        return Pinned(project, pipeline_id, snapshot_id, version_id, paused_at is not None)

    def note(self, path: Path, name: str, pipeline: Pipeline, version: str, at: datetime) -> tuple[int, int]:
        """As `pin`, of a version of which no run begins yet: the ids of pipeline and version."""
        with self._database.write(reach.Pipeline(pipeline.name, pipeline.tags)) as connection:
            return _note(connection, place(connection, path, name, at), pipeline, version, at)

    def refuse_remembered(self, path: Path, name: str, pipeline: str, tags: Collection[str]) -> None:
        """Raises PipelineExists for a new pipeline of these tags whose name another had that is beyond reach.

        What is remembered of that one, its runs and triggers, would be the new one's. NotAllowed where the tags are.
        """
        with self._database.write(reach.Pipeline(pipeline, tags)) as connection:
            found = connection.scalar(_NAMED, {"path": str(path), "pipeline": pipeline})
        if found is None:
            return
        try:
            with self._database.write(reach.Row(pipelines, found)):
                pass
        except (errors.PipelineNotFound, errors.NotAllowed) as beyond:
            raise errors.PipelineExists(project=name, pipeline=pipeline) from beyond

    def _seen(self, path: Path, pipeline: Pipeline, version: str, snapshot: str, at: datetime) -> Pinned | None:
        """The rows, where they are there and say what they are to say."""
        named = {"path": str(path), "pipeline": pipeline.name}
        pinned = (_PINNED, {**named, "version": version, "snapshot": snapshot})
        rows, over, tagged = self._database.ask_together([pinned, (_OVER, named), (_TAGGED, named)])
        same = limits.same(over, pipeline.limits) and tags.same(tagged, pipeline.tags)
        if not (rows and same and _used(rows[0], at)):
            return None
        project = ProjectRow(rows[0]["id"], rows[0]["uid"], rows[0]["name"], path)
        ids = {f"{name}_id": rows[0][f"{name}_id"] for name in ("pipeline", "snapshot", "version")}
        return Pinned(project, **ids, paused=rows[0]["paused_at"] is not None)

    def find(self, path: Path) -> int | None:
        """The id of the project in that folder; None when nothing is remembered of it."""
        found = self._database.ask(_AT_PATH, path=str(path))
        return found[0]["id"] if found else None

    def pipeline(self, path: Path, pipeline: str) -> int | None:
        """The id of that pipeline of the project in that folder; None when nothing is remembered of it."""
        found = self._database.ask(_PIPELINE, path=str(path), pipeline=pipeline)
        return found[0]["id"] if found else None

    def register(self, path: Path, name: str, at: datetime) -> ProjectRow:
        """The row of the project in that folder."""
        with self._database.write() as connection:
            return place(connection, path, name, at)

    def all(self) -> list[ProjectRow]:
        """Every project that was ever seen, the first one first."""
        return [project(each) for each in self._database.ask(_ALL)]

    def pipeline_ids(self) -> set[int]:
        """Of all pipelines."""
        return {row["id"] for row in self._database.ask(_PIPELINE_IDS)}

    def version(self, version_id: int) -> Pipeline:
        """The Pipeline value kept under that version; RowUnreadable when it is none any more."""
        (row,) = self._database.ask(_VERSION, id=version_id)
        return rows.pipeline(version_id, row["content"])

    def versions(self, pipeline_id: int, limit: int, before: int | None = None) -> list[VersionRow]:
        """The newest versions of the pipeline first, at most `limit`, those with an id below `before`."""
        query = sa.select(*_VERSION_ROW).where(versions.c.pipeline_id == pipeline_id).order_by(versions.c.id.desc())
        if before is not None:
            query = query.where(versions.c.id < before)
        with self._database.read() as connection:
            return [VersionRow(**row) for row in connection.execute(query.limit(limit)).mappings()]

    def find_version(self, pipeline_id: int, hash: str) -> VersionRow | None:
        """The pipeline's version of that hash, if it has one."""
        query = sa.select(*_VERSION_ROW).where(versions.c.pipeline_id == pipeline_id, versions.c.hash == hash)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().first()
        return VersionRow(**found) if found else None

    def snapshot_of(self, version_id: int) -> str | None:
        """The hash of the snapshot that the newest run of that version has; None when no run has it."""
        query = sa.select(snapshots.c.hash).join(runs, runs.c.snapshot_id == snapshots.c.id)
        newest = query.where(runs.c.version_id == version_id).order_by(runs.c.id.desc()).limit(1)
        with self._database.read() as connection:
            return connection.scalar(newest)

    def snapshot_hash(self, snapshot_id: int) -> str:
        """The hash under which the snapshot is laid out."""
        (row,) = self._database.ask(_SNAPSHOT_HASH, id=snapshot_id)
        return row["hash"]

    @contextlib.contextmanager
    def renaming(self, pipeline_id: int, name: str) -> Generator[None]:
        """The pipeline has that name once what is done within is done; the rules that name it name it so.

        PipelineExists if its project has, or has had, another of that name.
        """
        project, old = self.names(pipeline_id)
        try:
            with self._database.write(Row(pipelines, pipeline_id)) as connection:
                connection.execute(sa.update(pipelines).where(pipelines.c.id == pipeline_id).values(name=name))
                named = sa.and_(rules.c.kind == RuleKind.PIPELINE, rules.c.subject == f"{project.name}/{old}")
                connection.execute(sa.update(rules).where(named).values(subject=f"{project.name}/{name}"))
                yield
        except exc.IntegrityError:
            raise errors.PipelineExists(project=project.name, pipeline=name) from None

    def names(self, pipeline_id: int) -> tuple[ProjectRow, str]:
        """The project of a pipeline, and the pipeline's name."""
        (found,) = self._database.ask(_NAMES, id=pipeline_id)
        return project(found), found["pipeline"]


def project(columns: Mapping[str, Any]) -> ProjectRow:
    """The project of a row that has the columns `PROJECT`."""
    return ProjectRow(columns["id"], columns["uid"], columns["name"], Path(columns["path"]))


def _by_id(table: sa.Table, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(table.c.id == sa.bindparam("id", type_=table.c.id.type))


PROJECT = (projects.c.id, projects.c.uid, projects.c.name, projects.c.path)
_ALL = Statement(sa.select(*PROJECT).order_by(projects.c.id))
_NAMES = Statement(
    _by_id(pipelines, *PROJECT, pipelines.c.name.label("pipeline")).select_from(pipelines.join(projects))
)
_AT = projects.c.path == sa.bindparam("path")
_AT_PATH = Statement(sa.select(projects.c.id).where(_AT))
_NAMED = sa.select(pipelines.c.id).join(projects).where(_AT, pipelines.c.name == sa.bindparam("pipeline"))
_PIPELINE = Statement(_NAMED)
_OVER, _TAGGED = Statement(limits.over(_NAMED.scalar_subquery())), Statement(tags.of(_NAMED.scalar_subquery()))
_PIPELINE_IDS = Statement(sa.select(pipelines.c.id))
_VERSION_ROW = (versions.c.id, versions.c.uid, versions.c.hash, versions.c.created_at, versions.c.used_at)
_VERSION = Statement(_by_id(versions, versions.c.content))
_SNAPSHOT_HASH = Statement(_by_id(snapshots, snapshots.c.hash))
_PINNED = Statement(
    sa.select(
        *PROJECT,
        pipelines.c.id.label("pipeline_id"),
        pipelines.c.paused_at,
        snapshots.c.id.label("snapshot_id"),
        versions.c.id.label("version_id"),
        snapshots.c.used_at.label("snapshot_used_at"),
        versions.c.used_at.label("version_used_at"),
    )
    .join_from(projects, pipelines)
    .join(versions, versions.c.pipeline_id == pipelines.c.id)
    .join(snapshots, snapshots.c.project_id == projects.c.id)
    .where(projects.c.path == sa.bindparam("path"), pipelines.c.name == sa.bindparam("pipeline"))
    .where(versions.c.hash == sa.bindparam("version"), snapshots.c.hash == sa.bindparam("snapshot"))
)


def _used(row: Mapping[str, Any], at: datetime) -> bool:
    """Whether both were marked as used a short while ago."""
    marks = (row["snapshot_used_at"], row["version_used_at"])
    return all(isinstance(mark, datetime) and mark > at - USED for mark in marks)


def place(connection: sa.Connection, path: Path, name: str, at: datetime) -> ProjectRow:
    """The row of the project in that folder, made if there is none."""
    query = sa.select(projects.c.id, projects.c.uid, projects.c.name).where(projects.c.path == str(path))
    while not (found := connection.execute(query).first()):
        row = {"path": str(path), "name": _free_name(connection, name), "uid": identity.new(), "created_at": at}
        insert(connection, projects, row)
    return ProjectRow(found.id, found.uid, found.name, path)


def _free_name(connection: sa.Connection, name: str) -> str:
    taken = set(connection.scalars(sa.select(projects.c.name)))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _note(
    connection: sa.Connection, project: ProjectRow, pipeline: Pipeline, version: str, at: datetime
) -> tuple[int, int]:
    """The ids of pipeline and version, and what the pipeline says of all its runs is so from now on."""
    key = {"project_id": project.id, "name": pipeline.name}
    pipeline_id = _ensure(connection, pipelines, key, {"uid": identity.new(), "created_at": at})
    key = {"pipeline_id": pipeline_id, "hash": version}
    rest = {"uid": identity.new(), "content": pipeline, "created_at": at}
    version_id = use(connection, versions, key, rest, at)
    limits.write(connection, project.id, pipeline_id, pipeline.limits)
    tags.write(connection, pipeline_id, pipeline.tags)
    return pipeline_id, version_id


def _ensure(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], rest: Mapping[str, Any]) -> int:
    """The id of the row with that key, inserted with the rest if there is none."""
    query = sa.select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
    while (found := connection.scalar(query)) is None:
        insert(connection, table, {**key, **rest})
    return found


def use(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], rest: Mapping[str, Any], at: datetime
) -> int:
    """As `_ensure`, of a row that is marked as used; one that goes at this very moment is made anew."""
    marking = sa.update(table).where(*(table.c[name] == value for name, value in key.items())).values(used_at=at)
    while (found := connection.scalar(marking.returning(table.c.id))) is None:
        insert(connection, table, {**key, **rest})
    return found


def insert(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Inserts the row, unless one like it is there, or was inserted just now: then that is there to be found."""
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(table).values(row))
