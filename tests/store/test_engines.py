"""An engine lives as long as it has a row; its lease is judged by the database's clock, where that has one."""

from collections.abc import Callable
from datetime import timedelta

from tests.store.conftest import AT, Begin, together

from headrace.model.run import Run, RunStatus
from headrace.store import Store
from headrace.store.engines import EngineRow

Live = Callable[..., None]


def names(store: Store) -> list[str]:
    return [row.name for row in store.engines.living()]


def test_an_engine_has_a_row_until_it_leaves(store: Store, live: Live) -> None:
    live("one")
    assert store.engines.living() == [EngineRow("one", "home-1", "machine-1", 1, False, AT, None)]
    store.engines.leave("one")
    assert store.engines.living() == []


def test_an_engine_that_is_known_to_be_dead_is_buried_once(store: Store, live: Live) -> None:
    live("one"), live("two")
    assert sorted(together(*[lambda: store.engines.bury("one")] * 3)) == [False, False, True]
    assert names(store) == ["two"]


def test_an_engine_without_a_lease_lapses_never(store: Store, live: Live) -> None:
    live("one")
    assert store.engines.next_lapse(0.0, AT) is None
    assert store.engines.bury_lapsed(0.0, AT + timedelta(days=9)) == []


def test_a_lease_lasts_until_it_is_over_and_its_grace_too(store: Store, live: Live) -> None:
    live("short", lease=0.0), live("long", lease=3600.0)
    assert store.engines.bury_lapsed(3600.0, AT) == []
    later = AT + timedelta(microseconds=1)  # a database with a clock of its own has gone on as well
    assert store.engines.bury_lapsed(0.0, later) == ["short"]
    assert names(store) == ["long"]


def test_a_beat_makes_the_lease_longer(store: Store, live: Live) -> None:
    live("one", lease=0.0)
    assert store.engines.beat("one", 3600.0, AT)
    assert store.engines.bury_lapsed(1.0, AT + timedelta(seconds=5)) == []
    lapse = store.engines.next_lapse(60.0, AT)
    assert lapse is not None
    assert 3600 < lapse <= 3660


def test_an_engine_that_was_buried_is_told_at_its_next_beat(store: Store, live: Live) -> None:
    live("one", lease=30.0)
    store.engines.bury("one")
    assert not store.engines.beat("one", 30.0, AT)
    assert names(store) == []


def test_of_all_leases_the_first_that_ends_is_waited_for(store: Store, live: Live) -> None:
    live("long", lease=3600.0), live("short", lease=600.0), live("none")
    lapse = store.engines.next_lapse(10.0, AT)
    assert lapse is not None
    assert 500 < lapse <= 610
    live("over", lease=0.0)
    assert store.engines.next_lapse(0.0, AT + timedelta(seconds=1)) == 0.0


def test_an_engine_is_asked_to_drain_once_and_for_all(store: Store, live: Live) -> None:
    live("one"), live("two")
    assert not store.engines.is_drained("one")
    assert store.engines.request_drain("one", AT)
    assert store.engines.request_drain("one", AT + timedelta(hours=1))
    assert (store.engines.is_drained("one"), store.engines.is_drained("two")) == (True, False)
    assert [row.drain_requested_at for row in store.engines.living()] == [AT, None]
    assert not store.engines.request_drain("gone", AT)


def test_open_runs_are_counted_by_their_owner(store: Store, begin: Begin, create: Callable[..., Run]) -> None:
    begin(), begin(), create()
    ended, _ = begin()
    assert store.runs.close(ended.id, None, RunStatus.CANCELLED, "by hand", AT)
    assert store.engines.holding() == {"engine-1": 2}
