"""Occurrences: what event triggers may begin runs for. Each is written down once, and dealt with once.

The transaction that makes its runs marks it as handled, and whoever deals with it has locked it: so it begins one run
of a trigger, however many engines look and whenever they die.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model.occurrence import Occurrence
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import Trigger
from headrace.store import faults, rows, rulebook
from headrace.store import triggers as facet
from headrace.store.columns import Document, Undecoded
from headrace.store.creating import Created, NewRun
from headrace.store.database import About, Database
from headrace.store.firing import Firing
from headrace.store.script import Script, Statement
from headrace.store.tables import occurrences, rules, triggers

BEGINNING = "a run could not begin"  # what the faults are about that are noted here


@dataclass(frozen=True, slots=True)
class Listener:
    """An active event trigger, with those of its rules, by id, that are about what was asked.

    Of a pipeline the rules have the whole name. Of one that cannot be read there are no rules, and the `fault` is why.
    """

    id: int
    trigger: Trigger | None
    rules: Mapping[int, Rule]
    subjects: Mapping[int, tuple[str, str]]  # the kind and subject of each of its rules
    fault: str | None = None

    def concerned(self, occurrence: Occurrence) -> bool:
        """Whether it has a rule that may ask for the occurrence, as far as that can be known without reading either."""
        if occurrence.kind is RuleKind.FILE:
            return occurrence.rule_id in self.subjects
        about = (occurrence.kind.value, occurrence.subject)
        return any(
            kind == about[0] and (kind == RuleKind.PAYLOAD or about[1] == on) for kind, on in self.subjects.values()
        )


class Handling:
    """One transaction in which occurrences are dealt with."""

    def __init__(self, connection: sa.Connection, firing: Firing) -> None:
        self._connection = connection
        self._firing = firing

    def lock(self, those: Sequence[Occurrence]) -> set[int]:
        """Which of them are open, and nobody else's at the moment; they stay so until the commit."""
        query = sa.select(occurrences.c.id).where(occurrences.c.id.in_([each.id for each in those]), _OPEN)
        return set(self._connection.scalars(query.order_by(occurrences.c.id).with_for_update(skip_locked=True)))

    def create(self, new: NewRun, at: datetime) -> Created:
        """A run of a trigger. TriggerNotFound for one that was deleted."""
        return self._firing.create(new, at)

    def miss(self, trigger_id: int, occurrence: Occurrence, why: str, at: datetime) -> None:
        """The trigger gets no run for it, which stays as one of its gaps."""
        self._firing.note_gap(trigger_id, f"fault: {why}", occurrence.at, occurrence.at, 1, at)

    def close(self, runs: Mapping[int, int], at: datetime) -> None:
        """Those occurrences, by id, are dealt with; each has begun so many runs."""
        if runs:
            with Script(self._connection) as script:
                many = [{"this": this, "at": at, "begun": begun} for this, begun in runs.items()]
                script.say_of_each(_CLOSE, many)


class Occurrences:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: RuleKind, subject: str, mark: str | None, payload: Mapping[str, Any], at: datetime) -> str:
        """Something has happened, which event triggers may begin runs for: its uid.

        What was written down before under the same `mark` is the same; KeyReused when it was of another payload. None
        is a mark that nothing else has.
        """
        try:
            return self._add(kind, subject, mark, payload, at)
        except exc.IntegrityError:
            return self._add(kind, subject, mark, payload, at)  # somebody wrote it down since we looked

    def _add(self, kind: RuleKind, subject: str, mark: str | None, payload: Mapping[str, Any], at: datetime) -> str:
        uid = identity.new()
        with self._database.write() as connection:
            if mark is not None and (before := _before(connection, kind, subject, mark, payload)):
                return before
            row = {"uid": uid, "kind": kind, "subject": subject, "mark": mark or uid, "payload": payload, "at": at}
            connection.execute(sa.insert(occurrences).values(row))
            self._database.ring(connection, About.TRIGGERS)
        return uid

    def open(self, limit: int) -> list[Occurrence]:
        """Those that nobody has dealt with, the oldest first."""
        return [_occurrence(row) for row in self._database.ask(_FIRST, most=limit)]

    def latest(self, limit: int, *, before: int | None = None) -> list[Occurrence]:
        """The newest first, at most `limit`, those with an id below `before`."""
        query = sa.select(occurrences).order_by(occurrences.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(occurrences.c.id < before)
        with self._database.read() as connection:
            return [_occurrence(row) for row in connection.execute(query).mappings()]

    def listeners(self, those: Iterable[Occurrence]) -> list[Listener]:
        """The active triggers with a rule on what one of them is about, in order of id."""
        wanted = {(each.kind, each.subject) for each in those}
        about = sa.tuple_(rules.c.kind, rules.c.subject).in_([each for each in wanted if each[0] != RuleKind.PAYLOAD])
        if any(kind is RuleKind.PAYLOAD for kind, _ in wanted):
            about = sa.or_(about, rules.c.kind == RuleKind.PAYLOAD)
        columns = [rules.c[name] for name in rulebook.FIELDS]
        query = sa.select(triggers, rules.c.id.label("rule_id"), *columns).join_from(triggers, rules)
        found: dict[int, list[Mapping[Any, Any]]] = {}
        with self._database.read() as connection:
            listening = connection.execute(query.where(triggers.c.active, about).order_by(triggers.c.id, rules.c.id))
            for row in listening.mappings():
                found.setdefault(row["id"], []).append(row)
        return [_listener(of_trigger) for of_trigger in found.values()]

    @contextmanager
    def handling(self) -> Generator[Handling]:
        """A transaction in which occurrences are dealt with: together, or, when its block ends with an error, not at all."""
        with self._database.write() as connection:
            writing = Firing(self._database, connection)
            yield Handling(connection, writing)
            writing.finish()

    def lay_aside(self, occurrence_id: int, at: datetime) -> None:
        """It cannot be dealt with, and counts as handled, without a run."""
        with self._database.write() as connection:
            Handling(connection, Firing(self._database, connection)).close({occurrence_id: 0}, at)

    def note_fault(self, trigger_id: int, why: str) -> None:
        """No run of the trigger could be made, for that reason."""
        with self._database.write() as connection:
            faults.note(connection, trigger_id, BEGINNING, why)

    def clear_fault(self, trigger_id: int) -> None:
        """A run of the trigger was made: that none could be is its fault no more."""
        with self._database.write() as connection:
            faults.clear(connection, trigger_id, BEGINNING)


_OPEN = occurrences.c.handled_at.is_(None)
_FIRST = Statement(
    sa.select(occurrences).where(_OPEN).order_by(occurrences.c.id).limit(sa.bindparam("most", type_=sa.Integer))
)
_CLOSE = Statement(
    sa.update(occurrences)
    .where(occurrences.c.id == sa.bindparam("this", type_=occurrences.c.id.type), _OPEN)
    .values(
        handled_at=sa.bindparam("at", type_=occurrences.c.handled_at.type),
        runs=sa.bindparam("begun", type_=occurrences.c.runs.type),
    )
)
_COLUMNS = tuple(name for name in Occurrence.__dataclass_fields__ if name != "fault")


def _before(
    connection: sa.Connection, kind: RuleKind, subject: str, mark: str, payload: Mapping[str, Any]
) -> str | None:
    this = (occurrences.c.kind == kind, occurrences.c.subject == subject, occurrences.c.mark == mark)
    query = sa.select(occurrences.c.uid, sa.type_coerce(occurrences.c.payload, sa.Text).label("payload")).where(*this)
    found = connection.execute(query).first()
    if found and found.payload != Document().process_bind_param(payload, connection.dialect):
        raise errors.KeyReused(key=mark)
    return found.uid if found else None


def _occurrence(row: Mapping[Any, Any]) -> Occurrence:
    """The occurrence; of one that cannot be decoded what can be told all the same, with the reason."""
    given: dict[str, Any] = {name: row[name] for name in _COLUMNS} | {"kind": RuleKind(row["kind"])}
    wrong = {name: value.why for name, value in given.items() if isinstance(value, Undecoded)}
    if not wrong and not isinstance(given["payload"], dict):
        wrong = {"payload": "it is no object"}
    if wrong:
        given |= {"payload": {}} | {name: rows.LONG_AGO for name in wrong if name != "payload"}
    elif given["kind"] is RuleKind.PIPELINE:
        project, _, pipeline = given["subject"].partition("/")
        given["payload"] = {"project": project, "pipeline": pipeline, **given["payload"]}
    why = "; ".join(f"its {name} cannot be read: {why}" for name, why in wrong.items())
    return Occurrence(**given, fault=f"event {given['id']}: {why}" if why else None)


def _listener(found: Sequence[Mapping[Any, Any]]) -> Listener:
    """Of one trigger's rows."""
    trigger_id = found[0]["id"]
    subjects = {row["rule_id"]: (row["kind"], row["subject"]) for row in found}
    try:
        trigger = facet.decoded(found[0], {})
        of_it = {row["rule_id"]: rulebook.rule({**row, "id": row["rule_id"]}) for row in found}
    except errors.RowUnreadable as error:
        return Listener(trigger_id, None, {}, subjects, str(error))
    return Listener(trigger_id, trigger, of_it, subjects)
