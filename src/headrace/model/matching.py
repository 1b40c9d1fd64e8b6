"""Matching: whether an occurrence is one that a rule asks for."""

from collections.abc import Mapping
from typing import Any, cast

from headrace.model.occurrence import Occurrence
from headrace.model.rule import Rule, RuleKind


def matches(rule: Rule, rule_id: int, occurrence: Occurrence) -> bool:
    """Whether the rule, which is kept under that id, asks for the occurrence. Of a pipeline rule the subject is whole."""
    if rule.kind is not occurrence.kind:
        return False
    match rule.kind:
        case RuleKind.PAYLOAD:
            return fits(rule.pattern, occurrence.payload)
        case RuleKind.PIPELINE:
            return rule.subject == occurrence.subject and occurrence.payload.get("status") in rule.statuses
        case RuleKind.FILE:
            return rule_id == occurrence.rule_id
        case RuleKind.DATASET:
            return rule.subject == occurrence.subject


def fits(pattern: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Whether the payload has, under each key of the pattern, a value that it lists; a mapping is looked at within.

    A plain value lists itself. An empty pattern fits whatever there is (the rule of Mage's event matchers).
    """
    return all(key in payload and _fits(wanted, payload[key]) for key, wanted in pattern.items())


def _fits(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and fits(cast("Mapping[str, Any]", wanted), cast("Mapping[str, Any]", given))
    listed = cast("list[Any]", wanted) if isinstance(wanted, list) else [wanted]
    return any(_same(each, given) for each in listed)


def _same(one: Any, other: Any) -> bool:
    """As JSON has it: true is not 1, as it is in Python."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
