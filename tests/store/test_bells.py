"""Whatever concerns engines rings for all of them, and one that was away looks when it is back."""

import os
import queue
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.postgres import Server
from tests.store.conftest import AT
from tests.store.test_moves import LATER

from headrace import store as stores
from headrace.model import transitions
from headrace.model.run import BlockRun, Reopening, Run, RunStatus
from headrace.store import Store
from headrace.store.changes import RunMoved
from headrace.store.database import About
from headrace.store.projects import Pinned

PATIENCE = 30.0  # seconds after which a ring is taken for lost; the machine may be busy

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]
Rings = Callable[[Callable[[], object]], bool]


def into(rung: "queue.SimpleQueue[int]", what: int) -> Callable[[About], None]:
    """Puts that there, whenever it rings about runs."""

    def wake(about: About) -> None:
        if about is About.RUNS:
            rung.put(what)

    return wake


@pytest.fixture
def heard(place: tuple[Path, str | None]) -> Iterator["queue.SimpleQueue[int]"]:
    """What an engine hears that opened the same database for itself; it listens already."""
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    with closing(stores.open(*place)) as other, closing(other.listen("listener", into(rung, 1))):
        _, url = place
        if url is not None:
            rung.get(timeout=PATIENCE)  # what rang before it listened is looked for
        yield rung


def ring(store: Store) -> None:
    with store.runs.turn() as turn:
        turn.ring()


def test_a_run_for_any_engine_rings(heard: "queue.SimpleQueue[int]", create: Callable[..., Run]) -> None:
    create()
    heard.get(timeout=PATIENCE)


def test_requests_ring(store: Store, heard: "queue.SimpleQueue[int]", begin: Begin) -> None:
    run, _ = begin({})
    heard.get(timeout=PATIENCE)
    store.runs.request_cancel(run.id, AT)
    heard.get(timeout=PATIENCE)
    store.runs.write({run.id: 1}, [RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x"))])
    store.runs.request_retry(run.id, Reopening((), (), run.version_id, run.snapshot_id, "again"))
    heard.get(timeout=PATIENCE)


def test_orphans_ring(store: Store, heard: "queue.SimpleQueue[int]", begin: Begin) -> None:
    run, _ = begin()
    heard.get(timeout=PATIENCE)
    store.engines.bury("engine-1")
    heard.get(timeout=PATIENCE)
    store.runs.close(run.id, None, RunStatus.FAILED, "x", LATER)
    heard.get(timeout=PATIENCE)


def test_what_concerns_nobody_does_not_ring(
    store: Store, heard: "queue.SimpleQueue[int]", begin: Begin, create: Callable[..., Run]
) -> None:
    run, _ = begin({})
    heard.get(timeout=PATIENCE)
    create(owner="engine-1")
    store.engines.leave("nobody")
    store.runs.request_cancel(999, AT)
    with pytest.raises(RuntimeError), store.runs.turn() as turn:
        turn.ring()
        raise RuntimeError
    store.runs.write({run.id: 1}, [RunMoved(run, transitions.start_run(AT))])
    ring(store)
    heard.get(timeout=PATIENCE)
    assert heard.empty()


def test_a_ring_says_what_it_is_about(
    store: Store,
    place: tuple[Path, str | None],
    create: Callable[..., Run],
    trigger: Callable[..., int],
    pinned: Pinned,
) -> None:
    rung: queue.SimpleQueue[About] = queue.SimpleQueue()
    with closing(stores.open(*place)) as other, closing(other.listen("one", rung.put)):
        if place[1] is not None:
            assert {rung.get(timeout=PATIENCE) for _ in About} == set(About), "what rang before it listened"
        create()
        assert rung.get(timeout=PATIENCE) is About.RUNS
        trigger(pinned, "nightly")
        assert {rung.get(timeout=PATIENCE) for _ in About} == set(About), "what waits for a trigger may go on now"
        assert rung.empty()


def test_a_listener_that_is_closed_hears_nothing_more(store: Store, place: tuple[Path, str | None]) -> None:
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    listener = store.listen("one", into(rung, 1))
    if place[1] is not None:
        rung.get(timeout=PATIENCE)
    ring(store)
    rung.get(timeout=PATIENCE)
    listener.close()
    with closing(stores.open(*place)) as other, closing(other.listen("two", into(rung, 2))):
        ring(store)
        assert rung.get(timeout=PATIENCE) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_home_may_lie_as_deep_as_folders_go(tmp_path: Path, database: object) -> None:
    home = tmp_path.joinpath(*["a-folder-with-quite-a-name"] * 8)
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    with closing(stores.open(home)) as opened, closing(opened.listen("one", into(rung, 1))):
        ring(opened)
        rung.get(timeout=PATIENCE)


def test_sockets_of_engines_that_were_killed_are_taken_away(tmp_path: Path) -> None:
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    with closing(stores.open(tmp_path)) as opened:
        if (killed := os.fork()) == 0:
            opened.listen("killed", lambda _: None)
            os._exit(0)  # and nothing is cleared up
        os.waitpid(killed, 0)
        dead = tmp_path / "engines" / "killed.sock"
        assert dead.exists()
        with closing(opened.listen("one", into(rung, 1))):
            ring(opened)
            rung.get(timeout=PATIENCE)
            assert not dead.exists()
        assert list((tmp_path / "engines").iterdir()) == []


def test_a_listener_looks_when_the_server_is_back(postgres_server: Server, tmp_path: Path, postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    with closing(stores.open(tmp_path, postgres_url)) as opened, closing(opened.listen("one", into(rung, 1))):
        rung.get(timeout=PATIENCE)
        assert postgres_server.terminate(name) > 0
        rung.get(timeout=PATIENCE)
        postgres_server.restart()
        rung.get(timeout=PATIENCE)
        with closing(stores.open(tmp_path, postgres_url)) as other:
            ring(other)
        rung.get(timeout=PATIENCE)


def test_what_others_say_on_the_channel_is_passed_over(
    postgres_server: Server, tmp_path: Path, postgres_url: str
) -> None:
    rung: queue.SimpleQueue[int] = queue.SimpleQueue()
    with closing(stores.open(tmp_path, postgres_url)) as opened, closing(opened.listen("one", into(rung, 1))):
        rung.get(timeout=PATIENCE)
        with postgres_server.session(postgres_url.rpartition("/")[2]) as other:
            other.execute("NOTIFY headrace, 'what nobody knows'")
        ring(opened)
        rung.get(timeout=PATIENCE)
