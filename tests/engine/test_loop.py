"""The loop with a real database: one run's trouble is its own, retries wait until they are due, a cancel ends a run."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace import errors
from headrace import store as stores
from headrace.engine.active import Job
from headrace.engine.executor import Report, Slice
from headrace.engine.loop import AHEAD, Loop
from headrace.engine.wakes import Closing, Wake
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockStatus, Run, RunStatus
from headrace.store import Store
from headrace.store.changes import BlockMoved, Change, RunMoved
from headrace.store.runs import NewRun
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKPLACE = wire.Workplace(project="p", snapshot="/s", live="/p", cwd="/", environment={})
Graph = Mapping[str, tuple[str, ...]]


class Shelf:
    """An executor whose work lies on a shelf until somebody says how it went; or that answers at once."""

    def __init__(self, slots: int = 2, at_once: bool = False) -> None:
        self._slots = slots
        self._at_once = at_once
        self.tasks: dict[str, wire.Task] = {}
        self.stopped: list[tuple[str, str]] = []
        self.closed = False

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, report: Callable[[Report], None]) -> None:
        self.report = report

    def submit(self, work: Slice) -> None:
        for task in work:
            self.tasks[task.block] = task
            if self._at_once:
                self.finish(task.block, "completed")

    def stop(self, attempt: str, reason: str) -> None:
        self.stopped += [(task.block, reason) for task in self.tasks.values() if task.attempt == attempt]

    def close(self) -> None:
        self.closed = True

    def finish(self, block: str, status: str, reason: str = "drawn", **more: Any) -> wire.Finished:
        task = self.tasks.pop(block)
        outputs = (Output("output_0", "dict", "json", task.attempt, 2),) if status == "completed" else ()
        said = wire.Finished(
            attempt=task.attempt, epoch=task.epoch, status=status, reason=reason, outputs=outputs, **more
        )
        self.report(said)
        return said


class Engine:
    """A loop that is moved by hand: its thread is not started, and time is what it is told."""

    def __init__(self, home: Path, shelf: Shelf, observers: Sequence[Any] = ()) -> None:
        self.home = home
        self.store = stores.open_home(home)
        self.shelf = shelf
        self.loop = Loop(self.store, shelf, observers)
        shelf.start(self.loop._wakes.put)

    def turn(self, at: datetime = AT) -> None:
        events: list[Wake] = []
        while not self.loop._wakes.empty():
            events.append(self.loop._wakes.get())
        self.loop.run_once(events, at)

    def begin(self, graph: Graph, **config: Any) -> tuple[Run, "Future[Run]"]:
        job = claimed(self.store, self.home, graph, config)
        return job.run, self.loop.take(job)

    def statuses(self, run: Run) -> dict[str, str]:
        return {row.block: row.status.value for row in self.store.runs.block_runs(run.id)}


def claimed(store: Store, home: Path, graph: Graph, config: Mapping[str, Any]) -> Job:
    """A new run of a new pipeline, claimed and ready to be handed over."""
    blocks = tuple(Block(name, BlockType.CUSTOM, upstream=ups, retry_config=config) for name, ups in graph.items())
    name = f"{graph}{config}"
    pinned = store.projects.pin(Path("/p"), "p", Pipeline(name, blocks=blocks), "v", "s", 1, AT)
    new = NewRun(
        pipeline_id=pinned.pipeline_id,
        version_id=pinned.version_id,
        snapshot_id=pinned.snapshot_id,
        blocks=dict.fromkeys(graph),
        variables={},
        selection={},
        execution_date=AT,
        reason="by hand",
    )
    run = store.runs.claim(store.runs.create(new, AT), "engine")
    assert run
    rows = {row.block: row for row in store.runs.block_runs(run.id)}
    return Job(
        run=run,
        pipeline=store.projects.version(run.version_id),
        rows=rows,
        kept={},
        begun={},
        reopen=frozenset(),
        workplace=WORKPLACE,
        home=home,
    )


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def engine(home: Path, shelf: Shelf) -> Iterator[Engine]:
    made = Engine(home, shelf)
    yield made
    made.store.close()


def test_blocks_follow_each_other_and_the_run_completes(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "initial"}
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "running"}
    shelf.finish("b", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert engine.store.runs.get(run.id) == done.result(0)


def test_a_run_without_blocks_completes_in_its_first_turn(engine: Engine) -> None:
    run, done = engine.begin({})
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert [event.kind for event in engine.store.runs.events(run.id)] == ["run.create", "run.start", "run.end"]


def test_blocks_side_by_side_are_reported_in_one_turn(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": (), "c": ("a", "b")})
    engine.turn()
    shelf.finish("a", "completed")
    shelf.finish("b", "completed")
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "completed", "c": "running"}
    assert not done.done()


def test_a_report_that_is_sent_twice_or_is_of_nobody_says_nothing(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)}, retries=1, delay=0)
    engine.turn()
    said = shelf.finish("a", "failed")
    shelf.report(said)
    shelf.report(wire.Finished(attempt="nobody", epoch=1, status="completed", reason="returned"))
    engine.turn()
    shelf.report(said)
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "initial"}
    (row, _) = engine.store.runs.block_runs(run.id)
    assert (row.attempt, row.failures) == (2, 1)
    assert not done.done()


def test_no_more_is_with_the_executor_than_runs_and_a_few_that_wait_there(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin(dict.fromkeys("abcdef", ()))
    engine.begin(dict.fromkeys("uvwxyz", ()))
    engine.turn()
    assert len(shelf.tasks) == shelf.slots * (1 + AHEAD)
    assert sorted(shelf.tasks) == [*"abcdef", *"uvwx"]
    assert engine.statuses(run) == {"a": "running", "b": "running", **dict.fromkeys("cdef", "queued")}
    shelf.finish("b", "completed")
    engine.turn()
    assert sorted(shelf.tasks) == [*"acdef", *"uvwxy"]
    assert engine.statuses(run) == {"a": "running", "b": "completed", "c": "running", **dict.fromkeys("def", "queued")}


def test_a_run_that_cannot_be_decided_is_let_go_with_its_error_and_the_others_go_on(
    engine: Engine, shelf: Shelf
) -> None:
    poisoned, lost = engine.begin({"a": (), "b": ("a",)}, retries="often")
    healthy, done = engine.begin({"x": ()})
    engine.turn()
    shelf.finish("a", "failed")
    shelf.finish("x", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    with pytest.raises(ValueError, match="retries is 'often'"):
        lost.result(0)
    ended = engine.store.runs.get(poisoned.id)
    assert (ended.status, ended.reason[:24]) == (RunStatus.FAILED, "let go: ValueError: retr")
    assert engine.statuses(poisoned) == {"a": "cancelled", "b": "cancelled"}
    assert engine.statuses(healthy) == {"x": "completed"}
    assert engine.loop._runs == engine.loop._attempts == {}


def test_a_run_whose_rows_are_missing_in_memory_is_let_go(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": (), "b": ("a",)})
    _, done = engine.begin({"x": ()})
    engine.turn()
    del engine.loop._runs[run.id].rows["b"]
    shelf.finish("a", "completed")
    shelf.finish("x", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert isinstance(lost.exception(0), KeyError)


def test_a_run_that_cannot_even_be_taken_is_let_go(engine: Engine) -> None:
    job = claimed(engine.store, engine.home, {"a": ()}, {})
    lost = engine.loop.take(Job(**{**_fields(job), "pipeline": Pipeline("other")}))
    _, waits = engine.begin({"x": ()})
    engine.turn()
    assert isinstance(lost.exception(0), KeyError)
    assert not waits.done()
    assert list(engine.shelf.tasks) == ["x"]


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__dataclass_fields__}


def test_a_run_that_another_engine_has_taken_is_left_alone(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": ()})
    _, done = engine.begin({"x": ()})
    engine.turn()
    taken = engine.store.runs.claim(run, "another")
    shelf.finish("x", "completed")
    a = shelf.tasks["a"].attempt
    shelf.report(wire.Finished(attempt=a, epoch=1, status="completed", reason="returned"))
    engine.turn()
    assert isinstance(lost.exception(0), errors.MoveRefused)
    assert done.result(0).status is RunStatus.COMPLETED
    assert engine.store.runs.get(run.id).epoch == taken.epoch if taken else None
    assert engine.statuses(run) == {"a": "running"}


def test_the_attempts_of_a_run_that_is_let_go_are_stopped(engine: Engine, shelf: Shelf) -> None:
    _, lost = engine.begin({"a": (), "b": ()}, retries="often")
    engine.turn()
    shelf.finish("a", "failed")
    engine.turn()
    assert lost.exception(0)
    assert shelf.stopped == [("b", "let_go")]
    shelf.finish("b", "cancelled")
    engine.turn()  # a late report says nothing


class Loud:
    """An observer that remembers, and raises."""

    def __init__(self) -> None:
        self.told_of: list[str] = []

    def told(self, run: Run, changes: Sequence[Change]) -> None:
        self.told_of += [change.move.name for change in changes if isinstance(change, RunMoved | BlockMoved)]
        raise RuntimeError("observer")


def test_what_goes_wrong_in_an_observer_is_its_own(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Loud(), Loud()
    engine = Engine(home, Shelf(), [first, second])
    run, done = engine.begin({"a": ()})
    engine.turn()
    engine.shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert first.told_of == second.told_of == ["start", "queue", "start", "complete", "end"]
    assert f"an observer failed on run {run.id}" in caplog.text
    engine.store.close()


def test_a_retry_waits_until_it_is_due(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()}, retries=1, delay=10)
    engine.turn()
    shelf.finish("a", "failed")
    engine.turn()
    assert engine.statuses(run) == {"a": "queued"}
    engine.turn(AT + timedelta(seconds=9.9))
    assert shelf.tasks == {}
    engine.turn(AT + timedelta(seconds=10))
    assert shelf.tasks["a"].variables["retry"] == {"attempts": 2}
    assert engine.loop._retries == {}
    shelf.finish("a", "failed")
    engine.turn(AT + timedelta(seconds=11))
    assert done.result(0).status is RunStatus.FAILED


def test_a_retry_that_is_due_while_there_is_no_room_does_not_keep_the_loop_awake(home: Path) -> None:
    engine = Engine(home, Shelf(slots=1))
    engine.begin({"a": ()}, retries=1, delay=10)
    engine.turn()
    engine.shelf.finish("a", "failed")
    engine.turn()
    engine.begin({"x": ()})
    engine.turn()
    assert list(engine.shelf.tasks) == ["x"]
    engine.turn(AT + timedelta(seconds=60))
    waited = threading.Thread(target=engine.loop._wait)
    waited.start()
    waited.join(0.05)
    assert waited.is_alive(), "the retry was due long ago, but only a report can help it"
    engine.loop.cancel(0, AT)
    waited.join()
    engine.shelf.finish("x", "completed")
    engine.turn(AT + timedelta(seconds=61))
    assert list(engine.shelf.tasks) == ["a"]
    engine.store.close()


def test_a_cancel_ends_what_waits_at_once_and_what_runs_once_it_is_gone(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": (), "c": (), "d": ("a",)})
    engine.turn()
    engine.store.runs.request_cancel(run.id, AT)
    engine.loop.cancel(run.id, AT)
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "running", "c": "queued", "d": "cancelled"}
    assert shelf.stopped == [(block, "cancel_requested") for block in "abc"]
    shelf.finish("c", "cancelled", "cancel_requested")
    shelf.finish("a", "cancelled", "cancel_requested")
    engine.turn()
    assert not done.done()
    shelf.finish("b", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED
    assert engine.statuses(run)["b"] == "completed"


def test_a_cancel_that_comes_with_the_run_is_heard(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.store.runs.request_cancel(run.id, AT)
    engine.loop.cancel(run.id, AT)
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED
    assert shelf.tasks == {}


def test_a_cancel_that_another_process_asked_is_heard_with_the_next_write(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",), "c": ("b",)})
    engine.turn()
    engine.store.runs.request_cancel(run.id, AT)
    shelf.finish("a", "completed")
    engine.turn()
    engine.turn()
    assert shelf.stopped == [("b", "cancel_requested")]
    shelf.finish("b", "cancelled", "cancel_requested")
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED


def test_a_cancel_while_a_retry_waits_takes_the_retry_away(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()}, retries=1, delay=10)
    engine.turn()
    shelf.finish("a", "failed")
    engine.turn()
    engine.store.runs.request_cancel(run.id, AT)
    engine.loop.cancel(run.id, AT)
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED
    assert engine.loop._retries == {}


def test_profiles_are_owed_until_they_come(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    said = shelf.finish("a", "completed", profiles_follow=True)
    engine.turn()
    assert done.result(0)
    assert not engine.loop.settle(0)
    seen = Output("output_0", "dict", "json", said.outputs[0].path, 2, profile={"x": {"nulls": 0}}, hash="h")
    shelf.report(wire.Profiled(attempt=said.attempt, outputs=(seen,)))
    engine.turn()
    assert engine.loop.settle(0)
    (row,) = engine.store.runs.block_runs(run.id)
    assert engine.store.runs.completed_attempts([row.id])[row.id].outputs == (seen,)


def test_what_is_reported_before_the_close_is_recorded_and_nothing_new_begins(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    shelf.finish("a", "completed")
    engine.loop._wakes.put(Closing())
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "queued"}
    assert shelf.tasks == {}


def test_whoever_waits_for_a_run_is_told_that_the_engine_was_closed(home: Path) -> None:
    store = stores.open_home(home)
    shelf = Shelf()
    loop = Loop(store, shelf)
    loop.start()
    waiting = loop.take(claimed(store, home, {"a": ()}, {}))
    loop.close()
    with pytest.raises(errors.EngineClosed):
        waiting.result(0)
    assert shelf.closed
    store.close()


def test_a_loop_of_its_own_thread_runs_to_the_end(home: Path) -> None:
    store = stores.open_home(home)
    loop = Loop(store, Shelf(at_once=True))
    loop.start()
    fan = {"a": (), **{f"m{n}": ("a",) for n in range(20)}, "z": tuple(f"m{n}" for n in range(20))}
    done = [loop.take(claimed(store, home, graph, {})) for graph in (fan, {"a": (), "b": ("a",)}, {})]
    assert [each.result(30).status for each in done] == [RunStatus.COMPLETED] * 3
    loop.close()
    store.close()


def test_a_retry_wakes_the_loop_when_it_is_due(home: Path) -> None:
    store = stores.open_home(home)
    shelf = Shelf()
    tried = threading.Semaphore(0)
    submit = shelf.submit
    shelf.submit = lambda work: (submit(work), tried.release())[0]  # type: ignore[method-assign]
    loop = Loop(store, shelf)
    loop.start()
    done = loop.take(claimed(store, home, {"a": ()}, {"retries": 1, "delay": 0.02}))
    for status in ("failed", "completed"):
        assert tried.acquire(timeout=30)
        shelf.finish("a", status)
    assert done.result(30).status is RunStatus.COMPLETED
    (row,) = store.runs.block_runs(done.result().id)
    assert (row.attempt, row.failures, row.status) == (2, 1, BlockStatus.COMPLETED)
    loop.close()
    store.close()
