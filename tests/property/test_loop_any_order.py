"""The loop with a real database: whatever is reported, asked, refused or killed in any order, memory is as the rows are.

Runs are drawn with their pipelines; a turn may fail at the write, before or after the database has seen it; the
engine may die at any moment and another takes over. In the end every run is final, and every attempt has one outcome.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from headrace import store as stores
from headrace.engine.active import Job
from headrace.engine.executor import Report, Slice
from headrace.engine.loop import Loop
from headrace.model.output import Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockStatus, Run, RunStatus
from headrace.store import Store, moves
from headrace.store.changes import Change
from headrace.store.runs import NewRun, Runs
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKPLACE = wire.Workplace(project="p", snapshot="/s", live="/p", cwd="/", environment={})
RANK = {"initial": 0, "queued": 1, "running": 2} | {status.value: 3 for status in FINAL_BLOCK}
SHM = Path("/dev/shm")  # the promise of a commit is not what is tested here, so memory will do


class Shelf:
    """An executor whose work lies on a shelf until somebody says how it went."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tasks: dict[str, wire.Task] = {}
        self.stopping: dict[str, str] = {}
        self.too_early: list[wire.Task] = []  # submitted before their rows said so

    @property
    def slots(self) -> int:
        return 3

    def start(self, report: Callable[[Report], None]) -> None:
        self._report = report

    def submit(self, work: Slice) -> None:
        for task in work:
            if dict(_attempts(self._store)).get(task.attempt) not in ("queued", "running"):
                self.too_early.append(task)
            self.tasks[task.attempt] = task

    def stop(self, attempt: str, reason: str) -> None:
        if attempt in self.tasks:
            self.stopping[attempt] = reason

    def close(self) -> None:
        self.tasks.clear()

    def finish(self, attempt: str, status: str, *, twice: bool = False) -> None:
        """One report of that attempt, or as a careless executor does it, two."""
        task = self.tasks.pop(attempt)
        reason = self.stopping.pop(attempt, "drawn")
        outputs = (Output("output_0", "dict", "json", attempt, 2),) if status == "completed" else ()
        said = wire.Finished(attempt=attempt, epoch=task.epoch, status=status, reason=reason, outputs=outputs)
        for _ in range(1 + twice):
            self._report(said)


def _attempts(store: Store) -> list[tuple[str, str]]:
    rows = [row.id for listed in store.runs.latest(99) for row in store.runs.block_runs(listed.run.id)]
    return [(each.uid, each.status) for tries in store.runs.attempts(rows).values() for each in tries]


class Faulty(Runs):
    """The real facet, whose next writes fail: before the database sees them, or when all is written but the commit."""

    faults: list[str]

    def write(self, epochs: Mapping[int, int], changes: Sequence[Change]) -> dict[int, datetime]:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            raise OSError("before")
        with self._database.write() as connection:
            found = moves.write(connection, epochs, changes)
            if fault == "after":
                raise OSError("after")
        return found


GRAPHS = [
    {},
    {"a": ()},
    {"a": (), "b": ("a",), "c": ("b",)},
    {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")},
    {"d": ("c",), "c": (), "a": (), "b": ()},
]
CONFIGS = st.fixed_dictionaries({"retries": st.integers(0, 2), "delay": st.sampled_from([0, 5])})
OUTCOMES = st.sampled_from(["completed", "completed", "failed", "cancelled"])


class AnyOrder(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=SHM if SHM.is_dir() else None))
        self.store = stores.open_home(self.home)
        self.store.runs = Faulty(self.store._database)
        self.store.runs.faults = []
        self.now = AT
        self.engines = 0
        self.ranks: dict[tuple[int, str, int], int] = {}
        self.waiting: dict[int, Future[Run]] = {}
        self._new_engine()

    def _new_engine(self) -> None:
        self.engines += 1
        self.shelf = Shelf(self.store)
        self.loop = Loop(self.store, self.shelf)
        self.shelf.start(self.loop._wakes.put)

    def _turn(self) -> None:
        """Turns until nothing is left that has happened; what fails in them is the faults that were drawn."""
        while True:
            events = []
            while not self.loop._wakes.empty():
                events.append(self.loop._wakes.get())
            self.loop.run_once(events, self.now)
            if self.loop._wakes.empty():
                break
        self.store.runs.faults = []

    def _hand_over(self, run: Run, reopen: frozenset[str] = frozenset()) -> None:
        claimed = self.store.runs.claim(run, f"engine-{self.engines}")
        assert claimed
        rows = {row.block: row for row in self.store.runs.block_runs(run.id)}
        tries = self.store.runs.attempts(row.id for row in rows.values())
        latest = {block: tries[row.id][-1] for block, row in rows.items() if row.id in tries}
        job = Job(
            run=claimed,
            pipeline=self.store.projects.version(run.version_id),
            rows=rows,
            kept={block: each for block, each in latest.items() if each.status is BlockStatus.COMPLETED},
            begun={block: each for block, each in latest.items() if each.status not in FINAL_BLOCK},
            reopen=reopen,
            workplace=WORKPLACE,
            home=self.home,
        )
        self.waiting[run.id] = self.loop.take(job)

    def _runs(self) -> list[Run]:
        return [listed.run for listed in self.store.runs.latest(99)]

    @rule(
        graph=st.sampled_from(GRAPHS),
        config=CONFIGS,
        turn=st.booleans(),
        poisoned=st.sampled_from([False] * 5 + [True]),
    )
    @precondition(lambda self: len(self.waiting) < 4)
    def begin(self, graph: dict[str, tuple[str, ...]], config: dict[str, object], turn: bool, poisoned: bool) -> None:
        config = {"retries": "often"} if poisoned else config
        blocks = tuple(Block(name, BlockType.CUSTOM, upstream=ups, retry_config=config) for name, ups in graph.items())
        name = f"p{len(self.waiting)}"
        pinned = self.store.projects.pin(Path("/p"), "p", Pipeline(name, blocks=blocks), f"{config}{graph}", "s", 1, AT)
        new = NewRun(
            pipeline_id=pinned.pipeline_id,
            version_id=pinned.version_id,
            snapshot_id=pinned.snapshot_id,
            blocks=dict.fromkeys(graph),
            variables={},
            selection={},
            execution_date=self.now,
            reason="drawn",
        )
        self._hand_over(self.store.runs.create(new, self.now))
        if turn:
            self._turn()

    @rule(data=st.data(), twice=st.booleans(), turn=st.booleans())
    @precondition(lambda self: self.shelf.tasks)
    def report(self, data: st.DataObject, twice: bool, turn: bool) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.shelf.tasks)))
        self.shelf.finish(attempt, data.draw(OUTCOMES), twice=twice)
        if turn:
            self._turn()

    @rule(data=st.data(), elsewhere=st.booleans(), turn=st.booleans())
    @precondition(lambda self: self.waiting)
    def cancel(self, data: st.DataObject, elsewhere: bool, turn: bool) -> None:
        """Asked here, or by another process that can only leave a note in the row."""
        run_id = data.draw(st.sampled_from(sorted(self.waiting)))
        asked = self.store.runs.request_cancel(run_id, self.now)
        if asked and not elsewhere:
            self.loop.cancel(run_id, asked)
        if turn:
            self._turn()

    @rule(seconds=st.integers(1, 6))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self._turn()

    @rule(faults=st.lists(st.sampled_from(["before", "after"]), min_size=1, max_size=5))
    def fail(self, faults: list[str]) -> None:
        """The writes of the next turn fail, the joint one first, then those of the runs alone."""
        self.store.runs.faults = faults
        self._turn()

    @rule()
    def die(self) -> None:
        """The engine goes with all it had begun, and another takes over what is not final."""
        self._new_engine()
        for run in self._runs():
            if run.status not in FINAL_RUN:
                self._hand_over(run)
        self._turn()

    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        final = [run for run in self._runs() if run.status in FINAL_RUN and run.status is not RunStatus.COMPLETED]
        final = [run for run in final if run.id not in self.loop._runs]
        if final:
            run = data.draw(st.sampled_from(final))
            rows = self.store.runs.block_runs(run.id)
            self.ranks = {key: rank for key, rank in self.ranks.items() if key[0] != run.id}
            self._hand_over(run, frozenset(row.block for row in rows if row.status is not BlockStatus.COMPLETED))
            self._turn()

    @invariant()
    def memory_is_as_the_rows_are(self) -> None:
        for run_id, active in self.loop._runs.items():
            row = self.store.runs.get(run_id)
            known = active.run.cancel_requested_at
            assert known in (None, row.cancel_requested_at)
            assert _but_cancel(active.run) == _but_cancel(row)
            assert list(active.rows.values()) == self.store.runs.block_runs(run_id)
            tries = self.store.runs.attempts(row.id for row in active.rows.values())
            open_ones = {
                each.uid: each.status for of_row in tries.values() for each in of_row if each.status not in FINAL_BLOCK
            }
            assert open_ones == {each.uid: each.status for each in active.begun.values()}
            assert active.run.status not in FINAL_RUN
            assert all(self.loop._attempts[uid][0] == run_id for uid in open_ones)

    @invariant()
    def work_is_recorded_before_it_is_submitted(self) -> None:
        assert self.shelf.too_early == []

    @invariant()
    def runs_are_let_go_only_for_what_was_drawn(self) -> None:
        for future in self.waiting.values():
            if future.done() and (error := future.exception()):
                assert isinstance(error, OSError) or str(error).startswith("retries is 'often'"), error

    @invariant()
    def final_runs_are_final(self) -> None:
        for run in self._runs():
            rows = self.store.runs.block_runs(run.id)
            if run.status in FINAL_RUN:
                assert {row.status for row in rows} <= FINAL_BLOCK
            if run.status is RunStatus.COMPLETED:
                assert {row.status for row in rows} <= {BlockStatus.COMPLETED}
                assert len(self.store.runs.completed_attempts(row.id for row in rows)) == len(rows)

    @invariant()
    def statuses_go_forward_within_an_attempt(self) -> None:
        for run in self._runs():
            for row in self.store.runs.block_runs(run.id):
                key = (run.id, row.block, row.attempt * 99 + row.failures)
                lost = row.status is BlockStatus.QUEUED and row.reason == "engine_died"
                assert lost or RANK[row.status] >= self.ranks.get(key, 0)
                self.ranks[key] = RANK[row.status]

    @invariant()
    def every_move_has_its_event(self) -> None:
        for run in self._runs():
            events = self.store.runs.events(run.id)
            told = {None: run.status} | {event.block: event.status for event in events}
            assert told[None] == run.status
            for row in self.store.runs.block_runs(run.id):
                assert told.get(row.block, "initial") == row.status

    def teardown(self) -> None:
        self._see_through()
        for run in self._runs():
            assert run.status in FINAL_RUN
        assert set(dict(_attempts(self.store)).values()) <= FINAL_BLOCK
        for run_id, future in self.waiting.items():
            assert future.done() or run_id not in self.loop._runs
        self.store.close()
        shutil.rmtree(self.home)

    def _see_through(self) -> None:
        """What was let go is taken over, everything that goes on completes, and all waits pass."""
        self._turn()
        for run in self._runs():
            if run.status not in FINAL_RUN and run.id not in self.loop._runs:
                self._hand_over(run)
        for _ in range(99):
            self._turn()
            for attempt in list(self.shelf.tasks):
                self.shelf.finish(attempt, "cancelled" if attempt in self.shelf.stopping else "completed")
            if not self.loop._runs and self.loop._wakes.empty():
                return
            self.now += timedelta(seconds=60)


def _but_cancel(run: Run) -> tuple[object, ...]:
    return run.id, run.status, run.reason, run.owner, run.epoch, run.started_at, run.ended_at


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
