"""Orphans are claimed once, in order, as far as there is room and the limits allow, whatever else is in the table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, together

from headrace.model import transitions
from headrace.model.limits import Limits
from headrace.model.pipeline import Pipeline
from headrace.model.run import Run, RunStatus
from headrace.store import Store, tables
from headrace.store.changes import RunMoved
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import Claims

Create = Callable[..., Run]
Live = Callable[..., None]


def pin(store: Store, name: str = "limited", **limits: object) -> Pinned:
    pipeline = Pipeline(name, limits=Limits(**limits))  # type: ignore[arg-type]
    return store.projects.pin(Path("/projects/demo"), "demo", pipeline, "v", "s", 1, AT)


def claim(store: Store, owner: str = "one", room: int = 99, *, own: bool = False) -> Claims:
    return store.runs.claim(owner, room, AT, own=own)


def end(store: Store, run_id: int) -> None:
    run = store.runs.get(run_id)
    store.runs.write({run.id: run.epoch}, [RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x"))])


def start(store: Store, run_id: int) -> None:
    run = store.runs.get(run_id)
    store.runs.write({run.id: run.epoch}, [RunMoved(run, transitions.start_run(AT))])


def test_an_orphan_is_claimed_under_the_next_epoch_and_admitted(store: Store, create: Create, live: Live) -> None:
    run = create()
    live("one")
    assert claim(store) == Claims(taken=[run.id])
    assert store.runs.get(run.id) == replace(run, owner="one", epoch=1, admitted_at=AT)
    assert claim(store) == Claims()
    assert store.runs.owned("one") == {run.id: AT}


def test_runs_of_an_engine_that_lives_are_its_own(store: Store, create: Create, live: Live) -> None:
    create()
    live("one"), live("two")
    claim(store, "one")
    assert claim(store, "two") == Claims()


@pytest.mark.parametrize("begun", [True, False])
def test_runs_of_an_engine_that_was_buried_are_orphans(store: Store, create: Create, live: Live, begun: bool) -> None:
    run = create()
    live("one"), live("two")
    claim(store, "one")
    if begun:
        start(store, run.id)
    store.engines.bury("one")
    assert claim(store, "two") == Claims(taken=[run.id])
    kept = store.runs.get(run.id)
    assert (kept.owner, kept.epoch, kept.admitted_at) == ("two", 2, AT)


def test_an_engine_that_was_buried_claims_nothing(store: Store, create: Create, live: Live) -> None:
    run = create()
    live("one")
    store.engines.bury("one")
    assert claim(store, "one") == Claims()
    assert not store.runs.claim_one(run.id, "one", 0, AT)
    assert store.runs.get(run.id) == run


def test_final_runs_are_nobody_s(store: Store, create: Create, live: Live) -> None:
    run = create()
    live("one"), live("two")
    claim(store)
    end(store, run.id)
    store.engines.bury("one")
    assert claim(store, "two") == Claims()
    assert store.runs.owned("one") == {}


def test_no_more_are_taken_than_there_is_room_for(store: Store, create: Create, live: Live) -> None:
    runs = [create().id for _ in range(5)]
    live("one")
    assert claim(store, room=0) == Claims()
    assert claim(store, room=2).taken == runs[:2]
    assert claim(store, room=9).taken == runs[2:]


def test_what_was_begun_is_taken_though_there_is_no_room(store: Store, create: Create, live: Live) -> None:
    """Others may wait for the places that it holds."""
    begun, _ = create().id, create()
    live("dead"), live("one")
    assert store.runs.claim_one(begun, "dead", 0, AT)
    start(store, begun)
    assert claim(store, room=0).taken == []
    store.engines.bury("dead")
    assert claim(store, room=0).taken == [begun]


def test_what_was_begun_and_what_is_to_be_cancelled_comes_first_then_the_earliest_dates(
    store: Store, create: Create, live: Live
) -> None:
    late, early, begun, asked = (create(at=AT + timedelta(days=day)).id for day in (2, 1, 4, 3))
    live("dead"), live("one")
    for run_id in (begun,):
        assert store.runs.claim_one(run_id, "dead", 0, AT)
        start(store, run_id)
    store.engines.bury("dead")
    store.runs.request_cancel(asked, AT)
    taken = [claim(store, room=1).taken for _ in range(3)]
    assert taken == [[asked, begun], [early], [late]]
    assert store.runs.get(asked).admitted_at is None, "it will not begin"


def test_an_engine_of_its_own_runs_takes_no_orphans(store: Store, create: Create, live: Live) -> None:
    create()
    live("one")
    assert claim(store, own=True) == Claims()


def test_one_orphan_is_taken_by_hand(store: Store, create: Create, live: Live) -> None:
    run, other = create(), create()
    live("one"), live("two")
    assert store.runs.claim_one(run.id, "one", 0, AT)
    assert store.runs.get(run.id) == replace(run, owner="one", epoch=1, admitted_at=AT)
    assert not store.runs.claim_one(run.id, "two", 1, AT), "its engine lives"
    assert not store.runs.claim_one(other.id, "two", 1, AT), "it was never seen at that epoch"
    store.engines.bury("one")
    assert store.runs.claim_one(run.id, "two", 1, AT)


@pytest.mark.parametrize("rounds", range(3))
def test_engines_that_claim_at_once_share_the_runs_and_none_has_two_owners(
    store: Store, create: Create, live: Live, rounds: int
) -> None:
    runs = [create().id for _ in range(12)]
    names = [f"engine-{n}" for n in range(4)]
    for name in names:
        live(name)
    found = together(*(lambda name=name: claim(store, name, room=5).taken for name in names))
    taken = [run_id for of_one in found for run_id in of_one]
    assert len(taken) == len(set(taken)), "a run was taken twice"
    for name, of_one in zip(names, found, strict=True):
        assert list(store.runs.owned(name)) == sorted(of_one)
    while len(taken) < len(runs):
        taken += claim(store, names[0], room=5).taken
    assert sorted(taken) == runs
    assert {store.runs.get(run_id).epoch for run_id in runs} == {1}


def test_of_those_who_take_one_by_hand_at_once_one_wins(store: Store, create: Create, live: Live) -> None:
    run = create()
    names = [f"engine-{n}" for n in range(4)]
    for name in names:
        live(name)
    won = together(*(lambda name=name: store.runs.claim_one(run.id, name, 0, AT) for name in names))
    assert sum(won) == 1
    assert store.runs.get(run.id).owner == names[won.index(True)]


def test_a_row_that_cannot_be_decoded_hinders_no_other(
    store: Store, create: Create, live: Live, database: Database
) -> None:
    bad, good = create(), create()
    with database.write() as connection:
        broken = sa.update(tables.runs).where(tables.runs.c.id == bad.id)
        connection.execute(broken.values({name: sa.literal("{no", sa.Text) for name in ("variables", "settings")}))
    live("one")
    assert claim(store).taken == [bad.id, good.id]


def test_a_limit_of_the_pipeline_is_kept_and_the_others_wait_their_turn(
    store: Store, create: Create, live: Live
) -> None:
    limited, free = pin(store, pipeline_runs=2), pin(store, "free")
    waiting = [create(pins=limited, at=AT + timedelta(days=-day)).id for day in range(4)][::-1]  # the last comes first
    others = [create(pins=free, at=AT + timedelta(days=1)).id for _ in range(3)]
    live("one")
    assert claim(store, room=3).taken == [*waiting[:2], others[0]], "who waits for a limit holds up nobody else"
    assert claim(store, room=3).taken == others[1:]
    end(store, waiting[0])
    assert claim(store).taken == waiting[2:3]
    assert store.runs.get(waiting[3]).owner is None


def test_a_run_of_an_engine_s_own_waits_there_until_it_is_admitted(store: Store, create: Create, live: Live) -> None:
    limited = pin(store, pipeline_runs=1)
    live("one"), live("two")
    first = create(pins=limited, owner="one")
    second = create(pins=limited, owner="two")
    assert (first.admitted_at, first.epoch, first.owner) == (AT, 1, "one")
    assert (second.admitted_at, second.epoch, second.owner) == (None, 1, "two")
    assert claim(store, "two", room=0, own=True) == Claims()
    end(store, first.id)
    assert claim(store, "two", room=0, own=True) == Claims(admitted={second.id: AT})
    assert store.runs.get(second.id) == replace(second, admitted_at=AT)


def test_own_runs_and_orphans_are_admitted_in_one_order(store: Store, create: Create, live: Live) -> None:
    limited = pin(store, pipeline_runs=1)
    live("one")
    first = create(pins=limited, owner="one")
    own = create(pins=limited, owner="one", at=AT + timedelta(days=2))
    orphan = create(pins=limited, at=AT + timedelta(days=1))
    end(store, first.id)
    assert claim(store) == Claims(taken=[orphan.id])
    end(store, orphan.id)
    assert claim(store) == Claims(admitted={own.id: AT})


def test_each_trigger_has_its_own_places_and_a_hand_is_as_one_trigger(
    store: Store, create: Create, live: Live, trigger: Callable[..., int]
) -> None:
    limited = pin(store, trigger_runs=1)
    nightly, hourly = trigger(limited, "nightly"), trigger(limited, "hourly")
    by_trigger = {
        each: [create(pins=limited, trigger_id=each).id for _ in range(2)] for each in (nightly, None, hourly)
    }
    live("one")
    firsts = [runs[0] for runs in by_trigger.values()]
    assert claim(store).taken == firsts
    end(store, by_trigger[hourly][0])
    assert claim(store).taken == [by_trigger[hourly][1]]
    end(store, by_trigger[None][0])
    assert claim(store).taken == [by_trigger[None][1]]


def test_both_limits_hold_at_once(store: Store, create: Create, live: Live, trigger: Callable[..., int]) -> None:
    limited = pin(store, pipeline_runs=2, trigger_runs=1)
    triggers = [trigger(limited, name) for name in "abc"]
    runs = [create(pins=limited, trigger_id=each).id for each in (triggers[0], *triggers)]
    live("one")
    assert claim(store).taken == [runs[0], runs[2]]


def test_where_the_policy_is_to_skip_a_run_without_a_place_is_refused(store: Store, create: Create, live: Live) -> None:
    limited = pin(store, pipeline_runs=1, skip=True)
    live("one"), live("two")
    first, *others = [create(pins=limited, at=AT + timedelta(days=day)).id for day in (0, 1, 3)]
    own = create(pins=limited, owner="two", at=AT + timedelta(days=2)).id  # there was a place
    assert claim(store, "one", room=2) == Claims(taken=[first, others[0]], refused=[first, others[0]])
    end(store, own)
    waits = create(pins=limited, owner="one", at=AT + timedelta(days=4))
    blocked = create(pins=limited, owner="one", at=AT + timedelta(days=5))
    assert (waits.admitted_at, blocked.admitted_at) == (AT, None)
    refused = sorted([first, others[0], others[1], blocked.id])
    assert claim(store, "one") == Claims(taken=[others[1]], refused=refused)
    assert [store.runs.get(run_id).owner for run_id in refused] == ["one"] * 4
    assert [store.runs.get(run_id).admitted_at for run_id in refused] == [None] * 4


def test_many_that_wait_in_front_hold_up_none_behind(store: Store, create: Create, live: Live) -> None:
    tight, loose = pin(store, "tight", pipeline_runs=1), pin(store, "loose", pipeline_runs=3)
    waiting = [create(pins=tight).id for _ in range(9)]
    others = [create(pins=loose, at=AT + timedelta(days=1)).id for _ in range(4)]
    live("one")
    assert claim(store, room=4).taken == [waiting[0], *others[:3]]


def test_what_the_limits_count_survives_the_engine(store: Store, create: Create, live: Live) -> None:
    limited = pin(store, pipeline_runs=1)
    first, second = create(pins=limited).id, create(pins=limited).id
    live("one"), live("two")
    claim(store, "one")
    store.engines.bury("one")
    assert claim(store, "two").taken == [first], "it counts already, and needs no second place"
    assert claim(store, "two") == Claims()
    end(store, first)
    assert claim(store, "two").taken == [second]


@pytest.mark.parametrize("rounds", range(3))
def test_limits_of_runs_hold_at_every_instant_however_many_claim(
    store: Store, create: Create, live: Live, database: Database, rounds: int
) -> None:
    """Four engines claim, end and claim again; the events of the database itself say how many ran at once."""
    limited = pin(store, pipeline_runs=3)
    runs = [create(pins=limited).id for _ in range(24)]
    names = [f"engine-{n}" for n in range(4)]
    for name in names:
        live(name)

    def work(name: str) -> int:
        most = 0
        while not all_final(store, runs):
            for run_id in claim(store, name, room=2).taken:
                with database.read() as connection:
                    most = max(most, connection.scalar(COUNTED))
                end(store, run_id)
        return most

    assert max(together(*(lambda name=name: work(name) for name in names))) <= 3


COUNTED = (
    sa.select(sa.func.count())
    .select_from(tables.runs)
    .where(tables.runs.c.admitted_at.is_not(None), tables.runs.c.ended_at.is_(None))
)


def all_final(store: Store, runs: list[int]) -> bool:
    return all(listed.run.ended_at for listed in newest(store, len(runs)))


def test_engines_that_make_runs_of_their_own_at_once_keep_the_limit(store: Store, create: Create, live: Live) -> None:
    limited = pin(store, pipeline_runs=2)
    names = [f"engine-{n}" for n in range(5)]
    for name in names:
        live(name)
    made = together(*(lambda name=name: create(pins=limited, owner=name) for name in names))
    assert sum(run.admitted_at is not None for run in made) == 2
