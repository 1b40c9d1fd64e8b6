"""What a rule may say, and what is refused with its place."""

from typing import Any

import pytest

from headrace import errors
from headrace.model import terms
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import Definition, TriggerType


def definition(**given: Any) -> Definition:
    """An event trigger whose second rule is that."""
    rule = Rule(**{"kind": RuleKind.FILE, "subject": "in/*"} | given)
    return Definition(name="t", type=TriggerType.EVENT, rules=(Rule(kind=RuleKind.PAYLOAD), rule))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"every": 1, "settle": 0},
        {"subject": "s" * 1000},
        {"kind": RuleKind.PIPELINE, "subject": "orders", "statuses": ("completed", "failed", "cancelled")},
        {"kind": RuleKind.PAYLOAD, "subject": "", "pattern": {"kind": ["order"]}},
        {"kind": RuleKind.DATASET, "subject": "Sales_2"},
    ],
)
def test_what_a_rule_may_say(given: dict[str, Any]) -> None:
    terms.refuse_wrong(definition(**given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"subject": ""}, "rules[1] is 'file'; expected the file that it is about"),
        (
            {"kind": RuleKind.DATASET, "subject": "a.b"},
            "rules[1] is 'a.b'; expected the name of a dataset: a letter and",
        ),
        ({"subject": "s" * 1001}, "expected at most 1000 characters that can be printed"),
        ({"subject": "a\0b"}, "expected at most 1000 characters that can be printed"),
        ({"every": 0.5}, "rules[1].every is 0.5; expected a number of seconds, 1 to 31536000"),
        ({"every": float("nan")}, "rules[1].every is nan"),
        ({"every": float("inf")}, "rules[1].every is inf"),
        ({"settle": -1}, "rules[1].settle is -1; expected a number of seconds, 0 to 31536000"),
        ({"settle": float("nan")}, "rules[1].settle is nan"),
        (
            {"statuses": ("running",)},
            "rules[1].statuses is ['running']; expected one or more of cancelled, completed, failed",
        ),
        ({"statuses": ()}, "rules[1].statuses is []"),
    ],
)
def test_what_a_rule_may_not_say(given: dict[str, Any], told: str) -> None:
    with pytest.raises(errors.BadTrigger) as refused:
        terms.refuse_wrong(definition(**given))
    assert told in str(refused.value)
