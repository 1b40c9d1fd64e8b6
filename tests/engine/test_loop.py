"""The loop with a real database: one run's trouble is its own, retries wait until they are due, a cancel ends a run."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.parts import AT, Engine, Shelf, pin

from headrace import errors
from headrace.engine import turns
from headrace.engine.executor import Slice
from headrace.engine.loop import AHEAD
from headrace.engine.wakes import Admitted, CancelAsked, Closing, Draining, Refused, Rung
from headrace.model.limits import Limits
from headrace.model.output import Output
from headrace.model.run import Attempt, BlockStatus, Run, RunStatus
from headrace.store import Store
from headrace.store.changes import BlockMoved, Change, RunMoved
from headrace.worker import wire


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
    assert engine.real.runs.get(run.id) == done.result(0)


def test_a_run_without_blocks_completes_in_its_first_turn(engine: Engine) -> None:
    run, done = engine.begin({})
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert [event.kind for event in engine.real.runs.events(run.id)] == ["run.create", "run.start", "run.end"]


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
    (row, _) = engine.real.runs.block_runs(run.id)
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
    ended = engine.real.runs.get(poisoned.id)
    assert (ended.status, ended.reason[:24]) == (RunStatus.FAILED, "let go: ValueError: retr")
    assert engine.statuses(poisoned) == {"a": "cancelled", "b": "cancelled"}
    assert engine.statuses(healthy) == {"x": "completed"}
    assert (engine.loop._held.runs, engine.loop._held.begun()) == ({}, 0)


def test_a_run_whose_rows_are_missing_in_memory_is_let_go(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": (), "b": ("a",)})
    _, done = engine.begin({"x": ()})
    engine.turn()
    del engine.loop._held.runs[run.id].rows["b"]
    shelf.finish("a", "completed")
    shelf.finish("x", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert isinstance(lost.exception(0), KeyError)


def test_a_run_that_cannot_even_be_taken_is_let_go(engine: Engine) -> None:
    job = engine.jobs.read(engine.make({"a": ()}).id)
    lost = engine.loop.take(replace(job, begun={}, rows={"a": replace(job.rows["a"], status=BlockStatus.RUNNING)}))
    _, waits = engine.begin({"x": ()})
    engine.turn()
    assert isinstance(lost.exception(0), KeyError)
    assert not waits.done()
    assert list(engine.shelf.tasks) == ["x"]


def test_a_run_whose_rows_were_damaged_is_closed_without_looking_at_them(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": (), "b": ("a",)}, retries="often")
    engine.turn()
    engine.loop._held.runs[run.id].rows["b"] = replace(engine.loop._held.runs[run.id].rows["b"], attempt=7)
    shelf.finish("a", "failed")
    engine.turn()
    assert isinstance(lost.exception(0), ValueError)
    assert engine.real.runs.get(run.id).status is RunStatus.FAILED
    assert engine.statuses(run) == {"a": "cancelled", "b": "cancelled"}
    assert {each.status for tries in _attempts(engine, run).values() for each in tries} == {BlockStatus.CANCELLED}


def _attempts(engine: Engine, run: Run) -> dict[int, list[Attempt]]:
    return engine.real.runs.attempts(row.id for row in engine.real.runs.block_runs(run.id))


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


def test_what_goes_wrong_in_an_observer_is_its_own(store: Store, home: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Loud(), Loud()
    engine = Engine(store, home, observers=[first, second])
    run, done = engine.begin({"a": ()})
    engine.turn()
    engine.shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert first.told_of == second.told_of == ["start", "queue", "start", "complete", "end"]
    assert f"an observer failed on run {run.id}" in caplog.text


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
    assert engine.loop._held.next_due() is None
    shelf.finish("a", "failed")
    engine.turn(AT + timedelta(seconds=11))
    assert done.result(0).status is RunStatus.FAILED


def test_a_retry_that_is_due_while_there_is_no_room_does_not_keep_the_loop_awake(store: Store, home: Path) -> None:
    engine = Engine(store, home, Shelf(slots=1))
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
    engine.loop.tell(Rung())
    waited.join()
    engine.shelf.finish("x", "completed")
    engine.turn(AT + timedelta(seconds=61))
    assert list(engine.shelf.tasks) == ["a"]


def test_a_cancel_ends_what_waits_at_once_and_what_runs_once_it_is_gone(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": (), "c": (), "d": ("a",)})
    engine.turn()
    engine.cancel(run)
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
    engine.cancel(run)
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED
    assert shelf.tasks == {}


def test_a_cancel_that_another_process_asked_is_heard_with_the_next_write(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",), "c": ("b",)})
    engine.turn()
    engine.real.runs.request_cancel(run.id, AT)
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
    engine.cancel(run)
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED
    assert engine.loop._held.next_due() is None


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
    (row,) = engine.real.runs.block_runs(run.id)
    assert engine.real.runs.completed_attempts([row.id])[row.id].outputs == (seen,)


def test_what_is_reported_before_the_close_is_recorded_and_nothing_new_begins(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    shelf.finish("a", "completed")
    engine.loop.tell(Closing())
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "queued"}
    assert shelf.tasks == {}


def test_draining_begins_nothing_more_and_waits_for_what_is_under_way(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    assert not engine.loop.drain(0)
    engine.turn()
    assert not engine.loop.drain(0), "an attempt is under way"
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.loop.drain(0)
    assert engine.statuses(run) == {"a": "completed", "b": "queued"}
    assert (shelf.tasks, done.done()) == ({}, False)


def test_a_loop_of_which_nothing_is_under_way_is_drained_at_once(engine: Engine) -> None:
    engine.loop.tell(Draining())
    engine.turn()
    assert engine.loop.drain(0)


def test_whoever_waits_for_a_run_is_told_that_the_engine_was_closed(engine: Engine, shelf: Shelf) -> None:
    engine.loop.start()
    _, waiting = engine.begin({"a": ()})
    engine.loop.close()
    with pytest.raises(errors.EngineClosed):
        waiting.result(0)
    assert shelf.closed
    assert engine.loop.drain(0), "nobody waits for what is not there"


def test_a_loop_of_its_own_thread_runs_to_the_end(store: Store, home: Path) -> None:
    engine = Engine(store, home, Shelf(at_once=True))
    engine.loop.start()
    fan = {"a": (), **{f"m{n}": ("a",) for n in range(20)}, "z": tuple(f"m{n}" for n in range(20))}
    done = [engine.begin(graph)[1] for graph in (fan, {"a": (), "b": ("a",)}, {})]
    assert [each.result(30).status for each in done] == [RunStatus.COMPLETED] * 3
    engine.loop.close()


def test_a_retry_wakes_the_loop_when_it_is_due(engine: Engine, shelf: Shelf) -> None:
    tried = threading.Semaphore(0)
    submit = shelf.submit
    shelf.submit = lambda work: (submit(work), tried.release())[0]  # type: ignore[method-assign]
    engine.loop.start()
    run, done = engine.begin({"a": ()}, retries=1, delay=0.02)
    for status in ("failed", "completed"):
        assert tried.acquire(timeout=30)
        shelf.finish("a", status)
    assert done.result(30).status is RunStatus.COMPLETED
    (row,) = engine.real.runs.block_runs(run.id)
    assert (row.attempt, row.failures, row.status) == (2, 1, BlockStatus.COMPLETED)
    engine.loop.close()


# Timeouts of runs


def test_a_run_that_has_used_up_its_time_is_stopped(engine: Engine, shelf: Shelf) -> None:
    run = engine.make({"a": (), "b": ("a",)}, settings={"timeout": 10, "timeout_status": "cancelled"})
    done = engine.take(run)
    engine.turn()
    assert engine.loop._held.next_due() == AT + timedelta(seconds=10)
    engine.turn(AT + timedelta(seconds=9))
    assert shelf.stopped == []
    engine.turn(AT + timedelta(seconds=10))
    assert shelf.stopped == [("a", "run_timed_out")]
    shelf.finish("a", "cancelled", "run_timed_out")
    engine.turn(AT + timedelta(seconds=11))
    ended = done.result(0)
    assert (ended.status, ended.reason) == (RunStatus.CANCELLED, "run_timed_out")


def test_the_time_of_a_run_is_told_to_the_loop_that_waits(engine: Engine) -> None:
    engine.loop.start()
    run = engine.make({"a": (), "b": ("a",)}, settings={"timeout": 0.02})
    done = engine.take(run)
    shelf = engine.shelf
    stopped = threading.Event()
    shelf.stop = lambda attempt, reason: stopped.set()  # type: ignore[method-assign]
    assert stopped.wait(30)
    shelf.finish("a", "cancelled", "run_timed_out")
    assert done.result(30).status is RunStatus.FAILED
    engine.loop.close()


# Being handed runs


def test_a_final_run_that_is_handed_over_is_done(engine: Engine) -> None:
    run, done = engine.begin({})
    again = engine.take(run)
    engine.turn()
    late = engine.take(run)
    assert engine.loop.holds(run.id)
    engine.turn()
    assert {each.result(0).status for each in (done, again, late)} == {RunStatus.COMPLETED}
    assert not engine.loop.holds(run.id)


def test_a_run_that_is_handed_over_twice_is_moved_once_and_both_are_told(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    again = engine.take(run)
    engine.turn()
    assert engine.loop.appetite() == (1 + AHEAD) * shelf.slots - 1, "it wants one place, and is not coming any more"
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0) == again.result(0)
    assert len(shelf.given) == 1


def test_a_loop_has_an_appetite_for_what_its_executor_can_take(engine: Engine, shelf: Shelf) -> None:
    whole = (1 + AHEAD) * shelf.slots
    assert engine.loop.appetite() == whole
    run, _ = engine.begin({"a": (), "b": (), "c": ("a",)})
    assert (engine.loop.appetite(), engine.loop.holds(run.id)) == (whole - 1, True)
    engine.turn()
    assert engine.loop.appetite() == whole - 2
    assert engine.roomier == 0
    shelf.finish("a", "completed")
    shelf.finish("b", "completed")
    engine.turn()
    shelf.finish("c", "completed")
    engine.turn()
    assert (engine.loop.appetite(), engine.loop.holds(run.id), engine.roomier) == (whole, False, 1)


def test_a_run_that_is_not_admitted_starts_once_that_is_told(engine: Engine, shelf: Shelf) -> None:
    first, done = engine.begin({"a": ()}, Limits(pipeline_runs=1))
    second, _ = engine.begin({"a": ()}, Limits(pipeline_runs=1))
    engine.turn()
    assert engine.statuses(second) == {"a": "initial"}
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0)
    admitted = engine.real.runs.claim(engine.name, 0, AT, own=True).admitted
    engine.loop.tell(Admitted(second.id, admitted[second.id]))
    engine.turn()
    assert engine.statuses(second) == {"a": "running"}
    assert engine.statuses(first) == {"a": "completed"}


def test_a_run_that_is_refused_ends_and_says_why(engine: Engine) -> None:
    engine.begin({"a": ()}, Limits(pipeline_runs=1, skip=True))
    run, refused = engine.begin({"a": ()}, Limits(pipeline_runs=1, skip=True))
    engine.turn()
    (again,) = engine.real.runs.claim(engine.name, 0, AT, own=True).refused
    engine.loop.tell(Refused(again))
    engine.turn()
    assert (again, refused.result(0).status, refused.result(0).reason) == (run.id, RunStatus.CANCELLED, "limit_reached")


def test_what_is_told_of_runs_that_are_not_here_says_nothing(engine: Engine) -> None:
    for wake in (Admitted(99, AT), Refused(99), CancelAsked(99, AT), Rung()):
        engine.loop.tell(wake)
    engine.turn()
    assert engine.trouble.calls == [], "nothing was written"


# Limits of blocks


def test_no_more_blocks_of_a_project_run_than_its_limit_says(store: Store, home: Path) -> None:
    """Over engines: what another has begun counts."""
    one, two = Engine(store, home, Shelf(4)), Engine(store, home, Shelf(4))
    one.begin({"a": (), "b": ()}, Limits(project_blocks=3))
    two.begin({"x": (), "y": ()}, Limits(project_blocks=3))
    one.turn()
    two.turn()
    assert (list(one.shelf.tasks), list(two.shelf.tasks)) == (["a", "b"], ["x"])
    one.shelf.finish("a", "completed")
    two.turn()
    assert "y" not in two.shelf.tasks, "it is not recorded yet that there is room"
    one.turn()
    two.loop.tell(Rung())
    two.turn()
    assert list(two.shelf.tasks) == ["x", "y"]


def test_a_place_under_a_limit_goes_from_one_block_to_the_next_in_one_turn(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ()}, Limits(project_blocks=1))
    engine.turn()
    assert list(shelf.tasks) == ["a"]
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "running"}


def test_a_block_has_a_limit_over_all_runs_of_its_pipeline(engine: Engine) -> None:
    limits = Limits(blocks={"a": 1})
    first, _ = engine.begin({"a": (), "b": ()}, limits)
    second, _ = engine.begin({"a": (), "b": ()}, limits)
    engine.turn()
    assert engine.statuses(first) == {"a": "running", "b": "running"}
    assert engine.statuses(second) == {"a": "queued", "b": "queued"}
    handed = engine.loop._held.runs[second.id].begun.keys()
    assert handed == {"b"}, "b waits with the executor, a for its limit"


def test_a_limit_that_the_project_has_no_more_holds_nobody_up(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ()}, Limits(blocks={"a": 1, "b": 1}), name="daily")
    pin(engine.real, engine.home.parent / "p", {"a": (), "b": ()}, Limits(), name="daily")
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "running"}


def test_others_are_told_that_there_is_room_under_a_limit(engine: Engine, shelf: Shelf) -> None:
    rung = threading.Event()
    listener = engine.real.listen("another", lambda _: rung.set())
    engine.begin({"a": (), "b": ()}, Limits(project_blocks=1))
    engine.turn()
    assert not rung.is_set()
    shelf.finish("a", "completed")
    engine.turn()
    assert rung.wait(30)
    listener.close()


def test_others_are_told_that_a_limited_run_has_ended(engine: Engine, shelf: Shelf) -> None:
    rung = threading.Event()
    engine.begin({"a": ()}, Limits(pipeline_runs=1))
    engine.turn()
    shelf.finish("a", "completed")
    listener = engine.real.listen("another", lambda _: rung.set())
    engine.turn()
    assert rung.wait(30)
    listener.close()


# Leases


def test_what_the_lease_ended_is_begun_again_and_counts_no_failure(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "failed", "lease_lapsed")
    engine.turn()
    assert shelf.tasks == {}, "it would be refused until the heart has beaten"
    engine.turn(AT + turns.AFTER_LAPSE)
    (row,) = engine.real.runs.block_runs(run.id)
    assert (row.status, row.attempt, row.failures) == (BlockStatus.RUNNING, 2, 0)
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert engine.moves(run) == [
        "run.create", "run.start", "a block.queue", "a block.start",
        "a block.retry", "a block.start", "a block.complete", "run.end",
    ]  # fmt: skip


# Being taken for dead


def test_a_deposed_engine_leaves_its_runs_to_others(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": (), "b": ()})
    engine.turn()
    engine.loop.depose(engine.name)
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert shelf.stopped == [("a", "engine_deposed"), ("b", "engine_deposed")]
    assert not engine.loop.holds(run.id)
    assert engine.statuses(run) == {"a": "running", "b": "running"}, "what becomes of them is for others to say"


def test_what_was_reported_before_the_engine_was_deposed_is_late_if_it_was_not_heard(
    engine: Engine, shelf: Shelf
) -> None:
    run, lost = engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "completed")
    engine.loop.depose(engine.name)
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert engine.statuses(run) == {"a": "running"}
    assert engine.moves(run)[-1] == "a attempt.fenced"


def test_an_engine_is_deposed_under_one_name_and_goes_on_under_another(
    engine: Engine, shelf: Shelf, store: Store
) -> None:
    run, _ = engine.begin({"a": ()})
    engine.turn()
    engine.loop.depose(engine.name)
    former, engine.name = engine.name, "another"
    store.engines.bury(former)
    store.engines.register("another", home="h", machine="m", pid=1, lease=None, at=AT)
    assert store.runs.claim("another", 9, AT, own=False).taken == [run.id]
    done = engine.take(run)
    engine.turn()
    engine.loop.depose(former)  # its heart was not sure
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


def test_nothing_of_a_turn_is_submitted_once_the_engine_is_deposed(engine: Engine, shelf: Shelf) -> None:
    """Whoever deposes it waits until the turn that is going on has done what it had written."""
    submitting, deposed = threading.Event(), threading.Event()
    submit = shelf.submit

    def slow(work: Slice) -> None:
        submitting.set()
        assert not deposed.wait(0.05)
        submit(work)

    def depose() -> None:
        engine.loop.depose(engine.name)
        deposed.set()

    shelf.submit = slow  # type: ignore[method-assign]
    engine.begin({"a": ()})
    thread = threading.Thread(target=lambda: submitting.wait(30) and depose())
    thread.start()
    engine.turn()
    thread.join(30)
    assert deposed.is_set()
    assert shelf.stopped == [("a", "engine_deposed")]


def test_a_run_that_was_handed_over_under_the_former_name_is_left_to_others(engine: Engine, shelf: Shelf) -> None:
    run = engine.make({"a": ()})
    engine.loop.depose(engine.name)
    lost = engine.take(run)
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert (shelf.tasks, engine.loop.holds(run.id)) == ({}, False)


def test_a_late_report_is_recorded_and_changes_nothing(engine: Engine, shelf: Shelf, store: Store, home: Path) -> None:
    run, _ = engine.begin({"a": ()})
    engine.turn()
    engine.loop.depose(engine.name)
    engine.turn()
    engine.bury()
    another = Engine(store, home)
    assert store.runs.claim(another.name, 9, AT, own=False).taken == [run.id]
    done = another.take(run)
    another.turn()
    before = store.runs.block_runs(run.id), _attempts(engine, run)
    shelf.finish("a", "completed")
    engine.turn()
    assert (store.runs.block_runs(run.id), _attempts(engine, run)) == before
    (fenced,) = [each for each in store.runs.events(run.id) if each.kind == "attempt.fenced"]
    assert (fenced.block, fenced.attempt, fenced.reason[:16]) == ("a", 1, "completed: drawn")
    another.shelf.finish("a", "completed")
    another.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert not engine.loop._held.strays, "each is reported once"


def test_an_engine_that_does_not_know_it_was_deposed_writes_nothing(
    engine: Engine, shelf: Shelf, store: Store, home: Path
) -> None:
    run, lost = engine.begin({"a": (), "b": ("a",)})
    _, done = engine.begin({"x": ()})
    engine.turn()
    another = Engine(store, home)
    engine.bury()
    store.engines.register(engine.name, home="h", machine="m", pid=1, lease=None, at=AT)
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET owner = '{another.name}', epoch = 2 WHERE id = {run.id}")
    another.take(store.runs.get(run.id))
    another.turn()
    taken = store.runs.block_runs(run.id)
    shelf.finish("a", "completed")
    shelf.finish("x", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED, "other runs of the turn go on"
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert store.runs.block_runs(run.id) == taken
    assert engine.moves(run)[-1] == "a attempt.fenced"


def test_a_run_that_is_handed_over_anew_is_moved_from_its_rows(engine: Engine, shelf: Shelf, store: Store) -> None:
    """It went to another and came back before this engine had heard of that."""
    run, lost = engine.begin({"a": ()})
    engine.turn()
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET epoch = 3 WHERE id = {run.id}")
    again = engine.take(run)
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert shelf.stopped == [("a", "engine_deposed")]
    assert len(shelf.given) == 2
    shelf.finish("a", "completed")
    engine.turn()
    assert again.result(0).epoch == 3
