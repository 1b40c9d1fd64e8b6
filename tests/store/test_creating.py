"""A run is made once for each key and once for each fire time, however many ask for it at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from tests.store.conftest import AT, together

from headrace import errors
from headrace.model.pipeline import Pipeline
from headrace.model.run import RunSettings
from headrace.store import Store, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import Key, NewRun

Trigger = Callable[[Pinned, str], int]


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
        reason="asked",
    )


def count(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_run_keeps_what_was_said_for_it(store: Store, new: NewRun, trigger: Trigger, pinned: Pinned) -> None:
    settings = RunSettings(
        timeout=1.5, timeout_status="cancelled", retry_config={"retries": 2}, allow_blocks_to_fail=True
    )
    nightly = trigger(pinned, "nightly")
    said = replace(new, settings=settings, trigger_id=nightly, fire_time=AT)
    created = store.runs.create(said, AT)
    assert created.made
    run = store.runs.get(created.run.id)
    assert run == created.run
    assert (run.settings, run.trigger_id, run.fire_time, run.admitted_at) == (settings, nightly, AT, None)


def test_the_same_key_stands_for_the_same_run(store: Store, new: NewRun, database: Database) -> None:
    keyed = replace(new, key=Key("order-7", "hash-1"))
    first, again = store.runs.create(keyed, AT), store.runs.create(keyed, AT + timedelta(days=1))
    assert (first.made, again.made) == (True, False)
    assert first.run == again.run
    assert (count(database, tables.runs), count(database, tables.block_runs), count(database, tables.events)) == (
        1,
        1,
        1,
    )


def test_a_key_stands_for_one_request(store: Store, new: NewRun, database: Database) -> None:
    store.runs.create(replace(new, key=Key("order-7", "hash-1")), AT)
    with pytest.raises(errors.KeyReused, match="The key order-7 was given to another request"):
        store.runs.create(replace(new, key=Key("order-7", "hash-2")), AT)
    assert count(database, tables.runs) == 1


def test_the_run_of_a_key_is_found_by_it(store: Store, new: NewRun, trigger: Trigger, pinned: Pinned) -> None:
    of = trigger(pinned, "call")
    by_hand, called = (
        store.runs.create(replace(new, key=Key("order-7", "hash-1"), trigger_id=each), AT).run for each in (None, of)
    )
    found = [store.runs.keyed(Key("order-7", "hash-1"), pinned.pipeline_id, each) for each in (None, of)]
    assert found == [by_hand, called]
    assert store.runs.keyed(Key("order-8", "hash-1"), pinned.pipeline_id, None) is None
    with pytest.raises(errors.KeyReused):
        store.runs.keyed(Key("order-7", "hash-2"), pinned.pipeline_id, of)


def test_each_pipeline_and_each_trigger_has_keys_of_its_own(
    store: Store, new: NewRun, trigger: Trigger, pinned: Pinned
) -> None:
    other = store.projects.pin(pinned.project.path, "demo", Pipeline("other"), "v", "s", 1, AT)
    triggers = [trigger(pinned, name) for name in "ab"]
    keyed = replace(new, key=Key("k", "h"))
    elsewhere = replace(keyed, pipeline_id=other.pipeline_id, version_id=other.version_id)
    asked = [keyed, elsewhere, *(replace(keyed, trigger_id=each) for each in triggers)]
    assert [store.runs.create(each, AT).made for each in asked] == [True] * 4
    assert [store.runs.create(each, AT).made for each in asked] == [False] * 4


def test_a_tick_of_a_trigger_is_one_run(store: Store, new: NewRun, trigger: Trigger, pinned: Pinned) -> None:
    nightly, hourly = trigger(pinned, "nightly"), trigger(pinned, "hourly")
    tick = replace(new, trigger_id=nightly, fire_time=AT)
    assert store.runs.create(tick, AT).made
    assert not store.runs.create(tick, AT).made
    assert store.runs.create(replace(tick, trigger_id=hourly), AT).made
    assert store.runs.create(replace(tick, fire_time=AT + timedelta(hours=1)), AT).made
    assert store.runs.create(replace(tick, fire_time=None), AT).made
    assert store.runs.create(replace(tick, fire_time=None), AT).made


@pytest.mark.parametrize("rounds", range(3))
@pytest.mark.parametrize("owner", [None, "one"])
@pytest.mark.parametrize("same", ["key", "tick"])
def test_those_who_ask_at_once_get_the_same_run(
    store: Store, new: NewRun, trigger: Trigger, pinned: Pinned, same: str, owner: str | None, rounds: int
) -> None:
    key, tick = Key("k", "h"), {"trigger_id": trigger(pinned, "nightly"), "fire_time": AT}
    asked = replace(new, key=key) if same == "key" else replace(new, **tick)
    created = together(*[lambda: store.runs.create(asked, AT, owner=owner)] * 4)
    assert sum(each.made for each in created) == 1
    assert len({each.run.id for each in created}) == 1


def test_a_run_that_cannot_be_made_leaves_nothing(store: Store, new: NewRun, database: Database) -> None:
    with pytest.raises(exc.IntegrityError):
        store.runs.create(replace(new, version_id=99, key=Key("k", "h")), AT)
    assert count(database, tables.runs) == count(database, tables.keys) == 0
    assert store.runs.create(replace(new, key=Key("k", "h")), AT).made
