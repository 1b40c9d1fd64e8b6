"""Blocks ask for runs of other pipelines: they get their answers, and those that wait for a run hold no place meanwhile."""

import os
import signal
from collections.abc import Iterator

import pytest

from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import processes, wire

from .conftest import Desk, Site

ASK = "say(os.getpid()); say(started())"


@pytest.fixture
def narrow(site: Site, settings: Settings) -> Iterator[Desk]:
    """An executor with one place. When it is closed, none of its processes is left."""
    opened = Desk(local.Local(Settings(home=settings.home, workers=1, stop_grace=settings.stop_grace)))
    yield opened
    opened.executor.close()
    assert site.processes() == []


def _has_begun(desk: Desk, task: wire.Task) -> bool:
    """Whether a task was given to a worker; it is stopped to find out."""
    desk.executor.stop(task.attempt, "looked at")
    return desk.finished(task).started_at is not None


def test_a_question_is_reported_and_the_block_gets_its_answer(site: Site, narrow: Desk) -> None:
    task = site.task("say(started(waits=False, variables={'depth': 3}, schedule_name='by code'))")
    narrow.submit(task)
    request = wire.StartRun(pipeline="other", variables={"depth": 3}, trigger="by code")
    assert narrow.asked(task) == wire.Asked(attempt=task.attempt, number=1, request=request)
    narrow.answer(task, id=17)
    assert site.hear() == "17"
    assert narrow.finished(task).status == "completed"


def test_a_block_that_waits_for_a_run_leaves_its_place_to_the_next(site: Site, narrow: Desk) -> None:
    first, second, third = site.task(ASK), site.task(ASK), site.task("return 3")
    narrow.submit(first, second, third)
    assert narrow.asked(first).request.waits
    assert narrow.asked(second).request.waits
    assert narrow.finished(third).status == "completed"
    for task in (second, first):
        narrow.answer(task)
        assert narrow.finished(task).status == "completed"


def test_one_that_only_starts_a_run_keeps_its_place(site: Site, narrow: Desk) -> None:
    first, second = site.task("started(waits=False)"), site.task()
    narrow.submit(first, second)
    narrow.asked(first)
    assert not _has_begun(narrow, second)
    narrow.answer(first)
    assert narrow.finished(first).status == "completed"


def test_an_answered_block_goes_on_at_once_and_nothing_else_begins_until_there_is_room(
    site: Site, narrow: Desk
) -> None:
    waits = site.task("say(started()); wait_for('end')")
    beside = site.task("say('beside'); wait_for('go')")
    third, fourth = site.task(), site.task()
    narrow.submit(waits)
    narrow.asked(waits)
    narrow.submit(beside, third, fourth)
    assert site.hear() == "beside"
    narrow.answer(waits, id=5)
    assert site.hear() == "5"  # though the only place is taken
    site.let("go")
    assert narrow.finished(beside).status == "completed"
    assert not _has_begun(narrow, third)  # for now the first has the place
    site.let("end")
    assert narrow.finished(waits).status == "completed"
    assert narrow.finished(fourth).status == "completed"


def test_a_block_has_no_place_until_the_last_of_its_questions_is_answered(site: Site, narrow: Desk) -> None:
    asks = site.task(
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(3) as pool:
            say(sorted(pool.map(lambda _: started(), range(3))))
        """
    )
    narrow.submit(asks)
    numbers = [narrow.asked(asks, number).number for number in (1, 2, 3)]
    narrow.answer(asks, 3)
    narrow.answer(asks, 1)
    assert narrow.run(site.task()).status == "completed"  # there is a place for others
    narrow.answer(asks, 2)
    assert site.hear() == str(numbers)
    assert narrow.finished(asks).status == "completed"


def test_a_waiting_block_that_is_stopped_puts_its_things_in_order(site: Site, narrow: Desk) -> None:
    task = site.task(
        """
        try:
            started()
        finally:
            say('in order')
        """
    )
    narrow.submit(task)
    narrow.asked(task)
    narrow.executor.stop(task.attempt, "cancel_requested")
    assert site.hear() == "in order"
    finished = narrow.finished(task)
    assert (finished.status, finished.reason) == ("cancelled", "cancel_requested")
    narrow.answer(task)  # to nobody
    assert narrow.run(site.task()).status == "completed"


def test_a_waiting_block_times_out(site: Site, narrow: Desk) -> None:
    task = site.task("started()", timeout=0.2)
    narrow.submit(task)
    narrow.asked(task)
    finished = narrow.finished(task)
    assert (finished.status, finished.reason) == ("failed", "timed_out")
    assert finished.failure
    assert finished.failure.line, "where it waited is known"


def test_a_worker_that_is_killed_before_it_has_read_its_answer_has_had_its_try(site: Site, desk: Desk) -> None:
    task = site.task(ASK)
    desk.submit(task)
    pid = int(site.hear())
    desk.asked(task)
    os.kill(pid, signal.SIGSTOP)
    desk.answer(task)
    assert desk.run(site.task()).status == "completed"  # by now the answer was passed on
    os.kill(pid, signal.SIGKILL)
    finished = desk.finished(task)
    assert (finished.status, finished.reason) == ("failed", "worker_died")


def test_a_supervisor_that_is_killed_takes_what_waits_along(site: Site, narrow: Desk) -> None:
    task = site.task(ASK)
    narrow.submit(task)
    narrow.asked(task)
    (warden,) = site.wardens()
    (supervisor,) = processes.children(warden)
    os.kill(supervisor, signal.SIGKILL)
    assert narrow.finished(task).reason == "worker_died"
    narrow.answer(task)  # of an attempt that the next supervisor has never seen
    assert narrow.run(site.task()).status == "completed"


def test_what_a_block_has_forked_cannot_ask(site: Site, narrow: Desk) -> None:
    task = site.task(
        """
        pid = os.fork()
        if pid == 0:
            try:
                started()
            except Exception as error:
                say(type(error).__name__)
            os._exit(0)
        os.waitpid(pid, 0)
        """
    )
    assert narrow.run(task).status == "completed"
    assert site.hear() == "CannotAsk"


def test_the_answer_to_an_interrupted_question_is_heard_by_nobody(site: Site, narrow: Desk) -> None:
    task = site.task(
        """
        def impatient(*_):
            raise TimeoutError('no longer')
        signal.signal(signal.SIGALRM, impatient)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            started()
        except TimeoutError as error:
            say(error)
        say(started())
        """
    )
    narrow.submit(task)
    assert site.hear() == "no longer"
    narrow.answer(task, 1)
    narrow.asked(task, 2)
    narrow.answer(task, 2)
    assert site.hear() == "2"
    assert narrow.finished(task).status == "completed"
    assert narrow.run(site.task()).status == "completed"
