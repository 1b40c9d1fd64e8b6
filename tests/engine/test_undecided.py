"""Commits of which it is not known whether they were made: nothing is written twice, and nothing is said that may be wrong."""

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from tests.engine.committing import Mill, step
from tests.engine.parts import Engine
from tests.engine.test_committer import Line, Told, commit_of

from headrace import clock, errors
from headrace.datasets import committing, voiding
from headrace.datasets.committing import Committed as Version
from headrace.datasets.committing import Staged
from headrace.engine.commits import Committed, NotCommitted, Undecided
from headrace.engine.committer import AT_ONCE, Committer
from headrace.engine.lines import PAUSES, Lines, Waiting
from headrace.model.output import DATASET, Output
from headrace.model.run import RunStatus
from headrace.settings import Settings


@pytest.fixture
def mill(engine: Engine) -> Mill:
    return Mill(engine)


class Trouble:
    """What goes wrong whenever it is called, until it has done so often enough."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error = error
        self.times = times

    def __call__(self, *given: Any, **more: Any) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error


TOO_MANY = OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("times", [1, 3])
def test_what_goes_wrong_after_the_commit_has_landed_writes_nothing_twice(
    mill: Mill, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    run, done = mill.begin(step("sales", retries=1, delay=0))
    mill.stage("sales", [{"x": 1}], "append")
    mill.engine.turn()
    monkeypatch.setattr(committing, "settle", Trouble(TOO_MANY, times))
    told = mill.once(mill.engine.commits[0])
    assert isinstance(told, Committed if times == 1 else Undecided)
    mill.engine.loop.tell(told)
    mill.engine.turn()
    if times > 1:
        assert mill.engine.statuses(run) == {"sales": "committing"}
        mill.commit()
        mill.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert mill.rows("sales") == [{"x": 1}]
    assert len(mill.versions("sales")) == len(mill.commits_of("sales")) == 1


class Forgetful:
    """Tables that lose the answer of each commit, and perhaps the commit."""

    def __init__(self, *, made: bool) -> None:
        self._made = made

    def commit(self, place: str, staged: Staged, newest: int | None) -> Version:
        if self._made:
            voiding.commit(place, staged, newest)
        raise errors.DatasetInDoubt(place=place, why="no answer came")

    def void(self, place: str, staged: Staged) -> Version | None:
        return voiding.void(place, staged)


@pytest.mark.parametrize("made", [True, False])
def test_a_commit_whose_answer_was_lost_is_found_or_made_void(mill: Mill, made: bool) -> None:
    mill.committer = Committer(mill.engine.store, mill.settings, mill.engine.loop.tell, Forgetful(made=made))
    run, done = mill.begin(step("sales"))
    mill.run("sales", mode="append")
    (attempt,) = mill.attempts(run, "sales")
    assert done.result(0).status is (RunStatus.COMPLETED if made else RunStatus.FAILED)
    assert mill.commits_of("sales") == ([attempt.uid] if made else [])
    if not made:
        assert attempt.failure.type == "DatasetUnwritable"
        assert attempt.failure.message.endswith("cannot be written: no answer came. It is as it was.")


def test_what_cannot_be_written_into_a_folder_is_in_no_doubt(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder itself tells that nothing came."""
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(DeltaTable, "create_write_transaction", Trouble(full, 1))
    monkeypatch.setattr(voiding, "void", Trouble(AssertionError("it need not be made void"), 1))
    run, done = mill.begin(step("sales"))
    mill.run("sales")
    assert done.result(0).status is RunStatus.FAILED
    (attempt,) = mill.attempts(run, "sales")
    assert "No space left on device" in attempt.failure.message
    assert not [*(mill.home / "datasets" / "sales").glob("*.parquet")]


def test_a_table_that_was_put_back_gets_no_version_that_is_recorded_already(mill: Mill, tmp_path: Path) -> None:
    """The run fails, and is not let go with its rows in the table."""
    mill.begin(step("sales"))
    mill.run("sales", [{"x": 1}], "append")
    shutil.copytree(mill.home / "datasets" / "sales", tmp_path / "before")
    mill.begin(step("sales"))
    mill.run("sales", [{"x": 2}], "append")
    shutil.rmtree(mill.home / "datasets" / "sales")
    shutil.move(tmp_path / "before", mill.home / "datasets" / "sales")
    run, done = mill.begin(step("sales"))
    mill.run("sales", [{"x": 3}], "append")
    assert done.result(0).status is RunStatus.FAILED
    assert mill.attempts(run, "sales")[0].failure.type == "DatasetBehind"
    assert mill.rows("sales") == [{"x": 1}]


def test_of_a_table_that_was_put_back_nobody_knows_what_it_had(mill: Mill) -> None:
    mill.begin(step("sales"))
    mill.run("sales")
    mill.begin(step("sales"))
    mill.stage("sales")
    mill.engine.turn()
    shutil.rmtree(mill.home / "datasets" / "sales")
    assert isinstance(mill.once(replace(mill.engine.commits[0], taken_up=True)), Undecided)
    assert not (mill.home / "datasets" / "sales").exists(), "it may be put back yet"


def test_what_nobody_knew_of_a_lost_table_is_committed_once_that_is_begun_anew(mill: Mill) -> None:
    mill.begin(step("sales"))
    mill.run("sales")
    run, done = mill.begin(step("sales"))
    mill.stage("sales", [{"x": 2}])
    mill.engine.turn()
    shutil.rmtree(mill.home / "datasets" / "sales")
    commit = replace(mill.engine.commits[0], taken_up=True)
    assert isinstance(mill.once(commit), Undecided)
    committing.begin(str(mill.home / "datasets" / "sales-2"), 2)
    there = mill.engine.real.datasets.find("sales")
    assert there
    assert mill.engine.real.datasets.restart(there.id, there.location, "datasets/sales-2", clock.now())
    mill.engine.loop.tell(mill.once(commit))
    mill.engine.turn()
    assert done.result(0).status is RunStatus.COMPLETED
    assert [each.version for each in mill.versions("sales")] == [1, 3]
    assert mill.attempts(run, "sales")[0].outputs[0].extra["location"] == "datasets/sales-2"


@pytest.mark.parametrize("dataset", ["../../evil", "", "two words"])
def test_what_no_dataset_can_be_called_is_not_committed(mill: Mill, dataset: str) -> None:
    commit = replace(commit_of("a1", dataset), taken_up=True)
    told = mill.once(commit)
    assert isinstance(told, NotCommitted)
    assert told.failure.type == "BadDatasetName"


def test_what_is_no_output_of_a_dataset_is_not_committed(mill: Mill) -> None:
    told = mill.once(replace(commit_of("a1", "a"), output=Output("a", DATASET, "parquet", "x", 1), taken_up=True))
    assert isinstance(told, NotCommitted)


def test_a_run_that_is_let_go_when_its_commit_has_landed_is_told_of_in_the_log(
    mill: Mill, caplog: pytest.LogCaptureFixture
) -> None:
    """The table has its rows, and whoever looks after it is to know."""
    run, _ = mill.begin(step("sales"), step("other", retries="often"))
    mill.stage("sales")
    mill.engine.turn()
    assert isinstance(mill.once(mill.engine.commits[0]), Committed)
    mill.engine.shelf.finish("other", "failed")
    mill.engine.turn()
    mill.committer._make(_joined(mill.committer, Waiting(mill.engine.commits[1])))
    assert f"of run {run.id}, which was let go, has made version 1 of the dataset sales" in caplog.text


def _joined(committer: Committer, waiting: Waiting) -> Waiting:
    """It is under way."""
    committer._lines.join(waiting)
    assert committer._lines.take(0.0) is waiting
    return waiting


# Who is next


def waiting(attempt: str, dataset: str, doubts: int = 0, due: float = 0.0) -> Waiting:
    return Waiting(commit_of(attempt, dataset), doubts, due)


def test_of_one_dataset_one_is_made_at_a_time_the_first_first() -> None:
    lines, first, second, other = Lines(), waiting("a1", "a"), waiting("a2", "A"), waiting("b1", "b")
    for each in (first, second, other):
        lines.join(each)
    assert (lines.take(0.0), lines.take(0.0), lines.take(0.0)) == (first, other, None)
    lines.leave(first)
    assert lines.take(0.0) is second


def test_one_in_doubt_steps_aside() -> None:
    """Others of its dataset pass it, those that were never tried come first, and one in doubt is tried at a time."""
    lines, early, late, fresh = Lines(), waiting("a1", "a", 1, 5.0), waiting("b1", "b", 1, 6.0), waiting("a2", "a")
    for each in (early, late, fresh):
        lines.join(each)
    assert (lines.pause(0.0), lines.pause(5.5), lines.pause(6.0)) == (5.0, 0.5, None)
    assert (lines.take(6.0), lines.take(6.0), lines.take(6.0)) == (fresh, late, None)
    lines.leave(fresh)
    assert lines.take(6.0) is None
    lines.leave(late)
    assert lines.take(4.0) is None
    assert lines.take(6.0) is early


def test_the_longer_it_is_in_doubt_the_rarer_it_is_tried() -> None:
    each, dues = waiting("a1", "a"), list[float]()
    for _ in range(len(PAUSES) + 1):
        each = each.doubted(100.0)
        dues.append(each.due - 100.0)
    assert tuple(dues) == (*PAUSES, PAUSES[-1])
    assert each.doubts == len(PAUSES) + 1


# The threads


class Doubtful(Line):
    """Of the dataset `a` nobody knows what becomes, until it is said that it is known."""

    def __init__(self) -> None:
        super().__init__()
        self.known = False

    def commit(self, place: str, staged: Any, newest: int | None) -> Version:
        if place.endswith("/a") and not self.known:
            raise errors.DatasetInDoubt(place=place, why="no answer came")
        return super().commit(place, staged, newest)

    def void(self, place: str, staged: Any) -> None:
        raise errors.DatasetUnwritable(place=place, why="no answer came")


class Panic(BaseException):
    """As a library raises that is written in another language."""


class Panicking(Line):
    """Tables whose library panics once."""

    def commit(self, place: str, staged: Any, newest: int | None) -> Version:
        if staged.attempt not in self.begun:
            self.begun.append(staged.attempt)
            raise Panic("drawn")
        return super().commit(place, staged, newest)


def committer(engine: Engine, home: Path, told: Told, line: Line, monkeypatch: pytest.MonkeyPatch) -> Committer:
    """Of which every attempt is to be committed, and soon tried again."""
    monkeypatch.setattr(engine.real.runs, "is_committing", lambda attempt, epoch: True)
    monkeypatch.setattr("headrace.engine.lines.PAUSES", (0.01,))
    made = Committer(engine.store, Settings(home=home), told.hear, line)
    made.expect()
    return made


def test_one_in_doubt_holds_up_nobody(engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, line = Told(), Doubtful()
    working = committer(engine, home, told, line, monkeypatch)
    line.let("a1", "b1")
    working.take(commit_of("a1", "a"))
    told.wait(2)
    working.take(commit_of("b1", "b"))
    told.hear_of("b1", Committed)
    line.known = True
    told.hear_of("a1", Committed)
    working.close()


def test_what_cannot_be_committed_holds_up_nobody(engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, line = Told(), Line()
    working = committer(engine, home, told, line, monkeypatch)
    line.let("b1")
    working.take(commit_of("a1", "../../evil"))
    working.take(commit_of("b1", "b"))
    told.hear_of("a1", NotCommitted)
    told.hear_of("b1", Committed)
    working.close()


def test_a_library_that_panics_ends_no_thread(engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, line = Told(), Panicking()
    working = committer(engine, home, told, line, monkeypatch)
    line.let("a1")
    working.take(commit_of("a1", "a"))
    told.hear_of("a1", Undecided)
    told.hear_of("a1", Committed)
    working.close()


def test_so_many_are_made_at_once_and_no_more(engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, line = Told(), Line()
    working = committer(engine, home, told, line, monkeypatch)
    names = [f"d{place}" for place in range(AT_ONCE + 1)]
    for name in names:
        working.take(commit_of(name, name))
    line.await_begun(*names[:AT_ONCE])
    assert [thread.is_alive() for thread in working._threads] == [True] * AT_ONCE, "nobody else begins one"
    line.let(names[0])
    line.await_begun(*names)
    line.let(*names)
    assert sorted(told.wait(len(names))) == names
    working.close()
