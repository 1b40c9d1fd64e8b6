"""A trigger that is written down, changed, enabled or paused never fires by surprise, and nothing due gets lost by it."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from tests.engine.clockwork import AT, DAY, HOUR, MINUTE, SECOND, Clockwork, breaks
from tests.engine.test_scheduler import MIDNIGHT, NIGHTS, spoil
from tests.store.conftest import together

from headrace import errors, vault
from headrace.model import schedule
from headrace.model.trigger import CatchUp, Definition, Trigger, TriggerSettings
from headrace.store import databases

ANEW = TriggerSettings(create_initial_pipeline_run=True)


def change(works: Clockwork, trigger: Trigger, at: datetime, **given: object) -> Trigger:
    definition = works.again(trigger).definition
    return works.registry.change(trigger.id, replace(definition, **given), at)  # type: ignore[arg-type]


# Editing


def test_an_edit_fires_nothing(works: Clockwork) -> None:
    trigger = works.create()
    change(works, trigger, MIDNIGHT + HOUR - DAY, interval="@hourly")
    change(works, trigger, MIDNIGHT + HOUR - DAY + SECOND, interval="* * * * *", settings=ANEW)
    assert works.runs(trigger) == []


def test_what_was_due_before_an_edit_is_run_as_it_was_defined_before(works: Clockwork) -> None:
    trigger = works.create(variables={"n": 1})
    change(works, trigger, NIGHTS[2] + HOUR, interval="0 5 * * *", variables={"n": 2})
    (run,) = works.runs(trigger)
    assert (run.fire_time, run.variables) == (NIGHTS[2], {"n": 1})
    assert works.gaps(trigger) == [("no_engine", NIGHTS[0], NIGHTS[1], 2)]
    works.look(NIGHTS[2] + 5 * HOUR)
    assert works.fires(trigger) == [NIGHTS[2], NIGHTS[2] + 5 * HOUR]
    assert works.runs(trigger)[1].variables == {"n": 2}


def test_what_was_due_before_an_edit_is_not_lost_after_a_fault(works: Clockwork) -> None:
    trigger = works.create()
    code = (works.folder / "pipelines" / "daily" / "metadata.yaml").read_text()
    breaks(works.folder, "daily")
    works.look(NIGHTS[0])
    assert works.again(trigger).fault
    (works.folder / "pipelines" / "daily" / "metadata.yaml").write_text(code)
    change(works, trigger, NIGHTS[2] + HOUR, description="x")
    assert works.fires(trigger) == [NIGHTS[2]]
    assert works.gaps(trigger)[-1][1:] == (NIGHTS[1], NIGHTS[1], 1)


def test_what_passes_while_a_trigger_is_paused_is_a_gap_whenever_it_is_resumed(works: Clockwork) -> None:
    trigger = works.create("0 * * * *")
    works.registry.change(trigger.id, None, AT + HOUR / 2, active=False)
    works.registry.change(trigger.id, None, AT + 3.5 * HOUR, active=True)
    assert works.gaps(trigger) == [("paused", AT + HOUR, AT + 3 * HOUR, 3)]
    works.look(AT + 4 * HOUR)
    assert works.fires(trigger) == [AT + 4 * HOUR]


INTERVALS = ["@hourly", "@daily", "0 */5 * * *", "30 2 * * *", "*/20 6-9 * * 1-5"]
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_edited_whenever_its_runs_are_the_fire_times_of_what_was_in_force(
    works: Clockwork, seed: int
) -> None:
    dice = random.Random(seed)
    now, settings = AT, TriggerSettings(catch_up=CatchUp.ALL)
    trigger = works.create("@daily", now, settings=settings)
    expected = list[datetime]()
    for _ in range(25):
        definition = works.again(trigger).definition
        until = now + dice.random() * 2 * DAY
        expected += schedule.of(definition).within(now, until)
        for looks in sorted(dice.random() for _ in range(dice.randrange(3))):
            works.look(now + looks * (until - now))
        now = until
        change(works, trigger, now, interval=dice.choice(INTERVALS), zone=dice.choice(ZONES), settings=ANEW_ALL)
    assert works.fires(trigger) == expected
    assert works.gaps(trigger) == []


ANEW_ALL = TriggerSettings(create_initial_pipeline_run=True, catch_up=CatchUp.ALL)


def test_a_change_that_cannot_be_is_none(works: Clockwork) -> None:
    trigger, other = works.create(), works.create(name="other")
    for wrong, error in (({"interval": "0 0 30 2 *"}, errors.BadSchedule), ({"name": "other"}, errors.TriggerExists)):
        with pytest.raises(error):
            change(works, trigger, AT + HOUR, **wrong)
    assert works.again(trigger) == trigger
    assert works.again(other) == other
    with pytest.raises(errors.TriggerNotFound):
        works.registry.change(99, None, AT, active=False)


def test_those_who_change_it_at_once_all_do_so_one_after_the_other(works: Clockwork) -> None:
    trigger = works.create()
    deeds: list[Callable[[], Trigger]] = [
        lambda n=n: change(works, trigger, AT + n * SECOND, description=f"{n}") for n in range(1, 4)
    ]
    together(*deeds)
    assert works.again(trigger).definition.description in ("1", "2", "3")


# Enabling and pausing


def test_enabling_begins_with_what_comes(works: Clockwork) -> None:
    trigger = works.create(active=False)
    assert (trigger.considered, trigger.due_at, trigger.last_enabled_at) == (None, None, None)
    works.look(NIGHTS[2])
    enabled = works.registry.change(trigger.id, None, NIGHTS[2] + HOUR, active=True)
    assert (enabled.active, enabled.due_at, enabled.last_enabled_at) == (True, NIGHTS[3], NIGHTS[2] + HOUR)
    assert (works.runs(trigger), works.gaps(trigger)) == ([], []), "nobody has wanted what came before"


@pytest.mark.parametrize("first", [True, False])
def test_the_period_that_has_begun_is_run_where_that_is_asked_for(works: Clockwork, first: bool) -> None:
    trigger = works.create(settings=ANEW, active=first, variables={"n": 1})
    if not first:
        assert works.runs(trigger) == []
        works.registry.change(trigger.id, None, AT, active=True)
    (run,) = works.runs(trigger)
    assert (run.fire_time, run.execution_date, run.variables) == (MIDNIGHT - DAY, MIDNIGHT - DAY, {"n": 1})
    works.registry.change(trigger.id, None, AT + SECOND, active=False)
    works.registry.change(trigger.id, None, AT + MINUTE, active=True)
    assert len(works.runs(trigger)) == 1, "that period has its run"
    works.look(MIDNIGHT)
    assert works.fires(trigger) == [MIDNIGHT - DAY, MIDNIGHT]


def test_what_cannot_be_run_at_once_is_not_enabled(works: Clockwork) -> None:
    pipeline = works.pipeline()
    paused = works.create(active=False, settings=ANEW)
    breaks(works.folder, "daily")
    with pytest.raises(errors.BadInput):
        works.create(name="other", pipeline=pipeline, settings=ANEW)
    assert works.store.triggers.find(pipeline, "other") is None
    with pytest.raises(errors.BadInput):
        works.registry.change(paused.id, None, AT, active=True)
    assert works.again(paused) == paused


def test_enabling_what_is_active_and_pausing_what_is_paused_fires_nothing(works: Clockwork) -> None:
    trigger = works.create(settings=ANEW)
    for n in range(3):
        works.registry.change(trigger.id, None, AT + n * HOUR, active=True)
    assert len(works.runs(trigger)) == 1
    for n in range(3, 6):
        works.registry.change(trigger.id, None, AT + n * HOUR, active=False)
    assert works.again(trigger).last_enabled_at == AT


def test_one_that_cannot_be_read_is_not_paused_into_another(works: Clockwork, home: object) -> None:
    trigger = works.create(variables={"n": 1})
    spoil(home, f"UPDATE triggers SET settings = '{{' WHERE id = {trigger.id}")  # type: ignore[arg-type]
    with pytest.raises(errors.RowUnreadable, match="settings"):
        works.registry.change(trigger.id, None, AT + HOUR, active=False)
    database = databases.open(home, None)  # type: ignore[arg-type]
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT variables FROM triggers")) == '{"n":1}', "what is good of it stays"
    database.close()
    mended = works.registry.change(trigger.id, trigger.definition, AT + HOUR)
    assert (mended.definition, mended.fault) == (trigger.definition, None)


# Tokens


def test_a_token_is_shown_again_and_rotated(works: Clockwork) -> None:
    trigger, other = works.create(None), works.create(None, name="other")
    first = works.registry.token(trigger.id)
    assert len(first) == 32
    assert first == works.registry.token(trigger.id) != works.registry.token(other.id)
    second = vault.new_token()
    works.registry.accept(trigger.id, second, AT + HOUR)
    assert works.registry.token(trigger.id) == second != first
    kept = works.store.triggers.token(trigger.id)
    assert second not in kept.sealed + kept.hash, "the database alone does not tell it"


def test_a_token_that_comes_with_a_file_is_the_trigger_s(works: Clockwork) -> None:
    definition = Definition(name="called", type=works.create(None).definition.type)
    trigger = works.registry.create(works.pipeline(), definition, AT, active=True, token="from the file")
    assert works.registry.token(trigger.id) == "from the file"
    before = works.again(trigger)
    works.registry.accept(trigger.id, "from the file", AT + HOUR)
    assert works.again(trigger) == before, "nothing is written for what is so already"
    works.registry.accept(trigger.id, "another", AT + HOUR)
    assert works.registry.token(trigger.id) == "another"
    with pytest.raises(errors.TriggerNotFound):
        works.registry.accept(99, "x", AT)
