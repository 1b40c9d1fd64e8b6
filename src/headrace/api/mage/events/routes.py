"""Events and event matchers: posted, and the rules on what is posted that triggers have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from starlette.responses import Response

from headrace import errors
from headrace.api.mage import envelopes
from headrace.api.mage.asked import Asked
from headrace.api.mage.events import shapes
from headrace.api.mage.resources import Resource
from headrace.model.access import Role
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import Trigger
from headrace.operations import occurrences, triggers
from headrace.store.triggers import Matcher

posted = Resource("event", "events")
matchers = Resource("event_matcher", "event_matchers")
RESOURCES = (posted, matchers)


@posted.create("/events", role=Role.EDITOR, whole_body=True, opened_by="mage_open_events")
def post(asked: Asked) -> Response:
    """Post an event

    An engine begins the runs of the triggers that ask for it, whether or not there are some.
    """
    payload = asked.payload or {}
    occurrences.post(asked.home, payload)
    return envelopes.written({"event": payload})


@matchers.list("/event_matchers", whole_body=True, shape=shapes.ShownEventMatcher)
def list_all(asked: Asked) -> Response:
    """What triggers ask of events"""
    found = triggers.matchers(asked.home, asked.project.id)
    return envelopes.written({"event_matchers": [shapes.shown(each) for each in found]})


@matchers.detail("/event_matchers/{matcher_id}", shape=shapes.ShownEventMatcher)
def show(asked: Asked) -> shapes.ShownEventMatcher:
    """What a trigger asks of events"""
    return shapes.shown(_found(asked))


@matchers.create("/event_matchers", shape=shapes.ShownEventMatcher)
def create(asked: Asked) -> shapes.ShownEventMatcher:
    """Have a trigger ask for events"""
    trigger = _trigger(asked)
    before = {each.id for each in triggers.matchers(asked.home, asked.project.id)}
    rule = _rule(asked, Rule(kind=RuleKind.PAYLOAD))
    triggers.change(asked.home, trigger, replace(trigger.definition, rules=(*trigger.definition.rules, rule)))
    made = (each for each in triggers.matchers(asked.home, asked.project.id) if each.id not in before)
    return shapes.shown(next(each for each in made if each.rule == rule))


@matchers.update("/event_matchers/{matcher_id}", shape=shapes.ShownEventMatcher)
def update(asked: Asked) -> shapes.ShownEventMatcher:
    """Change what a trigger asks of events"""
    found = _found(asked)
    _change(asked, found, lambda rule: (_rule(asked, rule),))
    return shapes.shown(_found(asked))


@matchers.delete("/event_matchers/{matcher_id}", shape=shapes.ShownEventMatcher)
def delete(asked: Asked) -> shapes.ShownEventMatcher:
    """Have a trigger ask for such events no more"""
    found = _found(asked)
    _change(asked, found, lambda _: ())
    return shapes.shown(found)


def _found(asked: Asked) -> Matcher:
    matcher_id = asked.id("matcher_id")
    for each in triggers.matchers(asked.home, asked.project.id, matcher_id):
        return each
    raise errors.NoSuchRecord(noun="event matcher", id=matcher_id)


def _change(asked: Asked, found: Matcher, become: Callable[[Rule], Sequence[Rule]]) -> None:
    """That rule of its trigger becomes those, and the others stay, also those that are just like it."""
    rules = list(found.trigger.definition.rules)
    rules[found.place : found.place + 1] = become(found.rule)
    triggers.change(asked.home, found.trigger, replace(found.trigger.definition, rules=tuple(rules)))


def _trigger(asked: Asked) -> Trigger:
    """The one that the matcher is for: the first of `pipeline_schedules`, ids or objects with one. BadField."""
    given = asked.given.get("pipeline_schedules")
    first: Any = cast("list[Any]", given)[0] if isinstance(given, list) and given else None
    wanted: Any = cast("Mapping[str, Any]", first).get("id") if isinstance(first, dict) else first
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        expected = "a list with the id of the trigger that it is for"
        raise errors.BadField(field="pipeline_schedules", given=given, expected=expected)
    return triggers.find(asked.home, str(wanted))


def _rule(asked: Asked, was: Rule) -> Rule:
    """That rule with what is given of a matcher. BadField."""
    name, pattern = asked.given.get("name", was.subject), asked.given.get("pattern", was.pattern)
    if not isinstance(name, str):
        raise errors.BadField(field="name", given=name, expected="text")
    if not isinstance(pattern, Mapping):
        raise errors.BadField(field="pattern", given=pattern, expected="an object")
    return replace(was, subject=name, pattern=cast("Mapping[str, Any]", pattern))
