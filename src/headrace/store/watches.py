"""Watches: rules on files, each looked at by one engine at a time, and what it has seen.

Whoever looks has first put the next look off, to when the look is given up; nobody else looks until then. What he has
seen is written down only where it still is his look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.rule import Rule, RuleKind
from headrace.model.watch import Seen
from headrace.store import faults, rows, rulebook
from headrace.store.columns import Moment
from headrace.store.database import About, Database
from headrace.store.firing import Firing
from headrace.store.tables import occurrences, projects, rules, triggers


@dataclass(frozen=True, slots=True)
class Watch:
    """A file rule of an active trigger, as it is to be looked at."""

    rule_id: int
    trigger_id: int
    rule: Rule
    folder: Path  # of the project, from which a relative path leads
    look_at: datetime
    enabled_at: datetime  # since when its trigger is active
    seen: Mapping[str, Seen] | None  # None: nothing since then; what lies there is what it starts from


@dataclass(frozen=True, slots=True)
class News:
    """A file to be told of; `mark` is the same for the same file as long as it does not change."""

    mark: str
    payload: Mapping[str, Any]


class Watches:
    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, at: datetime, limit: int) -> list[Watch]:
        """Those to be looked at by then, the longest due first; of one that cannot be decoded the trigger gets the fault."""
        query = sa.select(rules, triggers.c.last_enabled_at, projects.c.path).select_from(rulebook.OF_PIPELINES)
        waiting = query.where(_WATCHED, rules.c.look_at <= at).order_by(rules.c.look_at, rules.c.id).limit(limit)
        with self._database.read() as connection:
            found = connection.execute(waiting).mappings().all()
        return [watch for row in found if (watch := self._watch(row, at))]

    def next_due(self) -> datetime | None:
        """When the next of them is to be looked at."""
        query = sa.select(sa.func.min(rules.c.look_at, type_=Moment)).select_from(rules.join(triggers)).where(_WATCHED)
        with self._database.read() as connection:
            return connection.scalar(query)

    def take(self, those: Iterable[Watch], until: datetime) -> list[Watch]:
        """Those of them that nobody else has taken: they are the caller's to look at, until then."""
        with self._database.write() as connection:
            taken = [each for each in those if connection.execute(_same(each).values(look_at=until)).rowcount]
        return [replace(each, look_at=until) for each in taken]

    def saw(
        self, watch: Watch, seen: Mapping[str, Seen], news: Sequence[News], look_at: datetime, at: datetime
    ) -> bool:
        """What was seen is remembered, the news are written down, and it is to be looked at again then.

        False, and nothing is written, when the rule is not there, or was taken by somebody else since, or its trigger
        was paused.
        """
        document = {"enabled_at": watch.enabled_at, "files": seen}
        changed = {} if seen == watch.seen else {"seen": msgspec.to_builtins(document)}
        with self._database.write() as connection:
            landed = connection.execute(_same(watch).values(look_at=look_at, **changed)).rowcount == 1
            if landed:
                self._tell(connection, watch, news, at)
                faults.clear(connection, watch.trigger_id, about(watch.rule))
        return landed

    def fail(self, watch: Watch, why: str, look_at: datetime) -> None:
        """It could not be looked at, for that reason, which is its trigger's fault; what it has seen stays."""
        with self._database.write() as connection:
            if connection.execute(_same(watch).values(look_at=look_at)).rowcount:
                faults.note(connection, watch.trigger_id, about(watch.rule), why)

    def _tell(self, connection: sa.Connection, watch: Watch, news: Sequence[News], at: datetime) -> None:
        """What was told before, under the same mark, is not told again."""
        marks = [each.mark for each in news]
        this = (occurrences.c.kind == RuleKind.FILE, occurrences.c.subject == watch.rule.subject)
        told = set(connection.scalars(sa.select(occurrences.c.mark).where(*this, occurrences.c.mark.in_(marks))))
        of_rule = {"kind": RuleKind.FILE, "subject": watch.rule.subject, "rule_id": watch.rule_id, "at": at}
        new = [each for each in news if each.mark not in told]
        for each in new:
            row = {"uid": identity.new(), "mark": each.mark, "payload": each.payload, **of_rule}
            connection.execute(sa.insert(occurrences).values(row))
        if new:
            self._database.ring(connection, About.TRIGGERS)

    def _watch(self, row: Mapping[Any, Any], at: datetime) -> Watch | None:
        """None for one that cannot be decoded: it is laid aside until somebody changes it, for that reason."""
        try:
            return _decoded(row, self._remembered(row, at))
        except errors.RowUnreadable as error:
            with self._database.write() as connection:
                connection.execute(sa.update(rules).where(rules.c.id == row["id"]).values(look_at=None))
                faults.note(connection, row["trigger_id"], f"the files {row['subject']}", str(error))
            return None

    def _remembered(self, row: Mapping[Any, Any], at: datetime) -> Mapping[str, Seen] | None:
        """What it has seen; where that cannot be decoded, it starts anew, which stays as a gap of its trigger."""
        try:
            return _files(row)
        except errors.RowUnreadable as error:
            with self._database.write() as connection:
                connection.execute(sa.update(rules).where(rules.c.id == row["id"]).values(seen=None))
                Firing(self._database, connection).note_gap(row["trigger_id"], f"fault: {error}", at, at, 1, at)
            return None


def about(rule: Rule) -> str:
    """What the faults are about that a file rule has."""
    return f"the files {rule.subject}"


_WATCHED = sa.and_(triggers.c.active, rules.c.look_at.is_not(None))


def _same(watch: Watch) -> sa.Update:
    """Of the rule as it was when it was read or taken, while its trigger is active as it was."""
    active = sa.and_(triggers.c.id == watch.trigger_id, triggers.c.active)
    enabled = sa.select(triggers.c.id).where(active, triggers.c.last_enabled_at == watch.enabled_at).exists()
    return sa.update(rules).where(rules.c.id == watch.rule_id, rules.c.look_at == watch.look_at, enabled)


def _decoded(row: Mapping[Any, Any], seen: Mapping[str, Seen] | None) -> Watch:
    for name in ("look_at", "last_enabled_at"):
        if not isinstance(row[name], datetime):
            raise errors.RowUnreadable(row=f"rule {row['id']}", why=f"its {name} is no moment")
    folder = Path(row["path"])
    return Watch(row["id"], row["trigger_id"], rulebook.rule(row), folder, row["look_at"], row["last_enabled_at"], seen)


def _files(row: Mapping[Any, Any]) -> Mapping[str, Seen] | None:
    """What it has seen since its trigger was enabled."""
    if row["seen"] is None:
        return None
    known = rows.convert(row["seen"], _Memory, f"memory of rule {row['id']}")
    return known.files if known.enabled_at == row["last_enabled_at"] else None


@dataclass(frozen=True, slots=True)
class _Memory:
    """What a rule has seen since its trigger was enabled then."""

    enabled_at: datetime
    files: dict[str, Seen]
