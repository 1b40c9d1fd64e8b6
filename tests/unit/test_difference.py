"""What taking over a file of triggers would do is told before it is done."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.model import difference
from headrace.model.difference import Deed, FieldChange, Step
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType

DAILY = Definition(name="daily", type=TriggerType.TIME, interval="@daily", variables={"region": "eu", "n": 1})
SETTINGS = DAILY.settings


def test_a_trigger_that_is_not_kept_is_created_and_made_active_if_it_is_to_be():
    found = difference.between({"daily": (DAILY, True), "off": (DAILY, False)}, {})
    assert found.steps == (Step("daily", Deed.CREATE), Step("daily", Deed.ACTIVATE), Step("off", Deed.CREATE))
    assert not found.nothing


def test_what_is_as_it_is_written_stays():
    found = difference.between({"daily": (DAILY, True)}, {"daily": (replace(DAILY), True)})
    assert found.steps == (Step("daily", Deed.NOTHING),)
    assert found.nothing


@pytest.mark.parametrize(("active", "deed"), [(True, Deed.ACTIVATE), (False, Deed.PAUSE)])
def test_a_trigger_is_made_active_or_paused_without_a_change(active, deed):
    found = difference.between({"daily": (DAILY, active)}, {"daily": (DAILY, not active)})
    assert found.steps == (Step("daily", deed),)


def test_a_change_alone_is_one_step():
    found = difference.between({"daily": (replace(DAILY, sla=60), True)}, {"daily": (DAILY, True)})
    assert found.steps == (Step("daily", Deed.CHANGE, (FieldChange("sla", None, 60),)),)
    assert not found.nothing


def test_a_trigger_may_be_changed_and_paused_at_once():
    found = difference.between({"daily": (replace(DAILY, sla=60), False)}, {"daily": (DAILY, True)})
    assert found.steps == (Step("daily", Deed.CHANGE, (FieldChange("sla", None, 60),)), Step("daily", Deed.PAUSE))


def test_kept_triggers_in_no_file_are_named_but_for_those_of_backfills():
    backfill = Definition(name="Backfill x", type=TriggerType.BACKFILL)
    kept = {"z": (DAILY, True), "daily": (DAILY, True), "b": (DAILY, False), "Backfill x": (backfill, True)}
    assert difference.between({"daily": (DAILY, True)}, kept).unwritten == ("b", "z")


START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = Rule(kind=RuleKind.FILE, subject="in/*.csv")


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        ({"type": TriggerType.API}, [("schedule_type", TriggerType.TIME, TriggerType.API)]),
        ({"interval": "@hourly"}, [("schedule_interval", "@daily", "@hourly")]),
        ({"zone": "Europe/Paris"}, [("timezone", "UTC", "Europe/Paris")]),
        ({"start_time": START}, [("start_time", None, START)]),
        ({"rules": (RULE,)}, [("rules", (), (RULE,))]),
        ({"tags": ("a",), "description": "x"}, [("description", "", "x"), ("tags", (), ("a",))]),
        ({"settings": replace(SETTINGS, timeout=60.0)}, [("settings.timeout", None, 60.0)]),
        (
            {"settings": replace(SETTINGS, catch_up=CatchUp.ALL, extra={"x": 1})},
            [("settings.catch_up", CatchUp.LAST, CatchUp.ALL), ("settings.x", None, 1)],
        ),
        ({"variables": {"n": 1}}, [("variables.region", "eu", None)]),
        ({"variables": {"region": "eu", "n": 1, "new": None}}, [("variables.new", None, None)]),
        ({"variables": {"region": "eu", "n": True}}, [("variables.n", 1, True)]),
        ({"variables": {"region": "eu", "n": [True]}}, [("variables.n", 1, [True])]),
        ({"variables": {"n": 1, "region": "eu"}}, []),
    ],
)
def test_a_change_is_told_field_by_field_by_the_names_of_the_format(after, changes):
    assert difference.changes(DAILY, replace(DAILY, **after)) == tuple(FieldChange(*each) for each in changes)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, True),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": True}]}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, False),
        ({"a": 60}, {"a": 60.0}, True),
    ],
)
def test_values_within_values_are_compared_as_they_are_written(one, other, same):
    assert (difference.changes(replace(DAILY, variables=one), replace(DAILY, variables=other)) == ()) is same


def test_settings_that_came_back_from_elsewhere_as_whole_numbers_are_the_same():
    before, after = (replace(DAILY, settings=TriggerSettings(timeout=seconds)) for seconds in (60, 60.0))
    assert difference.changes(before, after) == ()
