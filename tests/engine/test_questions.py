"""Blocks ask for runs: while one waits for a run it holds no place, and whatever fails, it is asked and answered once."""

import contextlib
import threading
from pathlib import Path

import pytest
from tests.engine.parts import AT, Engine, Shelf, unavailable

from headrace.engine.loop import AHEAD
from headrace.engine.wakes import Draining
from headrace.model.limits import Limits
from headrace.model.run import Attempt, Run, RunStatus
from headrace.store import Store
from headrace.worker import wire


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(slots=1)


@pytest.fixture
def engine(store: Store, home: Path, shelf: Shelf) -> Engine:
    return Engine(store, home, shelf)


def _attempt(engine: Engine, run: Run, block: str = "a") -> Attempt:
    (row,) = (row for row in engine.real.runs.block_runs(run.id) if row.block == block)
    return engine.real.runs.attempts([row.id])[row.id][-1]


def _answer(engine: Engine, asked: wire.Asked) -> wire.Answered:
    answered = wire.Answered(attempt=asked.attempt, number=asked.number, answer=wire.Declined("no reason"))
    engine.loop.tell(answered)
    return answered


def test_an_attempt_that_waits_leaves_its_place_to_the_next(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": (), "c": ()})
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "queued", "c": "queued"}
    asked = shelf.ask("a")
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "running", "c": "queued"}
    assert (_attempt(engine, run).waiting, _attempt(engine, run, "b").waiting) == (True, False)
    (question,) = engine.asked
    assert (question.asked, question.folder) == (asked, engine.home.parent / "p")


def test_an_answered_attempt_goes_on_and_nothing_else_begins_until_there_is_room(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": (), "c": ()})
    engine.turn()
    asked = shelf.ask("a")
    engine.turn()
    answered = _answer(engine, asked)
    engine.turn()
    assert shelf.answered == [answered]
    assert not _attempt(engine, run).waiting
    shelf.finish("b", "completed")
    engine.turn()
    assert engine.statuses(run)["c"] == "queued"  # the place is the first's
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "completed", "c": "running"}


def test_it_waits_until_its_last_question_is_answered(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ()})
    engine.turn()
    first, second = shelf.ask("a", 1), shelf.ask("a", 2)
    engine.turn()
    _answer(engine, second)
    engine.turn()
    assert _attempt(engine, run).waiting
    _answer(engine, first)
    engine.turn()
    assert not _attempt(engine, run).waiting
    assert [each.number for each in shelf.answered] == [2, 1]


def test_one_that_only_has_a_run_started_keeps_its_place(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ()})
    engine.turn()
    asked = shelf.ask("a", waits=False)
    engine.turn()
    assert [each.asked for each in engine.asked] == [asked]
    assert engine.statuses(run) == {"a": "running", "b": "queued"}
    _answer(engine, asked)
    engine.turn()
    assert len(shelf.answered) == 1
    assert not _attempt(engine, run).waiting


def test_one_that_asks_while_it_seemed_to_stand_in_line_runs(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": (), "c": ()})
    engine.turn()
    shelf.ask("b")
    engine.turn()
    assert engine.statuses(run) == {"a": "running", "b": "running", "c": "queued"}
    assert _attempt(engine, run, "b").waiting


def test_those_that_wait_make_room_for_more(engine: Engine, shelf: Shelf) -> None:
    blocks = dict.fromkeys("abcdefghi", ())
    run, _ = engine.begin(blocks)
    engine.turn()
    assert len(shelf.tasks) == 1 + AHEAD
    for block in "abcde":
        shelf.ask(block)
        engine.turn()
    assert len(shelf.tasks) == len(blocks)
    assert engine.loop._has_room()
    assert engine.loop.appetite() == 1  # one runs, and three stand in line
    assert sum(_attempt(engine, run, block).waiting for block in blocks) == 5


def test_those_that_wait_take_no_place_from_a_run_that_is_looked_at_alone(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": ()})
    engine.turn()
    shelf.ask("a")
    engine.turn()
    _, lost = engine.begin({"b": ()}, retries="often")
    engine.turn()
    healthy, _ = engine.begin({"x": ()})
    shelf.finish("b", "failed")
    engine.turn()
    assert isinstance(lost.exception(0), ValueError)
    assert engine.statuses(healthy) == {"x": "running"}


def test_the_end_of_a_run_rings_while_somebody_waits(engine: Engine, shelf: Shelf, store: Store) -> None:
    rung = threading.Event()
    with contextlib.closing(store.listen("ear", lambda _: rung.set())):
        engine.begin({"a": ()})
        engine.begin({"b": ()})
        engine.turn()
        shelf.ask("a")
        engine.turn()
        assert not rung.is_set()
        shelf.finish("b", "completed")
        engine.turn()
        assert rung.wait(30)


def test_an_attempt_that_ends_while_it_waits_waits_no_more(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    asked = shelf.ask("a")
    engine.turn()
    shelf.finish("a", "failed")
    _answer(engine, asked)
    engine.turn()
    assert done.result(0).status is RunStatus.FAILED
    assert not _attempt(engine, run).waiting
    assert shelf.answered == []  # nobody is there to hear it
    shelf.report(asked)
    engine.turn()
    assert len(engine.asked) == 1


def test_a_cancel_stops_a_waiting_attempt(engine: Engine, shelf: Shelf) -> None:
    run, done = engine.begin({"a": ()})
    engine.turn()
    shelf.ask("a")
    engine.turn()
    engine.cancel(run)
    engine.turn()
    assert shelf.stopped == [("a", "cancel_requested")]
    shelf.finish("a", "cancelled", "cancel_requested")
    engine.turn()
    assert done.result(0).status is RunStatus.CANCELLED


@pytest.mark.parametrize(
    "limits", [Limits(project_blocks=1), Limits(blocks={"a": 1}), Limits(run_blocks=1)], ids=["project", "block", "run"]
)
def test_an_attempt_that_waits_counts_under_no_limit(engine: Engine, shelf: Shelf, limits: Limits) -> None:
    graphs = [{"a": (), "b": ()}] if limits.run_blocks else [{"a": ()}, {"a": ()}]
    for graph in graphs:
        engine.begin(graph, limits)
    engine.turn()
    assert len(shelf.given) == 1
    shelf.ask("a")
    engine.turn()
    assert len(shelf.given) == 2  # in the very turn in which the first begins to wait


def test_one_that_goes_on_takes_its_place_under_a_limit_again(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": (), "c": ()}, Limits(project_blocks=1))
    engine.turn()
    asked = shelf.ask("a")
    engine.turn()
    assert len(shelf.given) == 2
    _answer(engine, asked)
    shelf.finish("b", "completed")
    engine.turn()
    assert len(shelf.given) == 2  # what the second left is the first's
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.statuses(run) == {"a": "completed", "b": "completed", "c": "running"}


def test_one_that_asks_twice_frees_one_place(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": (), "b": (), "c": ()}, Limits(project_blocks=1))
    engine.turn()
    for number in (1, 2):
        shelf.ask("a", number)
        engine.turn()
        assert len(shelf.given) == 2


def test_one_that_ends_while_it_waits_frees_no_place_twice(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": (), "b": (), "c": ()}, Limits(project_blocks=1), retries=0)
    engine.turn()
    shelf.ask("a")
    engine.turn()
    assert len(shelf.given) == 2
    shelf.finish("a", "completed")
    engine.turn()
    assert len(shelf.given) == 2  # the second has the place


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_question_in_doubt_is_asked_once(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, _ = engine.begin({"a": (), "b": ()})
    engine.turn()
    engine.trouble.at(moment, "runs.turn", unavailable())
    shelf.ask("a")
    engine.turn()
    assert engine.asked == []
    engine.turn()
    assert len(engine.asked) == 1
    assert _attempt(engine, run).waiting
    assert engine.statuses(run) == {"a": "running", "b": "running"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_answer_in_doubt_is_given_once(engine: Engine, shelf: Shelf, moment: str) -> None:
    run, _ = engine.begin({"a": ()})
    engine.turn()
    asked = shelf.ask("a")
    engine.turn()
    engine.trouble.at(moment, "runs.turn", unavailable())
    answered = _answer(engine, asked)
    engine.turn()
    assert shelf.answered == []
    engine.turn()
    assert shelf.answered == [answered]
    assert not _attempt(engine, run).waiting


def test_what_else_was_asked_is_not_forgotten_in_doubt(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": ()})
    engine.turn()
    first, second = shelf.ask("a", 1), shelf.ask("a", 2)
    engine.turn()
    engine.trouble.at("after", "runs.turn", unavailable())
    shelf.ask("b")
    engine.turn()
    engine.turn()
    assert _attempt(engine, run, "b").waiting
    _answer(engine, first)
    engine.turn()
    assert _attempt(engine, run).waiting
    _answer(engine, second)
    engine.turn()
    assert not _attempt(engine, run).waiting


def test_the_engine_that_takes_over_tries_a_waiting_attempt_anew(engine: Engine, shelf: Shelf, store: Store) -> None:
    run, _ = engine.begin({"a": ()})
    engine.turn()
    shelf.ask("a")
    engine.turn()
    before = _attempt(engine, run)
    engine.bury()
    another = Engine(store, engine.home, Shelf(slots=1))
    assert another.real.runs.claim(another.name, 1, AT, own=False).taken == [run.id]
    another.take(run)
    another.turn()
    assert another.statuses(run) == {"a": "running"}
    assert _attempt(another, run).number == before.number + 1
    (row,) = store.runs.block_runs(run.id)
    assert [each.waiting for each in store.runs.attempts([row.id])[row.id]] == [False, False]


def test_an_engine_that_drains_waits_for_those_that_wait_and_takes_no_more(engine: Engine, shelf: Shelf) -> None:
    engine.begin({"a": ()})
    engine.turn()
    asked = shelf.ask("a")
    engine.turn()
    engine.loop.tell(Draining())
    engine.turn()
    assert not engine.loop._idle.is_set()
    assert engine.loop.appetite() == 0
    _answer(engine, asked)
    engine.turn()
    assert len(shelf.answered) == 1
    shelf.finish("a", "completed")
    engine.turn()
    assert engine.loop._idle.is_set()
