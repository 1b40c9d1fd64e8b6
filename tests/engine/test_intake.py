"""The intake: claims as far as there is room, requests carried out, the dead buried, nothing lost with an answer."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.parts import AT, Engine, Graph, Shelf, new_run, pin, project, unavailable

from headrace import errors
from headrace.engine import owner
from headrace.engine.intake import AGAIN, LOOK, Intake
from headrace.engine.loop import AHEAD
from headrace.engine.owner import Owner
from headrace.model.limits import Limits
from headrace.model.run import Reopening, Run, RunStatus
from headrace.store import Store


class Mouth(Engine):
    """An engine with an intake, both moved by hand. It has a lock of its own, as engines have."""

    def __init__(self, store: Store, home: Path, shelf: Shelf | None = None, *, own: bool = False) -> None:
        super().__init__(store, home, shelf)
        store.engines.bury(self.name)
        self.lock = Owner(home)
        self.name = self.lock.name
        here = {"home": owner.home_id(home), "machine": owner.machine()}
        store.engines.register(self.name, **here, pid=1, lease=None, at=AT, own=own)
        self.intake = Intake(self.store, self.jobs, self.loop, home, 0.0, own=own)
        self.intake.go_on_as(self.name)

    def look(self) -> float:
        pause = self.intake.run_once(AT)
        self.turn()
        return pause

    def die(self) -> None:
        self.lock.close()


@pytest.fixture
def mouth(store: Store, home: Path) -> Mouth:
    return Mouth(store, home)


def detached(engine: Engine, graph: Graph, limits: Limits | None = None, **config: object) -> Run:
    """A run for any engine to take."""
    pinned = pin(engine.real, project(engine.home.parent / "p"), graph, limits, **config)
    return engine.real.runs.create(new_run(pinned, graph), AT).run


def status(engine: Engine, run: Run) -> str:
    return str(engine.real.runs.get(run.id).status)


def test_runs_that_nobody_moves_are_taken(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()})
    assert 0 < mouth.look() <= LOOK
    assert list(mouth.shelf.tasks) == ["a"]
    found = mouth.real.runs.get(run.id)
    assert (found.owner, found.epoch, found.status) == (mouth.name, 1, RunStatus.RUNNING)


def test_no_more_is_taken_than_there_is_an_appetite_for(store: Store, home: Path) -> None:
    """What is left is taken as soon as there is room."""
    engine = Mouth(store, home, Shelf(1))
    made = [detached(engine, {"a": ()}) for _ in range(AHEAD + 3)]
    engine.look()
    assert [status(engine, run) for run in made] == ["running"] * (AHEAD + 1) + ["initial"] * 2
    assert engine.loop.appetite() == 0
    engine.intake._woken.clear()
    engine.intake.room_made()
    assert engine.intake._woken.is_set(), "there are more"
    engine.shelf.finish("a", "completed")
    engine.turn()
    engine.look()
    assert status(engine, made[-2]) == "running"


def test_room_matters_to_nobody_when_there_is_no_more(mouth: Mouth) -> None:
    mouth.look()
    mouth.intake._woken.clear()
    mouth.intake.room_made()
    assert not mouth.intake._woken.is_set()


def test_an_engine_of_its_own_runs_takes_no_others(store: Store, home: Path) -> None:
    engine = Mouth(store, home, own=True)
    other = detached(engine, {"a": ()})
    mine, _ = engine.begin({"x": ()})
    engine.look()
    assert (status(engine, other), status(engine, mine)) == ("initial", "running")


def test_an_engine_of_its_own_runs_buries_nobody(store: Store, home: Path) -> None:
    dead, engine = Mouth(store, home), Mouth(store, home, own=True)
    dead.die()
    engine.look()
    assert dead.name in {each.name for each in store.engines.living()}


def test_a_waiting_run_is_admitted_in_its_turn(mouth: Mouth) -> None:
    """Also one that this engine has in hand already."""
    first, done = mouth.begin({"a": ()}, Limits(pipeline_runs=1))
    second, _ = mouth.begin({"a": ()}, Limits(pipeline_runs=1))
    mouth.look()
    assert (status(mouth, first), status(mouth, second)) == ("running", "initial")
    mouth.shelf.finish("a", "completed")
    mouth.turn()
    assert done.result(0)
    mouth.look()
    assert status(mouth, second) == "running"


def test_a_run_that_finds_no_room_and_is_to_be_skipped_is_cancelled(mouth: Mouth) -> None:
    """Also one that nobody had."""
    skip = Limits(pipeline_runs=1, skip=True)
    mouth.begin({"a": ()}, skip)
    mine, refused = mouth.begin({"a": ()}, skip)
    orphan = detached(mouth, {"a": ()}, skip)
    mouth.look()
    assert refused.result(0).reason == "limit_reached"
    found = mouth.real.runs.get(orphan.id)
    assert (found.status, found.reason) == (RunStatus.CANCELLED, "limit_reached")
    assert status(mouth, mine) == "cancelled"


def test_a_cancel_that_was_asked_elsewhere_is_heard(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()})
    mouth.look()
    mouth.real.runs.request_cancel(run.id, AT)
    mouth.look()
    assert mouth.shelf.stopped == [("a", "cancel_requested")]


def test_a_run_of_which_a_cancel_was_asked_before_anybody_had_it_ends(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()}, Limits(pipeline_runs=1))
    mouth.real.runs.request_cancel(run.id, AT)
    mouth.look()
    assert (status(mouth, run), mouth.shelf.tasks) == ("cancelled", {})


def test_a_final_run_that_is_asked_to_go_on_does(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()})
    mouth.look()
    mouth.shelf.finish("a", "failed")
    mouth.turn()
    assert status(mouth, run) == "failed"
    again = Reopening(("a",), (), run.version_id, run.snapshot_id, "retry_incomplete")
    assert mouth.real.runs.request_retry(run.id, again)
    mouth.look()
    mouth.shelf.finish("a", "completed")
    mouth.turn()
    assert status(mouth, run) == "completed"


def test_a_run_that_was_asked_to_go_on_here_is_handed_over(store: Store, home: Path) -> None:
    engine = Mouth(store, home, own=True)
    run, done = engine.begin({"a": ()})
    engine.turn()
    engine.shelf.finish("a", "failed")
    engine.turn()
    assert done.result(0).status is RunStatus.FAILED
    again = Reopening(("a",), (), run.version_id, run.snapshot_id, "retry_incomplete")
    assert engine.real.runs.request_retry(run.id, again, owner=engine.name)
    job, done = engine.intake.take(run.id, AT)
    engine.look()
    assert job.run.epoch == 2
    engine.shelf.finish("a", "completed")
    engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


def test_the_runs_of_a_dead_engine_are_taken_over_at_once(store: Store, home: Path) -> None:
    dead, engine = Mouth(store, home), Mouth(store, home)
    run = detached(dead, {"a": ()})
    dead.look()
    engine.look()
    assert store.runs.get(run.id).owner == dead.name, "it lives"
    dead.die()
    assert _wait_for(engine.intake._woken), "whoever watches it is woken"
    engine.look()
    found = store.runs.get(run.id)
    assert (found.owner, found.epoch) == (engine.name, 2)
    (row,) = store.runs.block_runs(run.id)
    assert (row.attempt, row.failures, list(engine.shelf.tasks)) == (2, 0, ["a"])
    assert [each.name for each in store.engines.living()] == [engine.name]


def _wait_for(event: threading.Event) -> bool:
    return event.wait(30)


def test_an_engine_elsewhere_is_dead_once_its_lease_and_the_grace_are_over(store: Store, home: Path) -> None:
    engine = Mouth(store, home)
    engine.intake._grace = 5.0
    store.engines.register("elsewhere", home="another", machine="another", pid=1, lease=10.0, at=AT)
    run = detached(engine, {"a": ()})
    assert store.runs.claim("elsewhere", 9, AT, own=False).taken == [run.id]
    engine.look()
    engine.intake._bereave()
    engine.intake.run_once(AT + timedelta(seconds=14))
    assert store.runs.get(run.id).owner == "elsewhere"
    engine.intake._bereave()
    engine.intake.run_once(AT + timedelta(seconds=15.1))
    assert store.runs.get(run.id).owner == engine.name


def test_an_intake_looks_again_when_the_next_engine_could_be_dead(store: Store, home: Path) -> None:
    engine = Mouth(store, home)
    store.engines.register("elsewhere", home="another", machine="another", pid=1, lease=2.0, at=AT)
    assert 1.0 < engine.look() <= 2.0


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["runs.claim", "runs.asked", "runs.reopen", "runs.owned", "engines.living"])
def test_nothing_is_lost_with_the_answer_of_a_look(mouth: Mouth, moment: str, call: str) -> None:
    run = detached(mouth, {"a": ()})
    mouth.trouble.at(moment, call, unavailable())
    assert mouth.look() == AGAIN
    mouth.look()
    assert status(mouth, run) == "running"
    assert len(mouth.shelf.given) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("own", [True, False])
def test_a_run_that_waited_here_starts_though_the_answer_of_its_admission_was_lost(
    store: Store, home: Path, moment: str, own: bool
) -> None:
    engine = Mouth(store, home, own=own)
    engine.begin({"a": ()}, Limits(pipeline_runs=1))
    waiting, _ = engine.begin({"a": ()}, Limits(pipeline_runs=1))
    engine.look()
    engine.shelf.finish("a", "completed")
    engine.turn()
    engine.trouble.at(moment, "runs.claim", unavailable())
    engine.look()
    engine.look()
    assert status(engine, waiting) == "running"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_is_to_be_skipped_is_though_the_answer_of_its_claim_was_lost(mouth: Mouth, moment: str) -> None:
    skip = Limits(pipeline_runs=1, skip=True)
    mouth.begin({"a": ()}, skip)
    mouth.turn()
    orphan = detached(mouth, {"a": ()}, skip)
    mouth.trouble.at(moment, "runs.claim", unavailable())
    mouth.look()
    mouth.look()
    mouth.look()
    assert status(mouth, orphan) == "cancelled"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_claimed_run_that_cannot_be_read_for_the_moment_is_read_later(mouth: Mouth, moment: str) -> None:
    run = detached(mouth, {"a": ()})
    mouth.trouble.at(moment, "runs.block_runs", unavailable())
    mouth.look()
    mouth.look()
    assert status(mouth, run) == "running"


def test_a_run_that_cannot_be_read_at_all_ends_with_the_reason_and_hinders_no_other(
    mouth: Mouth, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, healthy = detached(mouth, {"a": ()}), detached(mouth, {"x": ()})
    with mouth.real._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET settings = '[1]' WHERE id = {damaged.id}")
    mouth.look()
    assert status(mouth, healthy) == "running"
    with mouth.real._database.read() as connection:
        found = connection.exec_driver_sql(f"SELECT status, reason FROM runs WHERE id = {damaged.id}").one()
    assert (found.status, found.reason[:7]) == ("failed", "let go:")
    assert f"run {damaged.id} cannot be read" in caplog.text


def test_a_run_whose_project_is_gone_ends_with_the_reason(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()})
    (mouth.home.parent / "p" / "pipelines").rmdir()
    mouth.look()
    assert mouth.real.runs.get(run.id).reason.startswith("let go: NotAProject")


@pytest.mark.parametrize("readable", [True, False])
def test_a_run_that_is_anothers_once_it_is_read_is_left_to_that(store: Store, home: Path, readable: bool) -> None:
    """Between the claim and the reading this engine stood still, was buried, and another took the run."""
    engine, another = Mouth(store, home), Mouth(store, home)
    run = detached(engine, {"a": ()})

    def meanwhile() -> None:
        engine.bury()
        another.look()
        if not readable:
            (home.parent / "p" / "pipelines").rename(home.parent / "p" / "elsewhere")

    engine.trouble.then("after", "runs.claim", meanwhile)
    engine.look()
    engine.turn()
    found = store.runs.get(run.id)
    assert (found.owner, found.status) == (another.name, RunStatus.RUNNING)
    assert (engine.shelf.tasks, list(another.shelf.tasks)) == ({}, ["a"])
    with pytest.raises((errors.RunLost, errors.NotAProject)):
        engine.intake.take(run.id, AT)


def test_an_engine_full_of_blocks_that_wait_takes_the_run_that_holds_their_place(store: Store, home: Path) -> None:
    """The open attempt of a dead engine counts for the limit until somebody takes its run over."""
    limits = Limits(project_blocks=1)
    dead, engine = Mouth(store, home, Shelf(1)), Mouth(store, home, Shelf(1))
    holder = detached(dead, {"a": ()}, limits)
    dead.look()
    for _ in range(AHEAD + 2):
        detached(engine, {"x": ()}, limits)
    engine.look()
    assert (engine.loop.appetite(), engine.shelf.tasks) == (0, {})
    dead.die()
    assert _wait_for(engine.intake._woken)
    engine.look()
    assert store.runs.get(holder.id).owner == engine.name
    engine.turn()
    assert len(engine.shelf.tasks) == 1


def test_a_buried_engine_claims_nothing(mouth: Mouth) -> None:
    run = detached(mouth, {"a": ()})
    mouth.bury()
    mouth.look()
    assert (status(mouth, run), mouth.shelf.tasks) == ("initial", {})


def test_its_own_thread_looks_when_it_is_woken(store: Store, home: Path) -> None:
    engine = Mouth(store, home, Shelf(at_once=True))
    engine.loop.start()
    engine.intake.start(engine.name)
    listener = store.listen(engine.name, lambda _: engine.intake.wake())
    ended = threading.Event()
    engine.loop._observers = (_Until(ended),)
    detached(engine, {"a": ()})
    assert ended.wait(30)
    engine.intake.close()
    listener.close()
    engine.loop.close()


class _Until:
    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def told(self, run: Run, changes: object) -> None:
        if run.ended_at:
            self._ended.set()


def test_a_drained_engine_ends_what_it_has_begun_and_leaves_the_rest_to_others(store: Store, home: Path) -> None:
    mouth = Mouth(store, home)
    run = detached(mouth, {"a": (), "b": ("a",)})
    mouth.look()
    store.engines.request_drain(mouth.name, AT)
    detached(mouth, {"c": ()})
    mouth.look(), mouth.look()
    assert list(mouth.shelf.tasks) == ["a"]
    assert [row.name for row in store.engines.living()] == [mouth.name]
    mouth.shelf.finish("a", "completed")
    mouth.turn()
    mouth.look()
    assert (mouth.shelf.tasks, store.engines.living()) == ({}, [])
    assert not mouth.loop.holds(run.id)
    another = Mouth(store, home)
    another.look()
    assert sorted(another.shelf.tasks) == ["b", "c"]


def test_an_engine_of_its_own_runs_is_drained_too_once_it_is_asked(store: Store, home: Path) -> None:
    mouth = Mouth(store, home, own=True)
    store.engines.request_drain(mouth.name, AT)
    mouth.look(), mouth.look()
    assert store.engines.living() == []
