"""Rulebook: the rules of event triggers, written and read.

A pipeline's name is kept with its project's in front, so that what listens to a pipeline is found by an index. It is
read again as it was written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace.model.rule import Rule, RuleKind
from headrace.store import rows
from headrace.store.columns import Undecoded
from headrace.store.tables import pipelines, projects, rules, triggers

Ruled = Mapping[int, Iterable[Mapping[Any, Any]]]  # the rows of rules, by trigger

FIELDS = tuple(each.name for each in fields(Rule))
OF_PIPELINES = rules.join(triggers).join(pipelines).join(projects)  # each with the pipeline that it begins runs of
PLACE = projects.c.name + "/" + pipelines.c.name  # of a pipeline, as rules name it


def write(connection: sa.Connection, trigger_id: int, wanted: Sequence[Rule], at: datetime) -> None:
    """They are those of the trigger from now on. One that was there before keeps what it has seen.

    A file rule is looked at at once; what lies there then is what it starts from. BadTrigger for a pipeline whose end
    would lead, by whatever triggers, to that end again.
    """
    own = _pipeline(connection, trigger_id) if wanted else ""
    written = [_row(rule, place, own) for place, rule in enumerate(wanted)]
    _refuse_circles(connection, trigger_id, own, written)
    there = _ids(connection, trigger_id)
    if there:  # out of the way of their new places
        connection.execute(sa.update(rules).where(rules.c.trigger_id == trigger_id).values(place=-1 - rules.c.place))
    for row in written:
        row["look_at"] = at if row["kind"] == RuleKind.FILE else None
        if same := there.get((row["kind"], row["subject"])):
            connection.execute(sa.update(rules).where(rules.c.id == same.pop(0)).values(row))
        else:
            connection.execute(sa.insert(rules).values(row | {"trigger_id": trigger_id}))
    if there:
        connection.execute(sa.delete(rules).where(rules.c.trigger_id == trigger_id, rules.c.place < 0))


def of(connection: sa.Connection, trigger_ids: Iterable[int]) -> Ruled:
    """The rows of the rules of those triggers, by trigger; what they are about is as it was written."""
    query = sa.select(rules, projects.c.name.label("project")).select_from(OF_PIPELINES)
    query = query.where(rules.c.trigger_id.in_(list(trigger_ids))).order_by(rules.c.trigger_id, rules.c.place)
    found: dict[int, list[Mapping[Any, Any]]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["trigger_id"], []).append({**row, "subject": _as_written(row)})
    return found


def rule(row: Mapping[Any, Any]) -> Rule:
    """The rule of that row; RowUnreadable when something of it cannot be decoded."""
    given = {name: row[name] for name in FIELDS}
    for column, value in given.items():
        if isinstance(value, Undecoded):
            raise errors.RowUnreadable(row=f"rule {row['id']}", why=f"its {column}: {value.why}")
    return rows.convert(given, Rule, f"rule {row['id']}")


def _row(rule: Rule, place: int, own: str) -> dict[str, Any]:
    row = {name: getattr(rule, name) for name in FIELDS} | {"statuses": list(rule.statuses), "place": place}
    if rule.kind is RuleKind.PIPELINE and "/" not in rule.subject:
        row["subject"] = f"{own.partition('/')[0]}/{rule.subject}"
    return row


def _as_written(row: Mapping[Any, Any]) -> str:
    subject: str = row["subject"]
    return subject.removeprefix(f"{row['project']}/") if row["kind"] == RuleKind.PIPELINE else subject


def _pipeline(connection: sa.Connection, trigger_id: int) -> str:
    """The pipeline that the trigger begins runs of, as rules name it."""
    query = sa.select(PLACE).select_from(triggers.join(pipelines).join(projects)).where(triggers.c.id == trigger_id)
    return connection.execute(query).scalar_one()


def _ids(connection: sa.Connection, trigger_id: int) -> dict[tuple[str, str], list[int]]:
    """The rules that the trigger has had until now, by what they are about."""
    query = sa.select(rules.c.id, rules.c.kind, rules.c.subject).where(rules.c.trigger_id == trigger_id)
    found: dict[tuple[str, str], list[int]] = {}
    for rule_id, kind, subject in connection.execute(query.order_by(rules.c.place)):
        found.setdefault((kind, subject), []).append(rule_id)
    return found


def _refuse_circles(connection: sa.Connection, trigger_id: int, own: str, wanted: Iterable[Mapping[str, Any]]) -> None:
    listened = [row for row in wanted if row["kind"] == RuleKind.PIPELINE]
    begun = set(_begun_after(connection, trigger_id, own)) if listened else set[str]()
    for row in listened:
        if row["subject"] in begun:
            expected = f"a pipeline whose runs are not themselves begun by the end of {own}"
            raise errors.BadTrigger(field=f"rules[{row['place']}]", given=row["subject"], expected=expected)


def _begun_after(connection: sa.Connection, trigger_id: int, own: str) -> Iterator[str]:
    """That pipeline, and all whose runs its end begins by way of other triggers."""
    followers: dict[str, set[str]] = {}
    others = sa.and_(rules.c.kind == RuleKind.PIPELINE, rules.c.trigger_id != trigger_id)
    for subject, place in connection.execute(sa.select(rules.c.subject, PLACE).select_from(OF_PIPELINES).where(others)):
        followers.setdefault(subject, set()).add(place)
    waiting, known = [own], set[str]()
    while waiting:
        pipeline = waiting.pop()
        if pipeline not in known:
            known.add(pipeline)
            waiting += followers.get(pipeline, ())
            yield pipeline
