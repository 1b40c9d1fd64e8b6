"""When it is not known whether a turn was written, or another engine may have written: rows are read again, and all goes on."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.parts import AT, Engine, Shelf, unavailable
from tests.newest import newest

from headrace import errors
from headrace.engine.loop import PATIENCE
from headrace.engine.wakes import Closing, Refused
from headrace.model.limits import Limits
from headrace.model.output import Output
from headrace.model.run import BlockStatus, RunStatus
from headrace.store import Store
from headrace.worker import wire

MOMENTS = [
    "before",
    "within",
    "after",
]  # nothing was done; all but the commit; the commit landed, and its answer was lost


def lose(engine: Engine, moment: str, call: str = "runs.turn") -> None:
    engine.trouble.at(moment, call, unavailable())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_was_being_taken_goes_on(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)})
    lose(engine, moment)
    engine.turn()
    assert shelf.tasks == {}, "nothing is submitted that may not be recorded"
    assert engine.loop.holds(run.id)
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "initial"}
    shelf.finish("a", "completed")
    engine.turn()
    shelf.finish("b", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert len(shelf.given) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_ends_as_it_is_taken_is_done(engine: Engine, moment: str) -> None:
    _, done = engine.begin({})
    lose(engine, moment)
    engine.turn()
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_report_is_recorded_once_and_the_next_block_begins_once(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)}, retries=1, delay=0)
    engine.turn()
    shelf.finish("a", "failed")
    lose(engine, moment)
    engine.turn()
    engine.turn()
    (a, _) = engine.real.runs.block_runs(run.id)
    assert (a.status, a.attempt, a.failures) == (BlockStatus.RUNNING, 2, 1)
    shelf.finish("a", "completed")
    lose(engine, moment)
    engine.turn()
    engine.turn()
    shelf.finish("b", "completed")
    lose(engine, moment)
    engine.turn()
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert len(shelf.given) == 3
    assert (engine.loop._held.runs, engine.loop._held.begun()) == ({}, 0)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cancel_is_carried_out(engine: Engine, shelf: Shelf, moment: str) -> None:
    _, done = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    engine.cancel(newest(engine.real, 1)[0].run)
    lose(engine, moment)
    engine.turn()
    engine.turn()
    assert shelf.stopped == [("a", "cancel_requested")]
    shelf.finish("a", "cancelled", "cancel_requested")
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_timeout_is_carried_out(engine: Engine, shelf: Shelf, moment: str) -> None:
    """It comes by the time alone: there is no event that could be heard again."""
    done = engine.take(engine.make({"a": (), "b": ("a",)}, settings={"timeout": 10}))
    engine.turn()
    lose(engine, moment)
    engine.turn(AT + timedelta(seconds=10))
    engine.turn(AT + timedelta(seconds=11))
    assert shelf.stopped == [("a", "run_timed_out")]
    shelf.finish("a", "cancelled", "run_timed_out")
    engine.turn(AT + timedelta(seconds=12))
    assert done.result(0).reason == "run_timed_out"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_try_that_is_due_begins(engine: Engine, shelf: Shelf, moment: str) -> None:
    engine.begin({"a": ()}, retries=1, delay=10)
    engine.turn()
    shelf.finish("a", "failed")
    engine.turn()
    lose(engine, moment)
    engine.turn(AT + timedelta(seconds=10))
    assert shelf.tasks == {}
    engine.turn(AT + timedelta(seconds=11))
    assert list(shelf.tasks) == ["a"]
    assert len(shelf.given) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_refusal_is_carried_out(engine: Engine, moment: str) -> None:
    engine.begin({"a": ()}, Limits(pipeline_runs=1, skip=True))
    run, refused = engine.begin({"a": ()}, Limits(pipeline_runs=1, skip=True))
    engine.turn()
    engine.loop.tell(Refused(run.id))
    lose(engine, moment)
    engine.turn()
    engine.turn()
    assert refused.result(0).reason == "limit_reached"


@pytest.mark.parametrize("call", ["runs.get", "runs.block_runs", "runs.attempts"])
def test_the_database_is_away_for_many_turns(engine: Engine, shelf: Shelf, call: str) -> None:
    """It fails while rows are read again, and what is reported meanwhile waits."""
    _, done = engine.begin({"a": (), "b": ("a",)})
    waiting, also = engine.begin({"x": ()})
    engine.turn()
    shelf.finish("a", "completed")
    lose(engine, "after")
    engine.turn()
    for _ in range(3):
        lose(engine, "before", call)
        engine.turn()
    shelf.finish("x", "completed")
    engine.turn()
    engine.turn()
    assert also.result(0).status is RunStatus.COMPLETED
    shelf.finish("b", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert engine.statuses(waiting) == {"x": "completed"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_found_out_about_outputs_is_recorded(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, _ = engine.begin({"a": ()})
    engine.turn()
    said = shelf.finish("a", "completed", profiles_follow=True)
    engine.turn()
    seen = Output("output_0", "dict", "json", said.outputs[0].path, 2, profile={"x": {"nulls": 0}}, hash="h")
    shelf.report(wire.Profiled(attempt=said.attempt, outputs=(seen,)))
    lose(engine, moment)
    engine.turn()
    assert not engine.loop.settle(0)
    engine.turn()
    assert engine.loop.settle(0)
    (row,) = engine.real.runs.block_runs(run.id)
    assert engine.real.runs.completed_attempts([row.id])[row.id].outputs == (seen,)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_let_go_ends(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, lost = engine.begin({"a": (), "b": ()}, retries="often")
    engine.turn()
    shelf.finish("a", "failed")
    lose(engine, moment)
    engine.turn()
    engine.turn()
    if moment == "after":
        assert lost.result(0).status is RunStatus.FAILED, "it is known from the rows that it has ended, and how"
    else:
        assert isinstance(lost.exception(0), ValueError)
    assert engine.real.runs.get(run.id).status is RunStatus.FAILED
    assert not engine.loop.holds(run.id)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_only_its_close_can_end_ends(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, lost = engine.begin({"a": (), "b": ("a",)}, retries="often")
    engine.turn()
    del engine.loop._held.runs[run.id].rows["b"]
    shelf.finish("a", "failed")
    engine.trouble.at("before", "runs.turn", KeyError("b"))
    lose(engine, moment, "runs.close")
    engine.turn()
    engine.turn()
    assert lost.done()
    assert engine.real.runs.get(run.id).status is RunStatus.FAILED
    assert engine.statuses(run).keys() == {"a", "b"}
    assert set(engine.statuses(run).values()) == {"cancelled"}


def test_a_run_that_another_has_taken_meanwhile_is_lost(engine: Engine, shelf: Shelf, store: Store, home: Path) -> None:
    run, lost = engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "completed")
    lose(engine, "before")
    engine.turn()
    engine.bury()
    another = Engine(store, home)
    assert store.runs.claim(another.name, 9, AT, own=False).taken == [run.id]
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert not engine.loop.holds(run.id)
    assert engine.moves(run)[-1] == "a attempt.fenced"


def test_a_run_that_another_has_taken_before_it_was_begun_is_lost(engine: Engine, store: Store, home: Path) -> None:
    run, lost = engine.begin({"a": ()})
    lose(engine, "before")
    engine.turn()
    engine.bury()
    another = Engine(store, home)
    assert store.runs.claim(another.name, 9, AT, own=False).taken == [run.id]
    engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert (engine.loop.holds(run.id), engine.shelf.tasks) == (False, {})


def test_a_run_that_was_ended_meanwhile_is_done(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    lose(engine, "before")
    shelf.finish("a", "completed")
    engine.turn()
    engine.real.runs.close(run.id, None, RunStatus.FAILED, "by hand", AT)
    engine.turn()
    assert done.result(0).reason == "by hand"
    assert engine.roomier == 1


@pytest.mark.parametrize("taken", [True, False])
def test_a_run_that_cannot_be_read_again_is_let_go(engine: Engine, shelf: Shelf, store: Store, taken: bool) -> None:
    run, lost = engine.begin({"a": ()})
    _, also = engine.begin({"x": ()})
    if taken:
        engine.turn()
        shelf.finish("a", "completed")
    lose(engine, "before")
    engine.turn()
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET variables = 'no document' WHERE id = {run.id}")
    engine.turn()
    assert lost.exception(0) is not None
    with store._database.read() as connection:
        found = connection.exec_driver_sql(f"SELECT status, reason FROM runs WHERE id = {run.id}").one()
    assert (found.status, found.reason[:7]) == ("failed", "let go:")
    assert not also.done() or also.result(0).status is RunStatus.COMPLETED
    assert list(shelf.tasks) == ["x"] or taken


def test_a_turn_that_the_rows_contradict_is_decided_anew(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": (), "b": ("a",)})
    _, also = engine.begin({"x": ()})
    engine.turn()
    held = engine.loop._held.runs[run.id]
    held.rows["a"] = replace(held.rows["a"], attempt=9)
    shelf.finish("a", "completed")
    shelf.finish("x", "completed")
    engine.turn()
    assert also.result(0).status is RunStatus.COMPLETED
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "running"}
    assert not done.done()


def test_a_run_that_the_rows_contradict_again_and_again_is_let_go(engine: Engine, shelf: Shelf) -> None:
    run, lost = engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "completed")
    for _ in range(2 + 2 * PATIENCE):
        engine.trouble.at("within", "runs.turn", errors.MoveRefused(move="drawn", subject="it"))
    for _ in range(1 + PATIENCE):
        assert not lost.done()
        engine.turn()
    assert isinstance(lost.exception(0), errors.MoveRefused)
    assert engine.real.runs.get(run.id).status is RunStatus.FAILED


def test_patience_begins_anew_with_every_turn_that_lands(engine: Engine, shelf: Shelf) -> None:
    _, done = engine.begin({"a": ()}, retries=9, delay=0)
    for _ in range(2 * PATIENCE):
        engine.turn()
        shelf.finish("a", "failed")
        for _ in range(2):
            engine.trouble.at("within", "runs.turn", errors.MoveRefused(move="drawn", subject="it"))
        engine.turn()
        engine.turn()
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


def test_a_run_that_was_in_hand_since_it_was_read_is_begun_once(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    stale = engine.jobs.read(run.id)
    shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0)
    late = engine.loop.take(stale)
    engine.turn()
    engine.turn()
    assert late.result(0) == done.result(0)
    assert len(shelf.given) == 1


def test_draining_is_heard_while_the_database_is_away(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    shelf.finish("a", "completed")
    lose(engine, "before")
    engine.turn()
    engine.loop.drain(0)
    assert engine.loop._pause() is False  # it hears that, and leaves it for the next turn
    engine.turn()
    assert engine.loop.drain(0)
    assert shelf.tasks == {}


def test_closing_is_heard_while_the_database_is_away(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "completed")
    lose(engine, "before")
    engine.turn()
    engine.loop.tell(Closing())
    assert engine.loop._pause() is True


def test_an_engine_that_is_deposed_while_its_database_is_away_forgets_its_doubts(engine: Engine, shelf: Shelf) -> None:
    held, lost = engine.begin({"a": ()})
    engine.turn()
    shelf.finish("a", "completed")
    coming, also = engine.begin({"x": ()})
    lose(engine, "before")
    engine.turn()
    engine.loop.depose(engine.name)
    engine.turn()
    assert {type(each.exception(0)) for each in (lost, also)} == {errors.RunLost}
    assert not engine.loop.holds(held.id)
    assert not engine.loop.holds(coming.id)
    assert engine.statuses(coming) == {"x": "initial"}
