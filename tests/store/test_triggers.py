"""Triggers are kept as they were written, changed by whoever has seen them last, and paused with the runs that wait."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, PIPELINE, TOKEN, limits_of, together

from headrace import errors, identity
from headrace.model.limits import Limits
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import Run, RunStatus
from headrace.model.trigger import CatchUp, Definition, Trigger, TriggerSettings, TriggerType
from headrace.store import Store
from headrace.store.database import Database
from headrace.store.limits import Use
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.triggers import Sealed, Standing

NEVER = Standing(None, None)
LATER = AT + timedelta(minutes=1)
NIGHTLY = Definition(name="nightly", type=TriggerType.TIME, interval="@daily")
CALLED = Definition(name="called", type=TriggerType.API)

Make = Callable[..., Trigger]
Live = Callable[..., None]


@pytest.fixture
def make(store: Store, pinned: Pinned) -> Make:
    """Makes a trigger of a pipeline, active unless it is said not to be."""

    def made(definition: Definition, pins: Pinned = pinned, *, active: bool = True, **more: Any) -> Trigger:
        standing = more.pop("standing", NEVER)
        return store.triggers.create(pins.pipeline_id, definition, TOKEN, standing, AT, active=active, **more)

    return made


@pytest.fixture
def new(pinned: Pinned) -> NewRun:
    return NewRun(
        pipeline_id=pinned.pipeline_id,
        version_id=pinned.version_id,
        snapshot_id=pinned.snapshot_id,
        blocks={"a": None},
        variables={},
        selection={},
        execution_date=AT,
        reason="by its schedule",
    )


def change(store: Store, seen: Trigger, definition: Definition | None = None, **more: Any) -> Trigger | None:
    active, at = more.pop("active", seen.active), more.pop("at", LATER)
    standing = Standing(seen.considered, seen.due_at)
    return store.triggers.change(seen, definition or seen.definition, standing, at, active=active, **more)


def put(database: Database, what: str, **values: Any) -> None:
    """Writes into a row what nobody would."""
    with database.write() as connection:
        connection.execute(sa.text(what), values)


def claimed(store: Store, live: Live, room: int = 9) -> list[int]:
    """The runs that a new engine takes."""
    live(name := identity.new())
    return sorted(store.runs.claim(name, room, AT, own=False).taken)


# As it was written


def test_what_was_written_is_what_is_read(store: Store, make: Make) -> None:
    written = Definition(
        name="nightly Ω",
        type=TriggerType.TIME,
        interval="15 2 * * *",
        zone="Europe/Paris",
        start_time=AT,
        description="loads",
        variables={"n": 1, "deep": {"list": [1, None, "x"]}},
        sla=60,
        settings=TriggerSettings(
            skip_if_previous_running=True,
            allow_blocks_to_fail=True,
            create_initial_pipeline_run=True,
            landing_time_enabled=True,
            pipeline_run_limit=2,
            timeout=1.5,
            timeout_status="cancelled",
            retry_config={"retries": 2},
            catch_up=CatchUp.ALL,
            extra={"other": [1]},
        ),
        tags=("a", "b"),
    )
    made = make(written, standing=Standing(AT, LATER), in_code=True)
    assert made.definition == written
    assert (made.active, made.last_enabled_at, made.considered, made.due_at) == (True, AT, AT, LATER)
    assert (made.in_code, made.fault, made.created_at, made.updated_at) == (True, None, AT, AT)
    assert store.triggers.get(made.id) == store.triggers.get(made.uid) == made
    assert store.triggers.find(made.pipeline_id, "nightly Ω") == made
    (listed,) = store.triggers.list()
    assert (listed.trigger, listed.project, listed.pipeline) == (made, "demo", "daily")


def test_rules_are_kept_in_their_order_and_replaced_as_a_whole(store: Store, make: Make) -> None:
    rules = (
        Rule(kind=RuleKind.FILE, subject="s3://bucket/*.csv", every=7.5, settle=0.5),
        Rule(kind=RuleKind.PAYLOAD, pattern={"type": ["a"], "deep": {"n": 1}}),
        Rule(kind=RuleKind.DATASET, subject="sales"),
    )
    made = make(Definition(name="seen", type=TriggerType.EVENT, rules=rules))
    assert made.definition.rules == store.triggers.get(made.id).definition.rules == rules
    changed = change(store, made, replace(made.definition, rules=rules[1:]))
    assert changed
    assert changed.definition.rules == store.triggers.get(made.id).definition.rules == rules[1:]


def test_a_trigger_that_was_never_enabled_says_so(make: Make) -> None:
    assert make(NIGHTLY, active=False).last_enabled_at is None


def test_there_is_no_other(store: Store, make: Make) -> None:
    made = make(NIGHTLY)
    for other in (made.id + 1, "no uid"):
        with pytest.raises(errors.TriggerNotFound, match=f"no trigger {other}"):
            store.triggers.get(other)
    assert store.triggers.find(made.pipeline_id, "Nightly") is None
    assert store.triggers.find(made.pipeline_id + 1, "nightly") is None


def test_a_list_is_of_what_was_asked_for(store: Store, make: Make) -> None:
    hourly = store.projects.pin(Path("/projects/demo"), "demo", replace(PIPELINE, name="hourly"), "v", "s", 1, AT)
    other = store.projects.pin(Path("/projects/other"), "other", PIPELINE, "v", "s", 1, AT)
    first, second, third = make(NIGHTLY), make(NIGHTLY, hourly), make(NIGHTLY, other)
    make(Definition(name="Backfill x", type=TriggerType.BACKFILL))

    def listed(**asked: Any) -> list[int]:
        return [each.trigger.id for each in store.triggers.list(**asked)]

    assert listed() == [first.id, second.id, third.id]
    assert listed(project="other") == [third.id]
    assert listed(pipeline="daily") == [first.id, third.id]
    assert listed(project="demo", pipeline="hourly", name="nightly") == [second.id]
    assert listed(name="other") == []
    assert listed(limit=1, after=first.id) == [second.id]
    assert [each.trigger.id for each in store.triggers.of_project(other.project.id)] == [third.id]


# Names


def test_a_name_is_of_one_trigger_of_a_pipeline(store: Store, make: Make, pinned: Pinned) -> None:
    make(NIGHTLY)
    with pytest.raises(errors.TriggerExists, match="pipeline daily has a trigger nightly"):
        make(NIGHTLY)
    make(NIGHTLY, store.projects.pin(Path("/p"), "demo", replace(PIPELINE, name="other"), "v", "s", 1, AT))
    assert len(store.triggers.list()) == 2


def test_of_those_who_create_it_at_once_one_does(store: Store, make: Make) -> None:
    def create() -> bool:
        try:
            return bool(make(NIGHTLY))
        except errors.TriggerExists:
            return False

    assert sorted(together(*[create] * 4)) == [False, False, False, True]


def test_a_name_that_is_taken_changes_nothing(store: Store, make: Make) -> None:
    make(NIGHTLY)
    called = make(CALLED)
    with pytest.raises(errors.TriggerExists):
        change(store, called, replace(CALLED, name="nightly", description="other"))
    assert store.triggers.get(called.id) == called


def test_the_name_of_a_deleted_one_is_free_again(store: Store, make: Make) -> None:
    first = make(NIGHTLY)
    assert store.triggers.delete(first.id, LATER)
    second = make(NIGHTLY)
    assert second.id != first.id
    assert store.triggers.find(first.pipeline_id, "nightly") == second
    assert [each.trigger.id for each in store.triggers.list()] == [second.id]
    assert (store.triggers.exists(first.id), store.triggers.exists(second.id)) == (False, True)


# Changed


def test_a_change_is_of_what_was_seen(store: Store, make: Make) -> None:
    seen = make(NIGHTLY)
    changed = change(store, seen, replace(NIGHTLY, interval="@hourly", description="x"), in_code=True)
    assert changed == store.triggers.get(seen.id)
    assert changed
    assert (changed.definition.interval, changed.in_code, changed.updated_at) == ("@hourly", True, LATER)
    again = LATER + timedelta(minutes=1)
    assert change(store, seen, replace(NIGHTLY, interval="@weekly"), active=False, at=again) is None
    assert store.triggers.get(seen.id) == changed, "nothing was changed by who had not seen the change"


@pytest.mark.parametrize("rounds", range(3))
def test_of_those_who_change_it_at_once_one_does(store: Store, make: Make, rounds: int) -> None:
    seen = make(NIGHTLY)
    others = [replace(NIGHTLY, description=f"{n}") for n in range(4)]
    changed = [
        each
        for each in together(
            *(
                lambda n=n, other=other: change(store, seen, other, at=LATER + timedelta(seconds=n))
                for n, other in enumerate(others)
            )
        )
        if each
    ]
    assert changed == [store.triggers.get(seen.id)]


def test_when_it_was_enabled_is_when_it_was_enabled_last(store: Store, make: Make) -> None:
    seen = make(NIGHTLY)
    edited = change(store, seen, replace(NIGHTLY, description="x"))
    assert edited
    assert edited.last_enabled_at == AT
    paused = change(store, edited, active=False, at=LATER + timedelta(hours=1))
    assert paused
    assert (paused.active, paused.last_enabled_at) == (False, AT)
    resumed = change(store, paused, active=True, at=LATER + timedelta(hours=2))
    assert resumed
    assert (resumed.active, resumed.last_enabled_at) == (True, LATER + timedelta(hours=2))


def test_a_change_takes_a_fault_away(store: Store, make: Make) -> None:
    seen = make(NIGHTLY)
    store.triggers.lay_aside(seen.id, "broken")
    broken = store.triggers.get(seen.id)
    assert (broken.fault, broken.due_at) == ("broken", None)
    mended = change(store, broken)
    assert mended
    assert mended.fault is None


def test_what_is_begun_at_once_is_there_with_the_trigger(store: Store, make: Make, new: NewRun) -> None:
    begins = [replace(new, fire_time=AT)]
    made = make(NIGHTLY, begins=begins)
    (run,) = [each.run for each in newest(store, 9)]
    assert (run.trigger_id, run.fire_time, run.held) == (made.id, AT, False)
    assert change(store, made, begins=begins)
    assert len(newest(store, 9)) == 1, "a fire time has one run"


def test_a_trigger_whose_first_run_cannot_be_made_is_not_there(
    store: Store, make: Make, new: NewRun, pinned: Pinned
) -> None:
    with pytest.raises(errors.TriggerExists):  # the database says no to the whole of it
        make(NIGHTLY, begins=[replace(new, version_id=99)])
    assert store.triggers.list() == []


# Paused


def test_the_runs_of_a_paused_trigger_wait_until_it_is_resumed(
    store: Store, make: Make, create: Callable[..., Run], live: Live
) -> None:
    called, nightly = make(CALLED), make(NIGHTLY)
    before, other, by_hand = create(trigger_id=called.id), create(trigger_id=nightly.id), create()
    paused = change(store, called, active=False)
    assert paused
    meanwhile = create(trigger_id=called.id)
    assert [store.runs.get(run.id).held for run in (before, meanwhile, other, by_hand)] == [True, True, False, False]
    assert claimed(store, live) == [other.id, by_hand.id]
    assert change(store, paused, active=True, at=LATER + timedelta(minutes=1))
    assert not store.runs.get(before.id).held
    assert claimed(store, live) == [before.id, meanwhile.id]


def test_what_was_admitted_before_goes_on(store: Store, make: Make, create: Callable[..., Run], live: Live) -> None:
    called = make(CALLED)
    run = create(trigger_id=called.id)
    assert claimed(store, live) == [run.id]
    assert change(store, called, active=False)
    assert not store.runs.get(run.id).held
    owner = store.runs.get(run.id).owner
    assert owner
    store.engines.bury(owner)
    assert claimed(store, live) == [run.id], "another engine goes on with it"


def test_a_held_run_can_be_cancelled(store: Store, make: Make, create: Callable[..., Run], live: Live) -> None:
    run = create(trigger_id=make(CALLED, active=False).id)
    assert run.held
    assert claimed(store, live) == []
    assert store.runs.request_cancel(run.id, LATER)
    assert claimed(store, live) == [run.id]


# Deleted


def test_a_deleted_trigger_begins_nothing_more(
    store: Store, make: Make, create: Callable[..., Run], live: Live
) -> None:
    made = make(replace(NIGHTLY, settings=TriggerSettings(pipeline_run_limit=9)), standing=Standing(AT, AT))
    run = create(trigger_id=made.id)
    live("engine-1")
    assert store.runs.claim_one(run.id, "engine-1", 0, AT)
    ended = create(trigger_id=made.id)
    assert store.runs.close(ended.id, None, RunStatus.COMPLETED, "x", AT)
    waiting = create(trigger_id=made.id)
    assert [store.triggers.delete(made.id, LATER) for _ in range(2)] == [True, False]
    gone = store.triggers.get(made.id)
    assert (gone.active, gone.due_at, store.triggers.due(LATER, 9)) == (False, None, [])
    asked = [store.runs.get(each.id).cancel_requested_at for each in (run, ended, waiting)]
    assert asked == [LATER, None, LATER], "what had not started is cancelled"
    with pytest.raises(errors.TriggerNotFound):
        create(trigger_id=made.id)
    with pytest.raises(errors.TriggerNotFound):
        store.triggers.token(made.id)
    assert change(store, gone, NIGHTLY) is None
    assert limits_of(store, made.pipeline_id, made.id).trigger is None


# Tokens


def test_a_token_is_that_from_now_on(store: Store, make: Make) -> None:
    made = make(CALLED)
    assert store.triggers.token(made.id) == TOKEN
    store.triggers.rotate(made.id, Sealed("sealed anew", "another hash"), LATER)
    assert store.triggers.token(made.id) == Sealed("sealed anew", "another hash")


# Its own limit


def test_a_trigger_s_own_limit_stands_in_place_of_the_pipeline_s(
    store: Store, make: Make, create: Callable[..., Run], live: Live
) -> None:
    pins = store.projects.pin(
        Path("/projects/demo"), "demo", replace(PIPELINE, limits=Limits(trigger_runs=1)), "v", "s", 1, AT
    )
    wide = make(replace(NIGHTLY, settings=TriggerSettings(pipeline_run_limit=2)), pins)
    called = make(CALLED, pins)
    of_wide = [create(pins=pins, trigger_id=wide.id).id for _ in range(4)]
    of_called = [create(pins=pins, trigger_id=called.id).id for _ in range(3)]
    by_hand = [create(pins=pins).id for _ in range(2)]
    assert claimed(store, live) == [*of_wide[:2], of_called[0], by_hand[0]]
    assert claimed(store, live) == []
    assert store.limits.used(of_wide[2]) == [Use("trigger_runs", "", 2, 2, (of_wide[0], of_wide[1]))]
    assert store.limits.used(of_called[1]) == [Use("trigger_runs", "", 1, 1, (of_called[0],))]
    wider = replace(wide.definition, settings=TriggerSettings(pipeline_run_limit=3))
    changed = change(store, wide, wider)
    assert changed
    assert claimed(store, live) == [of_wide[2]]
    assert change(store, changed, NIGHTLY, at=LATER + timedelta(hours=1))
    assert store.limits.used(of_wide[3])[0].cap == 1, "what the pipeline says holds again"


def test_a_trigger_s_own_limit_holds_where_the_pipeline_has_none(
    store: Store, make: Make, create: Callable[..., Run], live: Live, pinned: Pinned
) -> None:
    narrow = make(replace(NIGHTLY, settings=TriggerSettings(pipeline_run_limit=1)))
    runs = [create(trigger_id=narrow.id).id for _ in range(3)]
    others = [create().id for _ in range(3)]
    assert claimed(store, live) == [runs[0], *others]
    assert store.runs.close(runs[0], None, RunStatus.FAILED, "x", AT)
    assert claimed(store, live) == [runs[1]]


def test_what_the_pipeline_says_of_skipping_holds_for_a_trigger_s_own_limit(
    store: Store, make: Make, create: Callable[..., Run], live: Live
) -> None:
    narrow = replace(NIGHTLY, settings=TriggerSettings(pipeline_run_limit=1))
    skips = replace(PIPELINE, limits=Limits(pipeline_runs=9, skip=True))
    pins = store.projects.pin(Path("/projects/demo"), "demo", skips, "v", "s", 1, AT)
    trigger = make(narrow, pins).id
    first, second = (create(pins=pins, trigger_id=trigger) for _ in range(2))
    live("engine-1")
    claims = store.runs.claim("engine-1", 9, AT, own=False)
    assert (claims.taken, claims.refused) == ([first.id, second.id], [second.id])


# What cannot be read

POISON = ["settings", "variables", "tags"]


@pytest.mark.parametrize("column", POISON)
@pytest.mark.parametrize("written", ["{", '"text"'])
def test_a_list_shows_what_it_can_of_one_that_cannot_be_read(
    store: Store, database: Database, make: Make, column: str, written: str
) -> None:
    bad, good = make(NIGHTLY, standing=Standing(AT, AT)), make(CALLED)
    put(database, f"UPDATE triggers SET {column} = :written WHERE id = :id", written=written, id=bad.id)
    seen, beside = (each.trigger for each in store.triggers.list())
    assert (seen.id, seen.definition.name, seen.definition.interval) == (bad.id, "nightly", "@daily")
    assert seen.fault
    assert seen.fault.startswith(f"The trigger {bad.id} cannot be read: ")
    assert beside == good
    assert store.triggers.find(bad.pipeline_id, "nightly") == seen
    assert store.triggers.get(bad.id, bare=True) == seen
    with pytest.raises(errors.RowUnreadable, match=f"trigger {bad.id}"):
        store.triggers.get(bad.id)


def test_a_rule_that_cannot_be_read_hides_no_trigger(store: Store, database: Database, make: Make) -> None:
    rules = (Rule(kind=RuleKind.DATASET, subject="sales"),)
    bad, good = make(Definition(name="seen", type=TriggerType.EVENT, rules=rules)), make(CALLED)
    put(database, "UPDATE rules SET pattern = '{'")
    seen, beside = (each.trigger for each in store.triggers.list())
    assert (seen.id, seen.definition.rules) == (bad.id, ())
    assert seen.fault
    assert "rule" in seen.fault
    assert beside == good


def test_one_that_cannot_be_read_is_mended_by_what_it_is_defined_as_anew(
    store: Store, database: Database, make: Make
) -> None:
    bad = make(NIGHTLY)
    put(database, "UPDATE triggers SET settings = '{'")
    seen = store.triggers.get(bad.id, bare=True)
    assert change(store, seen, NIGHTLY)
    assert store.triggers.get(bad.id).definition == NIGHTLY
