"""What blocks ask is answered: a run is started once, and whoever waits for it hears of its end, wherever that comes from."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.between import Gated, Trouble
from tests.engine.parts import AT, Engine, new_run, pin, project, unavailable
from tests.newest import newest

from headrace import clock, errors
from headrace.engine import answers
from headrace.engine.answers import Answers, Question
from headrace.engine.secrets import Secrets
from headrace.model.run import Run, RunStatus
from headrace.store import Store
from headrace.store.runs import Key
from headrace.store.secrets import purpose
from headrace.vault import Vault
from headrace.worker import wire

PATIENCE = 30.0  # seconds after which a test gives up; the machine may be busy


class Desk:
    """Answers, and what they told."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.trouble = Trouble()
        self.real = store
        self.store = Gated(store, self.trouble)
        self.pinned = pin(store, project(folder), {"a": ()})
        self.told: queue.SimpleQueue[wire.Answered] = queue.SimpleQueue()
        self.fails: list[Exception] = []
        self.secrets = Secrets(self.store, Vault(folder.parent / "home"))
        self.answers = Answers(self.store, self._start, self.secrets.answer, self.told.put)

    def _start(self, question: Question, request: wire.StartRun) -> Run:
        """A run of a pipeline of one block, that any engine may move."""
        new = new_run(self.pinned, {"a": ()}, Key(question.key, "a"))
        run = self.store.runs.create(new, AT).run
        if self.fails:
            raise self.fails.pop(0)
        return run

    def ask(self, number: int = 1, *, waits: bool = True, patience: float | None = None) -> None:
        request = wire.StartRun(pipeline="child", variables={}, trigger="by code", waits=waits, patience=patience)
        self.answers.ask(Question(wire.Asked(attempt="a1", number=number, request=request), Path("/p"), 7, 1, "b"))

    def ask_secret(self, name: str) -> None:
        asked = wire.Asked(attempt="a1", number=1, request=wire.ReadSecret(name))
        self.answers.ask(Question(asked, Path("/p"), self.pinned.project.id, 1, "b"))

    def hear(self) -> wire.Answered:
        return self.told.get(timeout=PATIENCE)

    def runs(self) -> list[Run]:
        return [each.run for each in newest(self.real, 10)][::-1]

    def close_run(self, status: RunStatus = RunStatus.COMPLETED) -> Run:
        """The one run that there is ends, moved by somebody else."""
        (run,) = self.runs()
        assert self.real.runs.close(run.id, None, status, "elsewhere", AT)
        return self.real.runs.get(run.id)


@pytest.fixture
def desk(store: Store, home: Path) -> Iterator[Desk]:
    made = Desk(store, home.parent / "p")
    yield made
    made.answers.close()


@pytest.fixture
def waiting(desk: Desk) -> Desk:
    """One of which nobody looks by itself, and that waits for a run."""
    desk.ask()
    assert desk.answers._woken.wait(PATIENCE)
    return desk


def test_who_does_not_wait_is_told_of_the_run_once_it_exists(desk: Desk) -> None:
    desk.ask(waits=False)
    (told, run) = desk.hear(), desk.runs()[0]
    assert told == wire.Answered(attempt="a1", number=1, answer=wire.Told(run=run, pipeline="child"))


def test_who_waits_is_told_of_the_end_by_the_loop(waiting: Desk, engine: Engine) -> None:
    (run,) = waiting.runs()
    waiting.answers.told(run, ())
    assert waiting.told.empty()  # it is only created
    ended = waiting.close_run()
    waiting.answers.told(ended, ())
    assert waiting.hear().answer == wire.Told(run=ended, pipeline="child")
    waiting.answers.told(ended, ())
    waiting.answers.run_once(0.0)
    assert waiting.told.empty()  # once


def test_who_waits_is_told_of_an_end_that_only_the_row_knows(waiting: Desk) -> None:
    waiting.answers.run_once(0.0)
    assert waiting.told.empty()
    ended = waiting.close_run(RunStatus.FAILED)
    waiting.answers.run_once(0.0)
    assert waiting.hear().answer == wire.Told(run=ended, pipeline="child")


def test_a_ring_has_the_rows_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LOOK", PATIENCE)
    desk.ask()
    desk.answers.start()
    while not desk.runs():
        pass
    ended = desk.close_run()
    desk.answers.wake()
    assert desk.hear().answer == wire.Told(run=ended, pipeline="child")


def test_a_ring_that_is_lost_costs_one_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LOOK", 0.01)
    desk.ask()
    desk.answers.start()
    while not desk.runs():
        pass
    ended = desk.close_run()
    assert desk.hear().answer == wire.Told(run=ended, pipeline="child")


def test_a_run_that_was_final_before_anybody_looked_is_told_of(desk: Desk) -> None:
    desk.ask(waits=False)
    desk.hear()
    ended = desk.close_run()
    desk.answers.start()
    desk.ask()  # the same question once more
    assert desk.hear().answer == wire.Told(run=ended, pipeline="child")


def test_patience_that_is_over_gets_the_run_as_it_is(desk: Desk) -> None:
    desk.answers.start()
    desk.ask(patience=0.01)
    (run,) = [desk.hear().answer, desk.runs()][1]
    assert run.status is RunStatus.INITIAL
    desk.answers.told(desk.close_run(), ())
    assert desk.told.empty()


def test_patience_that_is_over_ends_no_other_wait(waiting: Desk) -> None:
    waiting.answers._woken.clear()
    waiting.ask(2, patience=60.0)
    assert waiting.answers._woken.wait(PATIENCE)
    assert 0 < (waiting.answers._patience(clock.monotonic()) or 0) <= answers.LOOK
    waiting.answers.run_once(clock.monotonic() + 61)
    assert waiting.hear().number == 2
    assert waiting.told.empty()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (errors.PipelineNotFound(project="p", pipeline="x", names="a"), "The project p has no pipeline x; it has a."),
        (OSError(28, "No space left"), "OSError: [Errno 28] No space left"),
    ],
)
def test_what_cannot_be_started_is_declined_with_the_reason(
    desk: Desk, error: Exception, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fails = [error]
    desk.ask()
    assert desk.hear().answer == wire.Declined(why)
    assert bool(caplog.records) == isinstance(
        error, OSError
    )  # what nobody foresaw is for whoever looks after the engine


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_database_that_does_not_answer_is_asked_again_and_makes_one_run(
    desk: Desk, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "AGAIN", 0.01)
    desk.trouble.at(moment, "runs.create", unavailable())
    desk.ask(waits=False)
    assert isinstance(desk.hear().answer, wire.Told)
    assert desk.trouble.calls.count("runs.create") == 2
    assert len(desk.runs()) == 1


@pytest.mark.parametrize("call", ["runs.settled", "runs.get"])
def test_rows_that_cannot_be_looked_at_are_looked_at_again(waiting: Desk, call: str) -> None:
    ended = waiting.close_run()
    waiting.trouble.at("before", call, unavailable())
    waiting.answers.run_once(0.0)
    assert waiting.told.empty()
    waiting.answers.run_once(0.0)
    assert waiting.hear().answer == wire.Told(run=ended, pipeline="child")


def test_a_run_whose_row_cannot_be_read_is_an_answer_too_and_others_are_told(waiting: Desk) -> None:
    waiting.answers._woken.clear()
    waiting.ask(2)
    assert waiting.answers._woken.wait(PATIENCE)
    for run in waiting.runs():
        waiting.real.runs.close(run.id, None, RunStatus.COMPLETED, "elsewhere", AT)
    waiting.trouble.at("before", "runs.get", errors.RowUnreadable(row="run 1", why="it is poisoned"))
    waiting.answers.run_once(0.0)
    first, second = waiting.hear().answer, waiting.hear().answer
    assert isinstance(first, wire.Declined)
    assert "it is poisoned" in first.why
    assert isinstance(second, wire.Told)


def test_nothing_is_answered_any_more_once_it_is_closed(waiting: Desk) -> None:
    waiting.answers.start()
    waiting.answers.close()
    waiting.close_run()
    waiting.answers.wake()
    assert waiting.told.empty()


def test_a_close_waits_for_no_database(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "AGAIN", PATIENCE)
    desk.fails = [unavailable()]
    desk.ask()
    while not desk.trouble.calls:
        pass
    before = clock.monotonic()
    desk.answers.close()
    assert clock.monotonic() - before < PATIENCE / 2


def test_a_secret_is_told_with_what_is_to_be_masked_of_it(desk: Desk, home: Path) -> None:
    desk.real.secrets.set(None, "K", Vault(home).seal("one/two", purpose(None, "K")), AT)
    desk.ask_secret("K")
    assert desk.hear() == wire.Answered(attempt="a1", number=1, answer=wire.Secret("one/two", ("one%2Ftwo", "one/two")))
    desk.ask_secret("k")
    assert desk.hear().answer == wire.Secret(None)


def test_a_secret_that_cannot_be_opened_is_declined_by_its_name(desk: Desk, home: Path) -> None:
    desk.real.secrets.set(None, "K", Vault(home).seal("one", purpose(None, "L")), AT)
    desk.ask_secret("K")
    why = "What was sealed for secret all/K cannot be opened: it is not as it was sealed."
    assert desk.hear().answer == wire.Declined(why)


def test_a_secret_is_told_once_the_database_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "AGAIN", 0.0)
    desk.trouble.at("before", "secrets.marks", unavailable())
    desk.ask_secret("K")
    assert desk.hear().answer == wire.Secret(None)


def test_a_secret_does_not_wait_for_runs_that_are_being_started(desk: Desk) -> None:
    held, go = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        held.release()
        assert go.wait(PATIENCE)

    for number in range(answers.AT_ONCE):
        desk.trouble.then("before", "runs.create", hold)
        desk.ask(number, waits=False)
    for _ in range(answers.AT_ONCE):
        assert held.acquire(timeout=PATIENCE)
    desk.ask_secret("K")
    assert desk.hear().answer == wire.Secret(None)
    go.set()
    assert all(isinstance(desk.hear().answer, wire.Told) for _ in range(answers.AT_ONCE))
