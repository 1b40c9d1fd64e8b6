"""Blocks that start runs of other pipelines and wait for them, with one worker, on every database, whatever is killed."""

import os
import signal
from collections.abc import Callable

import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until

CALL = """\
from mage_ai.orchestration.triggers.api import trigger_pipeline

@custom
def {name}(*args, **kwargs):
    {body}
"""


@pytest.fixture
def calling(mill: Folder) -> Callable[..., None]:
    """Adds a pipeline of one block with that body."""

    def write(name: str, body: str) -> None:
        mill.write(f"custom/in_{name}.py", CALL.format(name=name, body=body))
        mill.pipeline(name, {f"in_{name}": []})

    return write


@pytest.fixture
def chain(calling: Callable[..., None]) -> None:
    """Pipelines `top` → `middle` → `low`, each of which starts the next and waits for it."""
    calling("top", "return trigger_pipeline('middle', variables={'n': 1}, check_status=True).variables")
    calling("middle", "return trigger_pipeline('low', variables={'n': kwargs['n'] + 1}, check_status=True).id")
    calling("low", "return kwargs['n']")


def _runs(headrace: Command) -> dict[str, str]:
    return {each["pipeline"]: each["status"] for each in headrace("runs", "list", "-o", "json").json}


@pytest.mark.usefixtures("chain")
def test_one_worker_is_enough_for_runs_that_wait_for_runs(anywhere: Command) -> None:
    said = anywhere("run", "mill", "top", HEADRACE_WORKERS="1")
    assert "Run 1 of top completed" in said.out
    assert _runs(anywhere) == {"top": "completed", "middle": "completed", "low": "completed"}
    shown = anywhere("runs", "show", 3, "-o", "json").json
    assert shown["variables"]["n"] == 2
    assert "Run 2 of the pipeline middle is completed." in anywhere("runs", "logs", 1).out


@pytest.mark.usefixtures("chain")
def test_an_engine_with_one_worker_is_enough_too(anywhere: Command) -> None:
    with anywhere.engine(HEADRACE_WORKERS="1") as engine:
        for _ in range(3):
            anywhere("run", "mill", "top", "--detach")
        told = ""
        while told.count("completed after") < 9:
            told += until(engine, "completed after")
    assert set(_runs(anywhere).values()) == {"completed"}


@pytest.mark.usefixtures("chain")
def test_two_engines_share_what_is_started(postgres: Command) -> None:
    with postgres.engine(HEADRACE_WORKERS="1") as one, postgres.engine(HEADRACE_WORKERS="1") as two:
        for _ in range(4):
            postgres("run", "mill", "top", "--detach")
        for run in range(1, 5):
            until_final(postgres, run)
        for engine in (one, two):
            engine.terminate()
            engine.communicate(timeout=PATIENCE)
    runs = postgres("runs", "list", "-o", "json").json
    assert [each["status"] for each in runs] == ["completed"] * 12


def until_final(headrace: Command, run: int) -> None:
    """Until the run is final; asked again and again, as people do."""
    while headrace("runs", "show", run, "-o", "json").json["status"] in ("initial", "running"):
        pass


def test_a_pipeline_that_there_is_not_is_named_in_the_block_s_failure(
    headrace: Command, calling: Callable[..., None]
) -> None:
    calling("top", "trigger_pipeline('nowhere', check_status=True)")
    headrace("run", "mill", "top", code=1)
    failure = headrace("runs", "show", 1, "-o", "json").json["blocks"][0]["attempts"][0]["failure"]
    assert failure["type"] == "RunNotStarted"
    assert failure["message"].startswith(
        "The pipeline nowhere was not started: The project mill has no pipeline nowhere;"
    )
    assert _runs(headrace) == {"top": "failed"}


def test_a_started_run_that_fails_is_an_error_for_those_who_ask(
    headrace: Command, calling: Callable[..., None]
) -> None:
    calling("top", "trigger_pipeline('low', check_status=True, error_on_failure=True)")
    calling("low", "raise ValueError('no such flight')")
    headrace("run", "mill", "top", code=1)
    assert _runs(headrace) == {"top": "failed", "low": "failed"}
    assert "StartedRunFailed: The run 2 of the pipeline low failed" in headrace("runs", "why", 1).out


def test_a_run_that_nobody_waits_for_is_left_to_an_engine(headrace: Command, calling: Callable[..., None]) -> None:
    calling("top", "return trigger_pipeline('grind', schedule_name='from top').id")
    headrace("run", "mill", "top")
    assert _runs(headrace) == {"top": "completed", "grind": "initial"}
    with headrace.engine() as engine:
        until(engine, "run 2 completed")


@pytest.fixture
def slow(calling: Callable[..., None], mill: Folder) -> None:
    """`top` waits for `slow`, whose block waits to be let go."""
    calling("top", "return trigger_pipeline('slow', check_status=True).status.value")
    mill.block("lingers", Meeting.BODY)
    mill.pipeline("slow", {"lingers": []})


@pytest.mark.usefixtures("slow")
def test_a_cancelled_run_leaves_what_it_has_started(headrace: Command, meeting: Meeting) -> None:
    with headrace.engine(HEADRACE_WORKERS="1") as engine:
        headrace("run", "mill", "top", "--detach")
        meeting.wait()
        assert "waits for a run" in headrace("runs", "why", 1).out
        headrace("runs", "cancel", 1)
        until(engine, "run 1 cancelled")
        meeting.let_go()
        until(engine, "run 2 completed")


@pytest.mark.usefixtures("slow")
def test_an_engine_that_is_killed_while_a_block_waits_is_followed_by_another(
    anywhere: Command, meeting: Meeting
) -> None:
    with anywhere.engine(HEADRACE_WORKERS="1") as engine:
        anywhere("run", "mill", "top", "--detach")
        meeting.wait()
        os.kill(engine.pid, signal.SIGKILL)
    with anywhere.engine(HEADRACE_WORKERS="1") as engine:
        for _ in range(2):  # that of the first attempt goes on, and the second has started another
            meeting.wait()
            meeting.let_go()
        until(engine, "run 1 completed")
    runs = anywhere("runs", "list", "-o", "json").json
    assert [each["status"] for each in runs] == ["completed"] * 3
    reasons = [each["reason"] for each in anywhere("runs", "show", 1, "-o", "json").json["blocks"][0]["attempts"]]
    assert reasons == ["engine_died", "returned"]
