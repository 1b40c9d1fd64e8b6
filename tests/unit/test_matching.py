"""What a rule asks for is what begins a run, and nothing else is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.model import matching
from headrace.model.occurrence import Occurrence
from headrace.model.rule import Rule, RuleKind

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def occurrence(kind: RuleKind, subject: str = "", rule_id: int | None = None, **payload: Any) -> Occurrence:
    given = {"subject": subject, "payload": payload, "rule_id": rule_id, "at": AT}
    return Occurrence(id=1, uid="u", kind=kind, handled_at=None, runs=None, **given)


@pytest.mark.parametrize(
    ("pattern", "payload"),
    [
        ({}, {}),
        ({}, {"anything": [1]}),
        ({"kind": ["order", "refund"]}, {"kind": "refund", "more": 1}),
        ({"kind": "order"}, {"kind": "order"}),
        ({"kind": [None]}, {"kind": None}),
        ({"n": [1]}, {"n": 1.0}),
        ({"tags": [["a", "b"]]}, {"tags": ["a", "b"]}),
        ({"detail": {"state": ["running"], "zone": "eu"}}, {"detail": {"state": "running", "zone": "eu", "x": 0}}),
        ({"detail": {}}, {"detail": {"x": 0}}),
        ({"detail": {"deep": {"deeper": [3]}}}, {"detail": {"deep": {"deeper": 3}}}),
    ],
)
def test_a_pattern_fits_what_has_one_of_its_values_under_each_of_its_keys(
    pattern: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert matching.fits(pattern, payload)


@pytest.mark.parametrize(
    ("pattern", "payload"),
    [
        ({"kind": ["order"]}, {}),
        ({"kind": [None]}, {}),
        ({"kind": ["order"]}, {"kind": "refund"}),
        ({"kind": []}, {"kind": "order"}),
        ({"kind": ["order"]}, {"kind": ["order"]}),
        ({"kind": "order", "zone": "eu"}, {"kind": "order", "zone": "us"}),
        ({"n": [1]}, {"n": True}),
        ({"n": [False]}, {"n": 0}),
        ({"n": ["1"]}, {"n": 1}),
        ({"detail": {"state": ["running"]}}, {"detail": "running"}),
        ({"detail": {"state": ["running"]}}, {"detail": {"other": "running"}}),
        ({"detail": {}}, {"detail": 3}),
    ],
)
def test_a_pattern_does_not_fit_what_lacks_one_of_its_values(pattern: dict[str, Any], payload: dict[str, Any]) -> None:
    assert not matching.fits(pattern, payload)


def test_a_rule_on_a_pipeline_asks_for_its_statuses() -> None:
    rule = Rule(kind=RuleKind.PIPELINE, subject="mill/grind", statuses=("failed", "cancelled"))
    for status, asked in (("failed", True), ("cancelled", True), ("completed", False)):
        assert matching.matches(rule, 1, occurrence(RuleKind.PIPELINE, "mill/grind", status=status)) is asked
    assert not matching.matches(rule, 1, occurrence(RuleKind.PIPELINE, "mill/bake", status="failed"))


def test_a_rule_on_a_dataset_asks_for_that_dataset() -> None:
    rule = Rule(kind=RuleKind.DATASET, subject="flour")
    assert matching.matches(rule, 1, occurrence(RuleKind.DATASET, "flour", version=3))
    assert not matching.matches(rule, 1, occurrence(RuleKind.DATASET, "bread", version=3))


def test_a_rule_on_files_asks_for_those_that_were_seen_for_it() -> None:
    rule = Rule(kind=RuleKind.FILE, subject="in/*.csv")
    assert matching.matches(rule, 7, occurrence(RuleKind.FILE, "in/*.csv", rule_id=7))
    assert not matching.matches(rule, 8, occurrence(RuleKind.FILE, "in/*.csv", rule_id=7))
    assert not matching.matches(rule, 7, occurrence(RuleKind.FILE, "in/*.csv", rule_id=None))


def test_a_rule_of_one_kind_asks_for_nothing_of_another() -> None:
    for mine in RuleKind:
        for other in set(RuleKind) - {mine}:
            rule = Rule(kind=mine, subject="mill/grind")
            assert not matching.matches(rule, 1, occurrence(other, "mill/grind", 1, status="completed"))
