"""A trigger as the options of a command say it is."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click
import pytest

from headrace.cli import defining
from headrace.cli.defining import Given
from headrace.cli.parameters import NOTHING
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType

START = datetime(2026, 1, 31, 6, tzinfo=UTC)
FULL = Given(
    cron="30 2 * * *",
    zone="Europe/Berlin",
    start=START,
    variables=("region=eu", "n=3"),
    sla=3600,
    timeout=60.5,
    timeout_status="cancelled",
    limit=2,
    skip_if_running=True,
    allow_blocks_to_fail=True,
    initial_run=True,
    landing=True,
    catch_up="all",
    description="each night",
    tags=("a", "b"),
)
DEFINED = Definition(
    name="nightly",
    type=TriggerType.TIME,
    interval="30 2 * * *",
    zone="Europe/Berlin",
    start_time=START,
    description="each night",
    variables={"region": "eu", "n": 3},
    sla=3600,
    settings=TriggerSettings(
        skip_if_previous_running=True,
        allow_blocks_to_fail=True,
        create_initial_pipeline_run=True,
        landing_time_enabled=True,
        pipeline_run_limit=2,
        timeout=60.5,
        timeout_status="cancelled",
        catch_up=CatchUp.ALL,
    ),
    tags=("a", "b"),
)


def test_every_option_says_its_field() -> None:
    assert defining.new("nightly", FULL) == DEFINED


def test_what_is_not_given_stays_as_it_was() -> None:
    assert defining.anew(DEFINED, Given()) == DEFINED
    assert defining.anew(DEFINED, Given(sla=60)) == replace(DEFINED, sla=60)
    assert defining.anew(DEFINED, Given(name="other")) == replace(DEFINED, name="other")
    off = defining.anew(DEFINED, Given(skip_if_running=False, landing=False)).settings
    assert off == replace(DEFINED.settings, skip_if_previous_running=False, landing_time_enabled=False)


def test_none_takes_back_what_was_said_before() -> None:
    found = defining.anew(DEFINED, Given(start=NOTHING, sla=NOTHING, timeout=NOTHING, limit=NOTHING))
    settings = replace(DEFINED.settings, timeout=None, pipeline_run_limit=None)
    assert found == replace(DEFINED, start_time=None, sla=None, settings=settings)


def test_variables_are_given_and_taken_one_by_one() -> None:
    found = defining.anew(DEFINED, Given(variables=("n=4", "m=true"), without=("region", "unknown")))
    assert found.variables == {"n": 4, "m": True}
    assert defining.anew(DEFINED, Given(variables=("n=5",), without=("n",))).variables == {"region": "eu", "n": 5}


@pytest.mark.parametrize(
    ("given", "kind", "interval"),
    [
        (Given(every="@daily"), TriggerType.TIME, "@daily"),
        (Given(cron="* * * * *"), TriggerType.TIME, "* * * * *"),
        (Given(once=True), TriggerType.TIME, "@once"),
        (Given(always_on=True), TriggerType.TIME, "@always_on"),
        (Given(api=True), TriggerType.API, None),
        (Given(on_file=("a",)), TriggerType.EVENT, None),
    ],
)
def test_each_kind_takes_the_place_of_any_other(given: Given, kind: TriggerType, interval: str | None) -> None:
    event = replace(DEFINED, type=TriggerType.EVENT, interval=None, rules=(Rule(kind=RuleKind.PAYLOAD),))
    for was in (DEFINED, event):
        found = defining.anew(was, given)
        assert (found.type, found.interval) == (kind, interval)
        assert found.rules == ((Rule(kind=RuleKind.FILE, subject="a"),) if kind is TriggerType.EVENT else ())


def test_rules_of_several_kinds_are_one_kind_of_trigger() -> None:
    given = Given(on_payload=({}, {"a": [1]}), on_pipeline=("x/y",), on_file=("s3://b/*",), on_dataset=("Sales",))
    found = defining.new("e", given)
    assert [(rule.kind, rule.subject, rule.pattern) for rule in found.rules] == [
        (RuleKind.PAYLOAD, "", {}),
        (RuleKind.PAYLOAD, "", {"a": [1]}),
        (RuleKind.PIPELINE, "x/y", {}),
        (RuleKind.FILE, "s3://b/*", {}),
        (RuleKind.DATASET, "sales", {}),
    ]


@pytest.mark.parametrize("given", [{}, {"once": True, "api": True}, {"every": "@daily", "cron": ""}, {"zone": "UTC"}])
def test_a_new_trigger_is_of_one_kind(given: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError, match="Say what begins its runs, by one of --every, --cron"):
        defining.new("x", Given(**given))


def test_a_trigger_is_not_made_two_kinds() -> None:
    with pytest.raises(click.UsageError, match="of one kind"):
        defining.anew(DEFINED, Given(api=True, on_file=("a",)))
