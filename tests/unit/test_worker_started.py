"""`trigger_pipeline` in a block: what it asks for, what it gives back, and what goes wrong with it."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Outcome, Site

from headrace.model.run import Failure, Run, RunStatus
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = Run(7, "run-7", 1, 1, 1, RunStatus.COMPLETED, "all blocks settled", {"depth": 2}, AT, AT, AT, AT, trigger_id=4)
CODE = """
from mage_ai.orchestration.triggers.api import trigger_pipeline

@custom
def block(*args, **kwargs):
    {body}
"""

Asking = Callable[..., tuple[wire.StartRun, Outcome]]


@pytest.fixture
def ask(site: Site) -> Asking:
    """Runs a block of that body, and answers its question; with the question, the outcome."""

    def run(body: str, answer: wire.Told | wire.Declined | None = None, **facts: Any) -> tuple[wire.StartRun, Outcome]:
        worker = site.fork()
        worker.begin(site.task(CODE.format(body=body), **facts))
        asked = worker.asked()
        told = answer or wire.Told(run=RUN, pipeline="other")
        worker.answer(wire.Answered(attempt=asked.attempt, number=asked.number, answer=told))
        return asked.request, worker.finish()

    return run


def _failure(outcome: Outcome) -> Failure:
    assert outcome.finished.failure
    return outcome.finished.failure


def test_without_more_the_run_is_started_and_not_waited_for(ask: Asking, site: Site) -> None:
    request, outcome = ask("return trigger_pipeline('other').id")
    trigger = "API_TRIGGER_CREATED_FROM_CODE"
    assert request == wire.StartRun(pipeline="other", variables={}, trigger=trigger)
    assert site.value(outcome) == 7
    assert (outcome.out, outcome.ready.retire) == ("", None)


def test_everything_that_is_asked_for_is_in_the_request(ask: Asking) -> None:
    request, _ = ask(
        "trigger_pipeline('other', variables={'depth': 2}, check_status=True, error_on_failure=True, poll_interval=5,"
        " poll_timeout=90, schedule_name='nightly', verbose=False)"
    )
    assert request == wire.StartRun(
        pipeline="other", variables={"depth": 2}, trigger="nightly", waits=True, patience=90.0
    )


def test_the_run_is_given_back_with_the_names_that_it_has_in_mage(ask: Asking, site: Site) -> None:
    _, outcome = ask(
        "run = trigger_pipeline('other'); return [run.id, run.pipeline_uuid, run.status.value, run.status == 'completed',"
        " str(run.execution_date), run.variables, str(run.completed_at), run.pipeline_schedule_id]"
    )
    moment = "2026-03-01 12:00:00+00:00"
    assert site.value(outcome) == [7, "other", "completed", True, moment, {"depth": 2}, moment, 4]


def test_a_project_elsewhere_may_be_named(ask: Asking, site: Site) -> None:
    request, _ = ask("trigger_pipeline('other', repo_path='/projects/mill')")
    assert request.project == "/projects/mill"
    request, _ = ask("trigger_pipeline('other', repo_path='mill')")
    assert request.project == str(Path(site.workplace.cwd, "mill"))


def test_variables_may_come_second_as_they_did(ask: Asking) -> None:
    request, _ = ask("trigger_pipeline('other', {'depth': 2})")
    assert (request.variables, request.project) == ({"depth": 2}, None)


def test_variables_are_made_plain(ask: Asking) -> None:
    request, _ = ask(
        "import datetime, numpy; trigger_pipeline('other', variables={'at': kwargs['at'], 'n': numpy.int64(3),"
        " 'day': datetime.date(2026, 3, 1), 'rows': (1, {2: None})})",
        variables={"at": AT},
    )
    assert request.variables == {"at": "2026-03-01T12:00:00Z", "n": 3, "day": "2026-03-01", "rows": [1, {"2": None}]}


@pytest.mark.parametrize(
    ("value", "why"),
    [("object()", "a builtins.object is not"), ("numpy.zeros(2)", "a numpy.ndarray is not"), ("'x' * 2**23", "bytes")],
)
def test_a_variable_that_is_not_plain_is_named(site: Site, value: str, why: str) -> None:
    outcome = site.run(CODE.format(body=f"import numpy; trigger_pipeline('other', variables={{'it': {value}}})"))
    failure = _failure(outcome)
    assert failure.type == "CannotPass"
    assert failure.message.startswith("The variable it cannot be given to a run: ")
    assert why in failure.message


def test_why_no_run_was_started_is_said_in_the_block(ask: Asking) -> None:
    _, outcome = ask(
        "trigger_pipeline('other')", wire.Declined("The project mill has no pipeline other; it has grind.")
    )
    failure = _failure(outcome)
    assert failure.type == "RunNotStarted"
    assert (
        failure.message == "The pipeline other was not started: The project mill has no pipeline other; it has grind."
    )


def test_how_a_run_that_was_waited_for_ended_is_printed(ask: Asking) -> None:
    _, outcome = ask("trigger_pipeline('other', check_status=True)")
    assert outcome.out == "Run 7 of the pipeline other is completed.\n"


def _told(status: RunStatus) -> wire.Told:
    return wire.Told(run=replace(RUN, status=status, reason="a block failed"), pipeline="other")


def test_a_failed_run_is_an_error_only_for_those_who_ask(ask: Asking, site: Site) -> None:
    _, outcome = ask("return trigger_pipeline('other', check_status=True).status.value", _told(RunStatus.FAILED))
    assert site.value(outcome) == "failed"
    _, outcome = ask("trigger_pipeline('other', check_status=True, error_on_failure=True)", _told(RunStatus.FAILED))
    failure = _failure(outcome)
    assert (failure.type, failure.message) == (
        "StartedRunFailed",
        "The run 7 of the pipeline other failed: a block failed.",
    )


def test_a_cancelled_run_is_given_back_as_it_is(ask: Asking, site: Site) -> None:
    body = "return trigger_pipeline('other', check_status=True, error_on_failure=True).status.value"
    _, outcome = ask(body, _told(RunStatus.CANCELLED))
    assert site.value(outcome) == "cancelled"


def test_a_run_that_is_not_done_in_time_is_an_error(ask: Asking) -> None:
    body = "trigger_pipeline('other', check_status=True, poll_timeout=1.5)"
    _, outcome = ask(body, _told(RunStatus.RUNNING))
    failure = _failure(outcome)
    assert failure.type == "StartedRunLate"
    assert failure.message == "The run 7 of the pipeline other was still running after 1.5 s; it goes on."


def test_remote_blocks_are_refused(site: Site) -> None:
    outcome = site.run(CODE.format(body="trigger_pipeline('other', remote_blocks=[{'block_uuid': 'a'}])"))
    assert _failure(outcome).message == "The pipeline other was not started: remote blocks are not supported."


LEAVING = """
import threading
from mage_ai.orchestration.triggers.api import trigger_pipeline

def linger(gate):
    open(gate).read()
    try:
        trigger_pipeline('other')
    except Exception as error:
        print(type(error).__name__, flush=True)

@custom
def block(*args, **kwargs):
    threading.Thread(target=linger, args=(kwargs['gate'],)).start()
"""


def test_what_a_block_leaves_behind_cannot_ask(site: Site, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    worker = site.fork()
    worker.begin(site.task(LEAVING, variables={"gate": str(tmp_path / "gate")}))
    assert worker.finish().ready.retire
    (tmp_path / "gate").write_text("go on")
    assert worker.read_line() == "CannotAsk\n"


INTERRUPTED = """
import signal
from mage_ai.orchestration.triggers.api import trigger_pipeline

def impatient(*_):
    raise TimeoutError

@custom
def block(*args, **kwargs):
    signal.signal(signal.SIGALRM, impatient)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        trigger_pipeline('other', check_status=True)
    except TimeoutError:
        return 'no longer'
"""


def test_a_question_that_was_interrupted_costs_the_worker_and_nothing_else(site: Site) -> None:
    worker = site.fork()
    worker.begin(site.task(INTERRUPTED))
    asked = worker.asked()
    outcome = worker.finish()
    assert site.value(outcome) == "no longer"
    assert outcome.ready.retire == "The block left behind questions without their answers (1)."
    worker.answer(wire.Answered(attempt=asked.attempt, number=1, answer=wire.Declined("too late")))
    assert site.value(worker.run(site.task("@custom\ndef block():\n    return 'as ever'"))) == "as ever"
