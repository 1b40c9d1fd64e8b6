"""Reach in the database: whoever has roles for some tags alone asks and writes through a database that has no more.

*Reading*: in front of each statement stand the tables that it names, as they are within reach, each under its own name:
`WITH runs AS (SELECT * FROM runs WHERE …) SELECT … FROM runs`. So no question, whichever facet asks it, can see
past that; and a table that nobody has thought of is refused.

*Writing*: a transaction says which rows it concerns, and those are looked at first. One that says nothing is refused.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from headrace import errors
from headrace.model import reach as reaches
from headrace.model.access import Role
from headrace.model.reach import Reach
from headrace.store.tables import backfills, metadata, pipeline_tags, pipelines, runs, triggers

OPTION = "sight"  # of a connection: what is seen through it

NOTHING = "1 = 0"
OF_PIPELINE = "pipeline_id IN (SELECT id FROM pipelines)"  # which are few


def _of(table: str, whole: str, column: str, key: str = "id") -> str:
    """Only rows whose whole is there, which is looked up for each of them: of some tables there are millions."""
    return f"EXISTS (SELECT 1 FROM {whole} WHERE {whole}.{key} = {table}.{column})"  # noqa: S608 - of words of this file


# What is within reach, in an order in which each names only those before it; None: everything is.
SEEN: Mapping[str, str | None] = {
    "pipelines": "id IN ({reached})",
    "projects": None,  # they are found by name, and hold nothing but their path
    "snapshots": None,  # hashes alone; the code is reached by a version
    "versions": OF_PIPELINE,
    "triggers": OF_PIPELINE,
    "rules": _of("rules", "triggers", "trigger_id"),
    "gaps": _of("gaps", "triggers", "trigger_id"),
    "trigger_files": "EXISTS (SELECT 1 FROM pipelines"
    " WHERE pipelines.project_id = trigger_files.project_id AND pipelines.name = trigger_files.pipeline)",
    "backfills": OF_PIPELINE,
    "limits": "pipeline_id IS NULL OR " + OF_PIPELINE,  # those of a project say how much of it may run at once
    "runs": OF_PIPELINE,
    "tallies": OF_PIPELINE,
    "block_runs": _of("block_runs", "runs", "run_id"),
    "attempts": _of("attempts", "block_runs", "block_run_id"),
    "outputs": _of("outputs", "attempts", "attempt_id"),
    "events": _of("events", "runs", "run_id"),
    "keys": _of("keys", "runs", "run_uid", "uid"),
    "engines": None,  # what moves the runs of all; which are theirs is told by `runs`
    "occurrences": NOTHING,  # what is posted is for everybody's triggers, and may say anything
    "datasets": NOTHING,  # they belong to no pipeline
    "dataset_versions": NOTHING,
    "dataset_writes": NOTHING,
    "run_datasets": NOTHING,
    "lineages": _of("lineages", "versions", "version_id"),
    "bookmarks": OF_PIPELINE,
    "remains": NOTHING,
    "secrets": NOTHING,
    "tokens": NOTHING,
    "audit": NOTHING,
    "users": NOTHING,
    "user_roles": NOTHING,
    "pipeline_tags": OF_PIPELINE,
    "tags": "name IN (SELECT tag FROM pipeline_tags)",
}
_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that a transaction concerns."""

    table: sa.Table
    id: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline that a transaction concerns, as it is to be: there may be no row of it."""

    name: str
    tags: Collection[str]


Concern = Row | Pipeline


class Sight:
    """What is seen within a reach, by one dialect's rules."""

    def __init__(self, reach: Reach, dialect: str) -> None:
        self._user = int(reach.user_id)
        self._roles = ", ".join(f"'{role}'" for role in Role if role.may(reach.least))
        self._real = "main." if dialect == "sqlite" else ""  # how a table is named that stands behind its own name
        self.text = lru_cache(maxsize=512)(self._text)

    def _text(self, statement: str) -> str:
        """The statement, with what it names as it is within reach. ReachUnclear for one that is no question."""
        words = _named(statement)
        before = ", ".join(f"{name} AS NOT MATERIALIZED ({self._seen(name)})" for name in SEEN if name in words)
        bare = statement.lstrip()
        match _WORD.match(bare.lower()):
            case found if found and found[0] == "select":
                return f"WITH {before} {bare}" if before else bare
            case found if found and found[0] == "with" and not bare.lower().startswith("with recursive"):
                return f"WITH {before}, {bare[4:]}" if before else bare
            case _:
                raise errors.ReachUnclear(statement=bare)

    def _seen(self, name: str) -> str:
        condition = SEEN[name]
        where = "" if condition is None else f" WHERE {condition.format(reached=self._reached())}"
        return f"SELECT * FROM {self._real}{name}{where}"  # noqa: S608 - of words that are written in this file

    def _reached(self) -> str:
        tags, roles = f"{self._real}pipeline_tags", f"{self._real}user_roles"
        return (
            f"SELECT pipeline_id FROM {tags} WHERE tag IN"  # noqa: S608 - of words and a number
            f" (SELECT tag FROM {roles} WHERE user_id = {self._user} AND tag IS NOT NULL AND role IN ({self._roles}))"
        )


def sighted(engine: sa.Engine) -> sa.Engine:
    """The same connections, given out so that what is asked through one goes through the sight it has."""
    found = engine.execution_options()

    @event.listens_for(found, "before_cursor_execute", retval=True)
    def _see(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> Any:  # pyright: ignore[reportUnusedFunction]
        sight: Sight = connection.get_execution_options()[OPTION]
        return sight.text(statement), parameters

    return found


def narrows(connection: sa.Connection) -> bool:
    """Whether what is asked through it sees some pipelines alone."""
    return OPTION in connection.get_execution_options()


def refuse(connection: sa.Connection, reach: Reach, concerns: Collection[Concern]) -> None:
    """What is not seen is not there: RunNotFound, TriggerNotFound, …; NotAllowed for what may only be looked at."""
    for each in concerns:
        tags = each.tags if isinstance(each, Pipeline) else _tags(connection, each)
        if not reach.sees(tags):
            raise _missing(each)
        if not reach.changes(tags):
            raise reaches.beyond(reach)


def _named(statement: str) -> set[str]:
    """The tables that it names, and those which are needed to say what is within reach of them."""
    words = set(_WORD.findall(statement.lower())) & _TABLES
    if unknown := words - set(SEEN):
        raise errors.ReachUnclear(statement=f"of {', '.join(sorted(unknown))}")
    for name in reversed(list(SEEN)):
        if name in words:
            words |= set(_WORD.findall(SEEN[name] or "")) & set(SEEN)
    return words


_TABLES = frozenset(metadata.tables)
_PIPELINE_OF = {
    pipelines: pipelines.c.id,
    runs: runs.c.pipeline_id,
    triggers: triggers.c.pipeline_id,
    backfills: backfills.c.pipeline_id,
}


def _tags(connection: sa.Connection, row: Row) -> set[str]:
    of = sa.select(_PIPELINE_OF[row.table]).where(row.table.c.id == row.id).scalar_subquery()
    return set(connection.scalars(sa.select(pipeline_tags.c.tag).where(pipeline_tags.c.pipeline_id == of)))


def _missing(concern: Concern) -> errors.HeadraceError:
    match concern:
        case Row(table, run) if table is runs:
            return errors.RunNotFound(run=run)
        case Row(table, trigger) if table is triggers:
            return errors.TriggerNotFound(trigger=trigger)
        case Row(table, backfill) if table is backfills:
            return errors.BackfillNotFound(backfill=backfill)
        case Row(_, pipeline) | Pipeline(pipeline, _):
            return errors.PipelineNotFound(project="that is meant", pipeline=pipeline, names="others")
