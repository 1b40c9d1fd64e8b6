"""Engines that share a PostgreSQL database: they divide the work, and a lease that is over gives it to another."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.engine.parts import AT, Graph, Shelf, makers, new_run, pin, project

from headrace import errors
from headrace import store as stores
from headrace.engine.services import Engine
from headrace.model.limits import Limits
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.changes import Change

LEASE = 1.0  # seconds
PATIENCE = 60.0  # seconds after which a test gives up; the machine may be busy


class Ear:
    """Hears what engines record, and waits for it."""

    def __init__(self) -> None:
        self.runs: dict[int, Run] = {}
        self._heard = threading.Condition()

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        with self._heard:
            self.runs[run.id] = run
            self._heard.notify_all()

    def waits_for(self, come: Callable[[], bool]) -> bool:
        with self._heard:
            return self._heard.wait_for(come, PATIENCE)


@pytest.fixture
def shared(postgres_url: str) -> Iterator[Callable[[], Store]]:
    """Opens the database anew each time, as every engine does."""
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(stores.open(Path("/nowhere"), postgres_url))
        return opened[-1]

    yield open_again
    for each in opened:
        each.close()


@pytest.fixture
def begin(shared: Callable[[], Store], tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., Engine]]:
    """Starts engines, each as on a machine of its own, with a home of its own."""
    begun: list[Engine] = []

    def start(shelf: Shelf, ear: Ear) -> Engine:
        home = tmp_path / f"machine-{len(begun)}"
        home.mkdir()
        store, settings = shared(), Settings(home=home, database=postgres_url, lease=LEASE)
        engine = Engine(store, settings, shelf, (ear,), makers(store, settings), own=False)
        engine.start()
        begun.append(engine)
        return engine

    yield start
    for each in begun:
        each.close()


def detached(store: Store, folder: Path, graph: Graph, limits: Limits | None = None) -> int:
    pinned = pin(store, project(folder / "p"), graph, limits)
    return store.runs.create(new_run(pinned, graph), AT).run.id


def test_two_engines_share_the_work_and_nothing_is_done_twice(
    shared: Callable[[], Store], begin: Callable[..., Engine], tmp_path: Path
) -> None:
    store, ear, shelves = shared(), Ear(), [Shelf(2, at_once=True) for _ in range(2)]
    engines = [begin(shelf, ear) for shelf in shelves]
    limits = Limits(project_blocks=3, pipeline_runs=4)
    made = [detached(store, tmp_path, {"a": (), "b": ("a",)}, limits) for _ in range(20)]
    assert ear.waits_for(lambda: sum(run.status in FINAL_RUN for run in ear.runs.values()) == len(made))
    assert {store.runs.get(run).status for run in made} == {RunStatus.COMPLETED}
    assert {store.runs.get(run).owner for run in made} <= {engine.name for engine in engines}
    given = [attempt for shelf in shelves for attempt in shelf.given]
    assert len(given) == len(set(given)) == 2 * len(made)


def test_a_run_goes_to_another_when_the_lease_is_over_and_the_first_goes_on_under_another_name(
    shared: Callable[[], Store], begin: Callable[..., Engine], tmp_path: Path
) -> None:
    store, ear, first, second = shared(), Ear(), Shelf(), Shelf()
    stood = begin(first, ear)
    run = detached(store, tmp_path, {"a": ()})
    assert ear.waits_for(lambda: bool(first.given))
    former, heart = stood.name, stood._heart
    assert heart
    heart.close()  # from now on nobody hears of it
    other = begin(second, ear)
    assert ear.waits_for(lambda: bool(second.given))
    found = store.runs.get(run)
    assert (found.owner, found.epoch) == (other.name, 2)
    first.finish("a", "completed")
    second.finish("a", "completed")
    assert ear.waits_for(lambda: ear.runs[run].status is RunStatus.COMPLETED)
    assert heart.run_once(AT)
    assert stood.name != former
    assert {each.name for each in store.engines.living()} == {stood.name, other.name}
    (row,) = store.runs.block_runs(run)
    assert [(each.number, each.reason) for each in store.runs.attempts([row.id])[row.id]] == [
        (1, "engine_died"),
        (2, "drawn"),
    ]


def test_a_cancel_that_is_asked_elsewhere_reaches_the_engine(
    shared: Callable[[], Store], begin: Callable[..., Engine], tmp_path: Path
) -> None:
    store, ear, shelf = shared(), Ear(), Shelf()
    stopped = threading.Event()
    shelf.stop = lambda attempt, reason: stopped.set()  # type: ignore[method-assign]
    begin(shelf, ear)
    run = detached(store, tmp_path, {"a": ()})
    assert ear.waits_for(lambda: bool(shelf.given))
    store.runs.request_cancel(run, AT)
    assert stopped.wait(PATIENCE)
    shelf.finish("a", "cancelled", "cancel_requested")
    assert ear.waits_for(lambda: ear.runs[run].status is RunStatus.CANCELLED)


def test_who_waits_for_a_run_that_went_to_another_is_told(
    shared: Callable[[], Store], begin: Callable[..., Engine], tmp_path: Path
) -> None:
    store, ear, first, second = shared(), Ear(), Shelf(), Shelf()
    stood = begin(first, ear)
    pinned = pin(store, project(tmp_path / "p"), {"a": (), "b": ("a",)})
    run = store.runs.create(new_run(pinned, {"a": (), "b": ("a",)}), AT, owner=stood.name).run
    done = stood.take(run.id).done
    assert ear.waits_for(lambda: bool(first.given))
    assert stood._heart
    stood._heart.close()
    begin(second, ear)
    assert ear.waits_for(lambda: bool(second.given))
    first.finish("a", "completed")
    assert isinstance(done.exception(PATIENCE), errors.RunLost)
    assert list(second.tasks) == ["a"]
