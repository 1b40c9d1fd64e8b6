"""The heart, and an engine put together: leases are extended only by beats that landed; the deposed begin anew."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.between import Gated, Trouble
from tests.engine.parts import AT, Shelf, makers, new_run, pin, project, unavailable

from headrace import clock, errors
from headrace.engine import owner
from headrace.engine.heart import Heart
from headrace.engine.services import Engine
from headrace.model.run import RunStatus
from headrace.settings import Settings
from headrace.store import Store

LEASE = 10.0


class Body:
    """A heart with its store and executor."""

    def __init__(self, store: Store) -> None:
        self.trouble, self.shelf, self.deposed = Trouble(), Shelf(), 0
        self.heart = Heart(Gated(store, self.trouble), self.shelf, LEASE, self._depose)
        store.engines.register("me", home="h", machine="m", pid=1, lease=LEASE, at=AT)
        self.heart.go_on_as("me", 100.0)

    def _depose(self) -> None:
        self.deposed += 1


@pytest.fixture
def body(store: Store) -> Body:
    return Body(store)


def test_blocks_may_go_on_for_a_lease_from_before_the_engine_had_its_row(body: Body) -> None:
    assert body.shelf.until == [110.0]


def test_a_beat_extends_the_lease_from_before_it_was_sent(body: Body, store: Store) -> None:
    before = clock.boottime()
    assert body.heart.run_once(AT + timedelta(seconds=4))
    assert before + LEASE <= body.shelf.until[-1] <= clock.boottime() + LEASE
    (row,) = store.engines.living()
    assert row.lease_until == AT + timedelta(seconds=4 + LEASE)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_beat_without_an_answer_extends_nothing(body: Body, moment: str) -> None:
    body.trouble.at(moment, "engines.beat", unavailable())
    assert not body.heart.run_once(AT)
    assert body.shelf.until == [110.0]
    assert body.deposed == 0


def test_an_engine_that_was_buried_is_told_and_its_blocks_get_no_more_time(body: Body, store: Store) -> None:
    store.engines.bury("me")
    assert body.heart.run_once(AT)
    assert (body.deposed, body.shelf.until) == (1, [110.0])


# An engine put together, its threads not started


class Whole:
    """An engine that shares its database with others, so that it has a lease; its parts are moved by hand."""

    def __init__(self, store: Store, home: Path) -> None:
        self.trouble, self.shelf = Trouble(), Shelf()
        self.real = store
        settings = Settings(home=home, database="postgresql://shared", lease=LEASE)
        gated = Gated(store, self.trouble)
        self.engine = Engine(gated, settings, self.shelf, (), makers(gated, settings), own=False)
        self.loop, self.intake, self.heart = self.engine.loop, self.engine._intake, self.engine._heart
        self.shelf.start(self.loop._wakes.put)
        self.heart.go_on_as(self.engine.name, self.engine._register(self.engine._owner))
        self.intake.go_on_as(self.engine.name)

    def turn(self) -> None:
        events = []
        while not self.loop._wakes.empty():
            events.append(self.loop._wakes.get())
        self.loop.run_once(events, AT)

    def look(self) -> None:
        self.intake.run_once(AT)
        self.turn()


@pytest.fixture
def whole(store: Store, home: Path) -> Iterator[Whole]:
    made = Whole(store, home)
    yield made
    made.engine._owner.close()


def detached(store: Store, home: Path) -> int:
    pinned = pin(store, project(home.parent / "p"), {"a": ()})
    return store.runs.create(new_run(pinned, {"a": ()}), AT).run.id


def test_a_deposed_engine_goes_on_under_another_name_with_other_runs(whole: Whole, home: Path) -> None:
    run = detached(whole.real, home)
    whole.look()
    former = whole.engine.name
    assert owner.alive(home, former)
    whole.real.engines.bury(former)
    whole.heart.run_once(AT)
    assert whole.engine.name != former
    assert [each.name for each in whole.real.engines.living()] == [whole.engine.name]
    assert (owner.alive(home, former), owner.alive(home, whole.engine.name)) == (False, True)
    assert whole.shelf.stopped == [("a", "engine_deposed")]
    assert whole.shelf.held == whole.engine._owner.file
    assert not whole.loop.holds(run)
    whole.look()
    found = whole.real.runs.get(run)
    assert (found.owner, found.epoch) == (whole.engine.name, 2)
    assert len(whole.shelf.given) == 2
    whole.shelf.finish("a", "completed")
    whole.turn()
    assert whole.real.runs.get(run).status is RunStatus.COMPLETED


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_engine_that_cannot_begin_anew_tries_again_and_its_blocks_get_no_time_meanwhile(
    whole: Whole, home: Path, moment: str
) -> None:
    run = detached(whole.real, home)
    whole.look()
    former, given = whole.engine.name, len(whole.shelf.until)
    whole.real.engines.bury(former)
    whole.trouble.at(moment, "engines.register", unavailable())
    assert not whole.heart.run_once(AT)
    assert (whole.engine.name, len(whole.shelf.until)) == (former, given)
    assert not whole.loop.holds(run)
    assert whole.heart.run_once(AT)
    assert whole.engine.name != former
    assert len(whole.shelf.until) == given + 1
    assert {path.stem for path in (home / "engines").glob("*.lock")} == {whole.engine.name}


def test_a_run_that_was_claimed_under_the_former_name_is_not_begun(whole: Whole, home: Path) -> None:
    """The heart finds out between the claim and its being handed over."""
    run = detached(whole.real, home)

    def find_out() -> None:
        assert whole.real.engines.bury(whole.engine.name)
        whole.heart.run_once(AT)

    whole.trouble.then("after", "runs.claim", find_out)
    whole.look()
    assert whole.shelf.tasks == {}
    whole.look()
    assert whole.real.runs.get(run).owner == whole.engine.name
    assert len(whole.shelf.given) == 1


def test_a_second_engine_of_a_home_is_refused_and_one_of_its_own_runs_is_not(store: Store, home: Path) -> None:
    settings = Settings(home=home)
    first = Engine(store, settings, Shelf(), (), makers(store, settings), own=False)
    with pytest.raises(errors.EngineRunning):
        Engine(store, settings, Shelf(), (), makers(store, settings), own=False)
    beside = Engine(store, settings, Shelf(), (), makers(store, settings), own=True)
    beside._owner.close()
    first._owner.close()
    first._alone.close()
    again = Engine(store, settings, Shelf(), (), makers(store, settings), own=False)
    again._owner.close()
    again._alone.close()


def test_an_engine_begins_and_ends_with_its_row(store: Store, home: Path) -> None:
    settings = Settings(home=home)
    engine = Engine(store, settings, Shelf(at_once=True), (), makers(store, settings), own=False)
    engine.start()
    (row,) = store.engines.living()
    assert (row.name, row.lease_until, row.home) == (engine.name, None, owner.home_id(home))
    engine.close()
    assert store.engines.living() == []
    assert not owner.alive(home, engine.name)


def test_a_run_that_is_made_for_an_engine_is_moved_by_it(store: Store, home: Path) -> None:
    settings = Settings(home=home)
    engine = Engine(store, settings, Shelf(at_once=True), (), makers(store, settings), own=True)
    engine.start()
    pinned = pin(store, project(home.parent / "p"), {"a": (), "b": ("a",)})
    run = store.runs.create(new_run(pinned, {"a": (), "b": ("a",)}), AT, owner=engine.name).run
    begun = engine.take(run.id)
    assert begun.done.result(30).status is RunStatus.COMPLETED
    assert list(begun.blocks) == ["a", "b"]
    engine.close()


def test_an_engine_that_retires_leaves_what_has_not_begun_to_others(store: Store, home: Path) -> None:
    shelf, begun = Shelf(), threading.Event()
    submit = shelf.submit
    shelf.submit = lambda work: (submit(work), begun.set())[0]  # type: ignore[method-assign]
    settings = Settings(home=home)
    engine = Engine(store, settings, shelf, (), makers(store, settings), own=False)
    engine.start()
    run = detached(store, home)
    assert begun.wait(30)
    assert not engine.retire(0.01)
    shelf.finish("a", "failed", "lease_lapsed")
    assert engine.retire(30)
    engine.close()
    assert shelf.tasks == {}
    found = store.runs.get(run)
    assert (found.status, found.ended_at) == (RunStatus.RUNNING, None)
    assert store.engines.living() == []
