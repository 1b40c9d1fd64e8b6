"""Events and event matchers as Mage's clients know them."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.store.triggers import Matcher

TYPE = "aws_event"  # the only type that Mage has, whatever the event is of


class EventMatcher(TypedDict):
    created_at: str
    event_type: str
    id: int
    name: str
    pattern: dict[str, Any]
    updated_at: str


class AttachedTo(TypedDict):
    """The trigger of a matcher."""

    id: int
    name: str


class ShownEventMatcher(EventMatcher):
    pipeline_schedules: list[AttachedTo]


def matcher(found: Matcher) -> EventMatcher:
    """Its moments are its trigger's, with which it was made and changed."""
    return {
        "created_at": dates.spaced(found.trigger.created_at),
        "event_type": TYPE,
        "id": found.id,
        "name": found.rule.subject,
        "pattern": {**found.rule.pattern},
        "updated_at": dates.spaced(found.trigger.updated_at),
    }


def shown(found: Matcher) -> ShownEventMatcher:
    trigger = found.trigger
    return {**matcher(found), "pipeline_schedules": [{"id": trigger.id, "name": trigger.definition.name}]}


def by_trigger(found: Iterable[Matcher]) -> dict[int, list[EventMatcher]]:
    """The matchers of each trigger that has some."""
    theirs: dict[int, list[EventMatcher]] = {}
    for each in found:
        theirs.setdefault(each.trigger.id, []).append(matcher(each))
    return theirs
