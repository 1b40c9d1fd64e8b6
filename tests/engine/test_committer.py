"""What blocks write becomes versions of datasets, once, whatever happens between; real tables, moved by hand."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from tests.engine.committing import Mill, plain, step
from tests.engine.parts import AT, Engine, Shelf, makers, unavailable

from headrace import clock, errors
from headrace.app import App
from headrace.datasets import names, voiding
from headrace.datasets.committing import Committed as Version
from headrace.datasets.committing import Staged
from headrace.engine import services
from headrace.engine.commits import Commit, Committed, NotCommitted, Outdated
from headrace.engine.committer import Committer
from headrace.engine.executor import Slice
from headrace.model.dataset import WriteMode
from headrace.model.limits import Limits
from headrace.model.output import DATASET, Output
from headrace.model.pipeline import Block
from headrace.model.run import BlockStatus, Failure, RunStatus
from headrace.operations import runs, waits
from headrace.settings import Settings
from headrace.store import Store
from headrace.worker import wire

MOMENTS = ["before", "within", "after"]


@pytest.fixture
def mill(engine: Engine) -> Mill:
    return Mill(engine)


@pytest.fixture
def another(store: Store, home: Path) -> Mill:
    """Another engine of the same home and database."""
    return Mill(Engine(store, home))


def take_over(mill: Mill, another: Mill, run_id: int) -> Any:
    """The first engine is taken for dead, and the other takes its run up."""
    mill.engine.bury()
    assert another.engine.real.runs.claim(another.engine.name, 9, AT, own=False).taken == [run_id]
    done = another.engine.loop.take(another.engine.jobs.read(run_id))
    another.engine.turn()
    return done


def test_a_step_completes_once_its_rows_are_a_version(mill: Mill) -> None:
    run, done = mill.begin(step("sales"))
    mill.stage("sales", [{"x": 1}, {"x": 2}])
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"sales": "committing"}
    assert mill.versions("sales") == []
    mill.commit()
    mill.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert mill.rows("sales") == [{"x": 1}, {"x": 2}]
    (attempt,) = mill.attempts(run, "sales")
    (version,) = mill.versions("sales")
    assert mill.commits_of("sales") == [attempt.uid]
    assert (version.attempt, version.run_id, version.block, version.rows) == (attempt.uid, run.id, "sales", 2)
    assert attempt.outputs[0].extra["version"] == version.version
    assert (attempt.status, attempt.reason, attempt.ended_at) == (BlockStatus.COMPLETED, "returned", AT)


def test_a_block_that_writes_no_dataset_commits_nothing(mill: Mill) -> None:
    run, done = mill.begin(plain("a"))
    task = mill.engine.shelf.tasks["a"]
    mill.engine.shelf.finish("a", "completed")
    mill.engine.turn()
    assert (mill.engine.commits, done.result(0).status, task.reads, task.writes) == ([], RunStatus.COMPLETED, (), ())
    assert "a block.commit" not in mill.engine.moves(run)
    assert mill.engine.expected == 0
    mill.begin(step("sales"))
    assert mill.engine.expected == 1


@pytest.mark.parametrize(
    ("block", "left"),
    [
        (plain("sales"), ["sales"]),
        (step("sales"), ["moved"]),
        (step("sales"), ["../../evil"]),
        (step("sales"), [7]),
        (step("sales"), ["sales", "sales"]),
    ],
)
def test_rows_for_what_the_block_does_not_write_fail_it(mill: Mill, block: Block, left: list[Any]) -> None:
    """Nothing is committed, and no bookmark moves."""
    run, done = mill.begin(block)
    task = mill.engine.shelf.tasks["sales"]
    said = {"mode": "append", "bookmark": {"id": 9}}
    outputs = tuple(Output(str(each), DATASET, "json", "x", 2, extra={"dataset": each, **said}) for each in left)
    reported = {"attempt": task.attempt, "epoch": task.epoch, "status": "completed", "reason": "returned"}
    mill.engine.shelf.report(wire.Finished(**reported, outputs=outputs))
    mill.engine.turn()
    assert done.result(0).status is RunStatus.FAILED
    assert mill.engine.commits == []
    assert mill.engine.real.bookmarks.find(run.pipeline_id, "sales") is None
    (attempt,) = mill.attempts(run, "sales")
    assert (attempt.reason, attempt.outputs, attempt.failure.type) == ("not_committed", (), "DatasetNotDeclared")
    declared = ", ".join(block.writes) or "none"
    assert (
        f"for {', '.join(map(str, left))}, and declares as its output_datasets {declared}." in attempt.failure.message
    )


def test_what_commits_holds_no_place(store: Store, home: Path) -> None:
    mill = Mill(Engine(store, home, Shelf(slots=1)))
    run, _ = mill.begin(step("a"), step("b"))
    mill.stage("a")
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"a": "committing", "b": "running"}


def test_a_commit_frees_the_place_under_a_limit(mill: Mill) -> None:
    limits = Limits(blocks={"a": 1})
    first, _ = mill.begin(step("a"), limits=limits)
    said = mill.engine.shelf.tasks["a"]
    second, _ = mill.begin(step("a"), limits=limits)
    assert mill.engine.statuses(second) == {"a": "queued"}
    mill.stage("a")
    mill.engine.turn()
    assert (mill.engine.statuses(first), mill.engine.statuses(second)) == ({"a": "committing"}, {"a": "running"})
    assert mill.engine.shelf.tasks["a"].attempt != said.attempt
    mill.begin(step("a"), limits=limits)
    mill.commit()
    mill.engine.turn()
    assert len(mill.engine.shelf.given) == 2, "it had no place any more that its end could free"


def test_rows_that_the_table_refuses_fail_the_attempt_and_another_follows(mill: Mill) -> None:
    mill.begin(step("sales"))
    mill.run("sales", [{"x": 1}])
    run, done = mill.begin(step("sales", retries=1, delay=0))
    mill.run("sales", [{"y": "a"}], "append")
    (row,) = mill.engine.real.runs.block_runs(run.id)
    assert (row.status, row.attempt, row.failures) == (BlockStatus.RUNNING, 2, 1)
    first, _ = mill.attempts(run, "sales")
    assert (first.status, first.reason, first.outputs) == (BlockStatus.FAILED, "not_committed", ())
    assert (first.failure.type, "its column x (int64) is missing" in first.failure.message) == ("DatasetRefused", True)
    mill.run("sales", [{"x": 3}], "append")
    assert done.result(0).status is RunStatus.COMPLETED
    assert sorted(each["x"] for each in mill.rows("sales")) == [1, 3]
    assert len(mill.versions("sales")) == 2


def test_when_no_try_is_left_the_block_has_failed(mill: Mill) -> None:
    run, done = mill.begin(step("sales"), plain("below", up=["sales"]))
    mill.run("sales", [{"x": 1}, {"x": 1}], "upsert", keys=["x"])
    assert done.result(0).status is RunStatus.FAILED
    assert mill.engine.statuses(run) == {"sales": "failed", "below": "upstream_failed"}
    assert (mill.versions("sales"), mill.commits_of("sales")) == ([], [])


def test_what_goes_wrong_without_a_word_is_told_from_where_it_came(mill: Mill) -> None:
    class Tables(Line):
        def commit(self, place: str, staged: Any, newest: int | None) -> Version:
            raise ZeroDivisionError("drawn")

        def void(self, place: str, staged: Any) -> None:
            return None

    mill.committer = Committer(mill.engine.store, Settings(home=mill.home), mill.engine.loop.tell, Tables())
    run, _ = mill.begin(step("sales"))
    mill.run("sales")
    (attempt,) = mill.attempts(run, "sales")
    assert (attempt.failure.type, attempt.failure.message) == ("ZeroDivisionError", "drawn")
    assert "in commit" in attempt.failure.traceback


def test_a_cancel_lets_the_commit_end_and_applies_then(mill: Mill) -> None:
    run, done = mill.begin(step("sales"), plain("below", up=["sales"]))
    mill.stage("sales")
    mill.engine.turn()
    mill.engine.cancel(run)
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"sales": "committing", "below": "cancelled"}
    assert (mill.engine.shelf.stopped, done.done()) == ([], False)
    mill.commit()
    mill.engine.turn()
    assert mill.engine.statuses(run)["sales"] == "completed"
    assert done.result(0).status is RunStatus.CANCELLED
    assert len(mill.versions("sales")) == 1


def test_a_commit_that_fails_while_a_cancel_waits_is_not_tried_again(mill: Mill) -> None:
    run, done = mill.begin(step("sales", retries=3, delay=0))
    mill.stage("sales", [{"x": None}], "upsert", keys=["x"])
    mill.engine.turn()
    mill.engine.cancel(run)
    mill.engine.turn()
    mill.commit()
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"sales": "failed"}
    assert done.result(0).status is RunStatus.FAILED


def test_the_run_s_timeout_lets_the_commit_end(mill: Mill) -> None:
    run, done = mill.begin(step("sales"), step("next", reads=["sales"], up=["sales"]), timeout=10)
    mill.stage("sales")
    mill.engine.turn()
    mill.engine.turn(AT + timedelta(seconds=11))
    assert mill.engine.statuses(run) == {"sales": "committing", "next": "cancelled"}
    mill.commit()
    mill.engine.turn(AT + timedelta(seconds=12))
    assert mill.engine.statuses(run) == {"sales": "completed", "next": "cancelled"}
    assert done.result(0).reason == "run_timed_out"


def test_another_block_s_failure_lets_the_commit_end(mill: Mill) -> None:
    run, done = mill.begin(step("sales"), plain("other"))
    mill.stage("sales")
    mill.engine.turn()
    mill.engine.shelf.finish("other", "failed")
    mill.engine.turn()
    assert (mill.engine.statuses(run), done.done()) == ({"sales": "committing", "other": "failed"}, False)
    mill.commit()
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"sales": "completed", "other": "failed"}
    assert done.result(0).status is RunStatus.FAILED


@pytest.mark.parametrize("landed", [False, True])
def test_who_takes_the_run_up_goes_on_with_the_commit(mill: Mill, another: Mill, landed: bool) -> None:
    """Whether the engine that died had made it or not."""
    run, _ = mill.begin(step("sales"), plain("below", up=["sales"]))
    mill.stage("sales", [{"x": 7}])
    mill.engine.turn()
    if landed:
        assert isinstance(mill.once(mill.engine.commits[0]), Committed)
    done = take_over(mill, another, run.id)
    assert another.engine.statuses(run) == {"sales": "committing", "below": "initial"}
    another.commit()
    another.engine.turn()
    assert another.engine.statuses(run) == {"sales": "completed", "below": "running"}
    (attempt,) = another.attempts(run, "sales")
    assert another.commits_of("sales") == [attempt.uid], "once"
    assert [each.attempt for each in another.versions("sales")] == [attempt.uid]
    another.engine.shelf.finish("below", "completed")
    another.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


def test_who_holds_the_run_no_longer_does_not_commit(mill: Mill, another: Mill) -> None:
    run, lost = mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.turn()
    done = take_over(mill, another, run.id)
    commit = mill.engine.commits[0]
    mill.commit()
    assert not (mill.home / "datasets" / "sales").exists()
    mill.engine.turn()
    mill.engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    assert not mill.engine.loop.holds(run.id)
    another.commit()
    another.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert another.commits_of("sales") == [commit.attempt]


def test_who_was_stopped_between_its_last_look_and_the_commit_finds_it_made(mill: Mill, another: Mill) -> None:
    run, lost = mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.turn()
    done: list[Any] = []

    def meanwhile() -> None:
        done.append(take_over(mill, another, run.id))
        another.commit()
        another.engine.turn()

    mill.engine.trouble.then("after", "runs.is_committing", meanwhile)
    mill.commit()
    assert done[0].result(0).status is RunStatus.COMPLETED
    mill.engine.loop.depose(mill.engine.name)
    mill.engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    (attempt,) = another.attempts(run, "sales")
    assert another.commits_of("sales") == [attempt.uid]
    assert len(another.versions("sales")) == 1
    assert another.engine.moves(run)[-1] == "sales attempt.fenced"


class Full:
    """Tables on a disk that has no room for rows."""

    def commit(self, place: str, staged: Staged, newest: int | None) -> Version:
        raise errors.DatasetUnwritable(place=place, why="No space left on device")

    def void(self, place: str, staged: Staged) -> Version | None:
        return voiding.void(place, staged)


@pytest.mark.parametrize("mode", WriteMode)
def test_a_commit_that_another_has_given_up_lands_no_more(
    mill: Mill, another: Mill, monkeypatch: pytest.MonkeyPatch, mode: WriteMode
) -> None:
    """Its engine was stopped when all was decided, and goes on when the other has told that it was not committed."""
    run, _ = mill.begin(step("sales", retries=1, delay=0))
    mill.stage("sales", [{"x": 1}], mode, keys=["x"])
    mill.engine.turn()
    real = DeltaTable.create_write_transaction
    done: list[Any] = []

    def stopped(*given: Any, **more: Any) -> None:
        monkeypatch.setattr(DeltaTable, "create_write_transaction", real)
        another.committer = Committer(another.engine.store, another.settings, another.engine.loop.tell, Full())
        done.append(take_over(mill, another, run.id))
        another.commit()
        another.engine.turn()
        assert another.attempts(run, "sales")[0].reason == "not_committed"
        real(*given, **more)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", stopped)
    assert isinstance(mill.once(mill.engine.commits[0]), NotCommitted)
    another.committer = Committer(another.engine.store, another.settings, another.engine.loop.tell)
    another.run("sales", [{"x": 2}], mode, keys=["x"])
    assert done[0].result(0).status is RunStatus.COMPLETED
    assert another.commits_of("sales") == [another.attempts(run, "sales")[1].uid]
    assert another.rows("sales") == [{"x": 2}]
    assert len(another.versions("sales")) == 1


def test_what_cannot_be_made_void_is_tried_again(mill: Mill, another: Mill) -> None:
    """Until then it is committing, and whoever asks is told why."""
    run, _ = mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.turn()
    done = take_over(mill, another, run.id)
    another.committer = Committer(another.engine.store, another.settings, another.engine.loop.tell, Stuck())
    commit = another.engine.commits[0]
    for _ in range(2):
        another.engine.loop.tell(another.once(commit))
        another.engine.turn()
    assert another.engine.statuses(run) == {"sales": "committing"}
    (attempt,) = another.attempts(run, "sales")
    assert attempt.failure.type == "DatasetUnwritable"
    with App(mill.settings) as app:
        (reason,) = (each for each in waits.of(app, runs.show(app, run.id)) if each.block)
    assert "it is not known yet whether it has: DatasetUnwritable: The table at" in reason.says
    another.committer = Committer(another.engine.store, another.settings, another.engine.loop.tell)
    another.commit()
    another.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    (attempt,) = another.attempts(run, "sales")
    assert (attempt.status, attempt.failure) == (BlockStatus.COMPLETED, None)


class Stuck(Full):
    """Not even the log can be written."""

    def void(self, place: str, staged: Staged) -> Version | None:
        raise errors.DatasetUnwritable(place=place, why="No space left on device")


def test_what_is_void_stays_so_and_what_is_committed_too(mill: Mill) -> None:
    mill.begin(step("sales"))
    mill.run("sales")
    attempt = mill.versions("sales")[0].attempt or ""
    mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.turn()
    place = names.absolute(mill.home, "datasets/sales")
    staged = mill.committer._staged(mill.engine.commits[0], clock.now())
    assert voiding.void(place, staged) is voiding.void(place, staged) is None
    with pytest.raises(errors.DatasetRefused, match="settled before"):
        voiding.commit(place, staged)
    before = voiding.void(place, replace(staged, attempt=attempt))
    assert before
    assert (before.version, before.found) == (mill.versions("sales")[0].version, True)
    assert mill.rows("sales") == [{"x": 1}]


def test_an_engine_that_takes_its_own_run_up_again_hears_of_the_later_commit_alone(mill: Mill) -> None:
    """It was taken for dead, and goes on under another name, while its first commit is still under way."""
    run, lost = mill.begin(step("sales", retries=1, delay=0))
    mill.stage("sales")
    mill.engine.turn()
    first = mill.engine.commits.pop()
    mill.engine.bury()
    mill.engine.loop.depose(mill.engine.name)
    mill.engine.name = "anew"
    mill.engine.real.engines.register("anew", home="h", machine="m", pid=1, lease=None, at=AT)
    assert mill.engine.real.runs.claim("anew", 9, AT, own=False).taken == [run.id]
    done = mill.engine.take(run)
    mill.engine.turn()
    assert isinstance(lost.exception(0), errors.RunLost)
    mill.engine.loop.tell(NotCommitted(first, Failure("Drawn", "it was told to")))
    mill.engine.turn()
    assert mill.engine.statuses(run) == {"sales": "committing"}
    mill.commit()
    mill.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_commit_is_handed_over_once_though_an_answer_is_lost(mill: Mill, moment: str) -> None:
    run, done = mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.trouble.at(moment, "runs.turn", unavailable())
    mill.engine.turn()
    assert mill.engine.commits == [], "nothing is committed that may not be recorded"
    mill.engine.turn()
    assert len(mill.engine.commits) == 1
    mill.commit()
    mill.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert mill.engine.statuses(run) == {"sales": "completed"}


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_became_of_a_commit_is_recorded_once(mill: Mill, moment: str, landed: bool) -> None:
    run, done = mill.begin(step("sales"), step("next", reads=["sales"], up=["sales"]))
    mill.stage("sales", [{"x": 1 if landed else None}], "upsert", keys=["x"])
    mill.engine.turn()
    mill.commit()
    mill.engine.trouble.at(moment, "runs.turn", unavailable())
    mill.engine.turn()
    mill.engine.turn()
    assert mill.engine.statuses(run)["sales"] == ("completed" if landed else "failed")
    assert len(mill.versions("sales")) == landed
    assert (list(mill.engine.shelf.tasks) == ["next"]) == landed
    assert mill.engine.commits == []
    assert done.done() != landed
    outputs = mill.attempts(run, "sales")[0].outputs
    assert [each.extra["version"] for each in outputs] == [each.version for each in mill.versions("sales")]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_was_taken_up_while_it_commits_goes_on(mill: Mill, another: Mill, moment: str) -> None:
    run, _ = mill.begin(step("sales"), plain("side"))
    mill.stage("sales")
    mill.engine.turn()
    another.engine.trouble.at(moment, "runs.turn", unavailable())
    done = take_over(mill, another, run.id)
    another.engine.turn()
    assert len(another.engine.commits) == 1
    another.commit()
    another.engine.turn()
    another.engine.shelf.finish("side", "completed")
    another.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert len(another.commits_of("sales")) == 1


def test_a_drained_engine_is_idle_once_its_commits_are_recorded(mill: Mill) -> None:
    mill.begin(step("sales"), step("next", reads=["sales"], up=["sales"]))
    mill.stage("sales")
    mill.engine.turn()
    mill.engine.loop.drain(0)
    mill.engine.turn()
    assert not mill.engine.loop.idle
    mill.commit()
    mill.engine.turn()
    assert mill.engine.loop.idle
    assert mill.engine.shelf.tasks == {}


def test_a_run_that_is_let_go_commits_no_more(mill: Mill) -> None:
    run, lost = mill.begin(step("sales"), step("other", retries="often"))
    mill.stage("sales")
    mill.engine.turn()
    mill.engine.shelf.finish("other", "failed")
    mill.engine.turn()
    assert isinstance(lost.exception(0), ValueError)
    assert mill.engine.statuses(run) == {"sales": "cancelled", "other": "cancelled"}
    (attempt,) = mill.attempts(run, "sales")
    assert (attempt.status, attempt.reason, attempt.outputs) == (BlockStatus.CANCELLED, "let_go", ())
    assert isinstance(mill.once(mill.engine.commits[0]), Outdated)
    assert isinstance(mill.once(mill.engine.commits[1]), NotCommitted), "from now on it is void"
    place = names.absolute(mill.home, "datasets/sales")
    with pytest.raises(errors.DatasetRefused, match="settled before"):
        voiding.commit(place, mill.committer._staged(mill.engine.commits[0], clock.now()))


def test_a_commit_that_another_has_taken_up_is_not_made_void(mill: Mill, another: Mill) -> None:
    """Here the run is let go before that is known."""
    run, lost = mill.begin(step("sales"), step("other", retries="often"))
    mill.stage("sales")
    mill.engine.turn()
    take_over(mill, another, run.id)
    mill.engine.shelf.finish("other", "failed")
    mill.engine.turn()
    assert isinstance(lost.exception(0), ValueError)
    assert len(mill.engine.commits) == 1
    another.commit()
    another.engine.turn()
    assert another.engine.statuses(run)["sales"] == "completed"


def test_a_step_reads_what_a_step_of_its_run_has_made(mill: Mill) -> None:
    mill.begin(step("sales"))
    mill.run("sales")
    run, _ = mill.begin(step("sales"), step("next", reads=["SALES", "missing"], up=["sales"]))
    mill.run("sales")
    mine = mill.versions("sales")[-1].version
    mill.begin(step("sales"))
    mill.run("sales")
    assert mill.versions("sales")[-1].version > mine
    task = mill.engine.shelf.tasks["next"]
    assert [(each.name, each.version) for each in task.reads] == [("SALES", mine)]
    assert Path(task.reads[0].location) == mill.home / "datasets" / "sales"
    assert (task.inputs, task.writes) == ((), ("next",))
    assert mill.engine.statuses(run)["next"] == "running"


def test_what_no_step_of_the_run_writes_is_read_as_it_was_when_the_run_was_taken(mill: Mill, another: Mill) -> None:
    """Also by whoever takes it up, and where the step that writes it is not among the blocks of the run."""
    mill.begin(step("sales"))
    mill.run("sales")
    pinned = mill.versions("sales")[-1].version
    blocks = step("sales"), step("next", reads=["sales"], up=["sales"]), step("last", reads=["sales"], up=["next"])
    run, _ = mill.begin(*blocks, only=["next", "last"])
    assert [each.version for each in mill.engine.shelf.tasks["next"].reads] == [pinned]
    mill.begin(step("sales"))
    mill.run("sales")
    take_over(mill, another, run.id)
    another.run("next")
    assert [each.version for each in another.engine.shelf.tasks["last"].reads] == [pinned]


def test_a_python_block_below_a_step_is_given_its_output(mill: Mill) -> None:
    mill.begin(step("sales"), plain("below", up=["sales"]))
    mill.run("sales")
    (given,) = mill.engine.shelf.tasks["below"].inputs
    assert (given.block, given.outputs[0].codec, given.outputs[0].rows) == ("sales", "parquet", 1)


def test_whoever_asks_what_the_run_waits_for_is_told(mill: Mill) -> None:
    blocks = step("a"), step("b")
    run, _ = mill.begin(*blocks, limits=Limits(run_blocks=1))
    mill.stage("a")
    mill.engine.turn()
    with App(mill.settings) as app:
        told = {reason.block: reason.kind for reason in waits.of(app, runs.show(app, run.id))}
    assert told["a"] == "committing"
    assert told["b"] == "running", "what commits has no place that it could take from others"


def test_a_bookmark_moves_with_the_commit(mill: Mill) -> None:
    run, _ = mill.begin(step("load"))
    mill.stage("load", bookmark={"id": 9})
    mill.engine.turn()
    assert mill.engine.real.bookmarks.find(run.pipeline_id, "load") is None
    mill.commit()
    mill.engine.turn()
    found = mill.engine.real.bookmarks.find(run.pipeline_id, "load")
    assert found
    assert (found.value, found.attempt) == ({"id": 9}, mill.attempts(run, "load")[0].uid)


def test_a_load_that_replaces_what_another_has_loaded_has_that_begin_anew(mill: Mill) -> None:
    for block, mode in (("one", "replace"), ("other", "append"), ("other", "replace")):
        run, _ = mill.begin(step(block, writes="sales"))
        mill.run(block, mode=mode, bookmark={"id": 9})
        one, other = (mill.engine.real.bookmarks.find(run.pipeline_id, each) for each in ("one", "other"))
        assert (one is None, other is None) == (mode == "replace" and block == "other", block == "one")


# The threads


class Line:
    """What stands in for tables: each commit waits until it is let through."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.changed = threading.Condition()
        self.through: set[str] = set()

    def void(self, place: str, staged: Any) -> None:
        raise AssertionError("nobody else was ever at it")

    def commit(self, place: str, staged: Any, newest: int | None) -> Version:
        with self.changed:
            self.begun.append(staged.attempt)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: staged.attempt in self.through, 30)
        return Version(version=1, rows=0, bytes=0, schema=(), found=False)

    def let(self, *attempts: str) -> None:
        with self.changed:
            self.through |= set(attempts)
            self.changed.notify_all()

    def await_begun(self, *attempts: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: set(attempts) <= set(self.begun), 30)


class Told:
    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._changed = threading.Condition()

    def hear(self, told: Any) -> None:
        with self._changed:
            self.heard.append(told)
            self._changed.notify_all()

    def wait(self, count: int) -> list[str]:
        """The attempts that it was told of, once they are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, 30)
            return [each.commit.attempt for each in self.heard]

    def hear_of(self, attempt: str, kind: type) -> None:
        """Returns once it was told that of the attempt."""
        with self._changed:
            heard = lambda: any(each.commit.attempt == attempt and isinstance(each, kind) for each in self.heard)  # noqa: E731
            assert self._changed.wait_for(heard, 30)


def commit_of(attempt: str, dataset: str, epoch: int = 1) -> Commit:
    output = Output(dataset, DATASET, "parquet", "x", 1, extra={"dataset": dataset, "mode": "append"})
    return Commit(run_id=1, run="r", epoch=epoch, block="b", attempt=attempt, output=output)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def working(engine: Engine, home: Path, line: Line, told: Told, monkeypatch: pytest.MonkeyPatch) -> Committer:
    """A committer of which every attempt is to be committed."""
    monkeypatch.setattr(engine.real.runs, "is_committing", lambda attempt, epoch: True)
    committer = Committer(engine.store, Settings(home=home), told.hear, line)
    committer.expect()
    return committer


def test_commits_of_a_dataset_stand_in_line_and_others_pass_by(working: Committer, line: Line, told: Told) -> None:
    for attempt, dataset in (("a1", "a"), ("a2", "A"), ("b1", "b")):
        working.take(commit_of(attempt, dataset))
    line.await_begun("a1", "b1")
    line.let("b1")
    assert told.wait(1) == ["b1"]
    assert "a2" not in line.begun
    line.let("a1", "a2")
    assert told.wait(3) == ["b1", "a1", "a2"]
    working.take(commit_of("a3", "a"))
    line.let("a3")
    assert told.wait(4)[-1] == "a3"
    working.close()


def test_closing_waits_for_what_is_under_way_and_begins_nothing_more(
    working: Committer, line: Line, told: Told
) -> None:
    working.take(commit_of("a1", "a"))
    working.take(commit_of("a2", "a"))
    line.await_begun("a1")
    closing = threading.Thread(target=working.close)
    closing.start()
    with working._changed:
        assert working._changed.wait_for(lambda: working._closing, 30)
    working.take(commit_of("b1", "b"))
    assert closing.is_alive()
    line.let("a1", "a2", "b1")
    closing.join(30)
    assert (told.wait(1), line.begun) == (["a1"], ["a1"])


def test_a_database_that_is_away_is_asked_again(
    engine: Engine, working: Committer, line: Line, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.engine.committer.AGAIN", 0.01)
    engine.trouble.at("before", "datasets.ensure", unavailable())
    engine.trouble.at("before", "runs.is_committing", unavailable())
    line.let("a1")
    working.take(commit_of("a1", "a"))
    assert told.wait(1) == ["a1"]
    assert isinstance(told.heard[0], Committed)
    assert engine.trouble.coming == []
    working.close()


def test_closing_waits_for_no_database(engine: Engine, working: Committer, line: Line, told: Told) -> None:
    waiting = threading.Event()
    away: Callable[[], None] = lambda: (waiting.set(), _raise())[1]  # noqa: E731
    for _ in range(99):
        engine.trouble.then("before", "datasets.ensure", away)
    working.take(commit_of("a1", "a"))
    assert waiting.wait(30)
    working.close()
    assert (told.heard, line.begun) == ([], [])


def _raise() -> None:
    raise unavailable()


class Awaited(Shelf):
    """A shelf that says when something lies on it."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def submit(self, work: Slice) -> None:
        super().submit(work)
        self.came.set()


class Gate(Line):
    """The real tables, behind it."""

    def commit(self, place: str, staged: Any, newest: int | None) -> Version:
        super().commit(place, staged, newest)
        return voiding.commit(place, staged, newest)


def test_an_engine_that_ends_records_what_it_is_committing(store: Store, home: Path) -> None:
    mill, gate = Mill(Engine(store, home, shelf := Awaited())), Gate()
    engine = services.Engine(store, mill.settings, shelf, (), makers(store, mill.settings), own=True)
    engine._committer._tables = gate
    engine.start()
    mill.engine.name = engine.name
    run = mill.make(step("sales"), step("next", reads=["sales"], up=["sales"]))
    done = engine.take(run.id).done
    assert shelf.came.wait(30)
    said = mill.stage("sales")
    gate.await_begun(said.attempt)
    closing = threading.Thread(target=engine.close)
    closing.start()
    with engine._committer._changed:
        assert engine._committer._changed.wait_for(lambda: engine._committer._closing, 30)
    assert mill.engine.statuses(run)["sales"] == "committing"
    gate.let(said.attempt)
    closing.join(30)
    assert mill.engine.statuses(run)["sales"] == "completed"
    assert [each.attempt for each in mill.versions("sales")] == mill.commits_of("sales") == [said.attempt]
    assert isinstance(done.exception(0), errors.EngineClosed), "its run is for others to go on with"
