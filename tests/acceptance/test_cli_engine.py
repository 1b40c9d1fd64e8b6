"""`headrace engine`: runs that are left to an engine come to their end, whatever becomes of engines meanwhile."""

import signal

import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until


@pytest.fixture
def slow(mill: Folder) -> Folder:
    """The project, whose first block waits to be let go."""
    mill.block("sow", Meeting.BODY)
    return mill


def _statuses(headrace: Command) -> list[str]:
    return [each["status"] for each in headrace("runs", "list", "-o", "json").json]


def _reasons(headrace: Command, block: int = 0) -> list[str]:
    attempts = headrace("runs", "show", 1, "-o", "json").json["blocks"][block]["attempts"]
    return [each["reason"] for each in attempts]


def test_a_run_is_left_to_an_engine_and_its_number_is_printed(anywhere: Command, mill: Folder) -> None:
    with anywhere.engine() as engine:
        said = anywhere("run", "mill", "grind", "--detach")
        assert (said.out, said.err) == ("1\n", "")
        told = until(engine, "completed")
        assert "run 1 running" in told
        assert "run 1 completed after" in told
    assert _statuses(anywhere) == ["completed"]


def test_what_waited_before_the_engine_is_taken_up(headrace: Command, mill: Folder) -> None:
    said = headrace("run", "mill", "grind", "--detach")
    assert said.out == "1\n"
    assert said.err == "No engine runs that would take it up: start one with `headrace engine`.\n"
    assert _statuses(headrace) == ["initial"]
    with headrace.engine() as engine:
        until(engine, "run 1 completed")


def test_a_quiet_engine_tells_nothing_of_runs(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    headrace("run", "mill", "grind", "--detach")
    with headrace.engine("--quiet") as engine:
        meeting.wait()
        meeting.let_go()
        engine.terminate()
        out, _ = engine.communicate(timeout=PATIENCE)
    assert "run 1" not in out


def test_a_home_has_one_engine(headrace: Command) -> None:
    with headrace.engine():
        refused = headrace("engine", code=2)
    assert refused.err.startswith("error: An engine runs already in the home ")


def test_engines_of_one_database_share_its_runs(postgres: Command, slow: Folder, meeting: Meeting) -> None:
    """Each has one place for a block, so that two blocks at once are two engines'."""
    with postgres.engine(HEADRACE_WORKERS="1") as first, postgres.engine(HEADRACE_WORKERS="1") as second:
        for _ in range(7):
            postgres("run", "mill", "grind", "--detach")
        meeting.wait()
        meeting.wait()
        meeting.let_go(7)
        for _ in range(5):
            meeting.wait()
        ends = [engine.communicate(timeout=PATIENCE) for engine in _ended(first, second)]
    assert all("running" in out for out, _ in ends)


def _ended(*engines):
    for engine in engines:
        engine.terminate()
    return engines


def test_an_engine_asked_to_end_waits_for_what_runs_and_leaves_the_rest(
    anywhere: Command, slow: Folder, meeting: Meeting
) -> None:
    anywhere("run", "mill", "grind", "--detach")
    with anywhere.engine() as engine:
        meeting.wait()
        engine.terminate()
        until(engine, "Ending: nothing more is begun")
        meeting.let_go()
        assert engine.wait(PATIENCE) == 0
    shown = anywhere("runs", "show", 1, "-o", "json").json
    assert [each["status"] for each in shown["blocks"]] == ["completed", "queued", "initial"]
    with anywhere.engine() as engine:
        until(engine, "run 1 completed")
    assert _reasons(anywhere) == ["returned"]


def test_what_runs_beyond_the_grace_is_tried_again_by_the_next_engine(
    anywhere: Command, slow: Folder, meeting: Meeting
) -> None:
    anywhere("run", "mill", "grind", "--detach")
    with anywhere.engine("--grace", "0") as engine:
        meeting.wait()
        engine.send_signal(signal.SIGINT)
        assert engine.wait(PATIENCE) == 0
    with anywhere.engine() as engine:
        meeting.wait()
        meeting.let_go()
        until(engine, "run 1 completed")
    assert _reasons(anywhere) == ["engine_died", "returned"]


@pytest.mark.parametrize(("asked", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_the_engine_at_once(
    headrace: Command, slow: Folder, meeting: Meeting, asked: signal.Signals, code: int
) -> None:
    headrace("run", "mill", "grind", "--detach")
    with headrace.engine() as engine:
        meeting.wait()
        engine.send_signal(asked)
        until(engine, "Ending")
        engine.send_signal(asked)
        assert engine.wait(PATIENCE) == code


def test_a_killed_engine_is_followed_by_the_next(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    anywhere("run", "mill", "grind", "--detach")
    with anywhere.engine() as engine:
        meeting.wait()
        engine.kill()
        engine.wait(PATIENCE)
    with anywhere.engine() as engine:
        meeting.wait()
        meeting.let_go()
        until(engine, "run 1 completed")
    assert _reasons(anywhere) == ["engine_died", "returned"]
    assert _reasons(anywhere, 1) == ["returned"]


def test_a_run_beside_an_engine_is_moved_by_who_began_it(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    with headrace.engine() as engine:
        beside = headrace.start("run", "mill", "grind")
        meeting.wait()
        headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        meeting.let_go(2)
        out, err = beside.communicate(timeout=PATIENCE)
        assert beside.returncode == 0, out + err
        assert "run 1" not in until(engine, "run 2 completed")


def test_what_a_run_that_was_killed_leaves_is_taken_up(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    with headrace.engine() as engine:
        beside = headrace.start("run", "mill", "grind")
        meeting.wait()
        beside.kill()
        beside.communicate(timeout=PATIENCE)
        meeting.wait()
        meeting.let_go()
        until(engine, "run 1 completed")
    assert _reasons(headrace) == ["engine_died", "returned"]


def test_a_limit_on_runs_lets_them_go_one_after_the_other(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    slow.pipeline("grind", {"sow": []}, concurrency_config={"pipeline_run_limit_all_triggers": 1})
    with anywhere.engine() as engine:
        for _ in range(2):
            anywhere("run", "mill", "grind", "--detach")
        meeting.wait()
        assert _statuses(anywhere) == ["initial", "running"]
        meeting.let_go()
        until(engine, "run 1 completed")
        meeting.wait()
        meeting.let_go()
        until(engine, "run 2 completed")


def test_a_limit_that_says_skip_cancels_what_finds_no_room(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    limit = {"pipeline_run_limit_all_triggers": 1, "on_pipeline_run_limit_reached": "skip"}
    slow.pipeline("grind", {"sow": []}, concurrency_config=limit)
    with headrace.engine() as engine:
        headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        headrace("run", "mill", "grind", "--detach")
        assert "a limit on its runs was reached" in until(engine, "run 2 cancelled")
        meeting.let_go()
        until(engine, "run 1 completed")


def test_the_same_key_is_the_same_run(headrace: Command, mill: Folder) -> None:
    words = ["run", "mill", "grind", "--detach", "--key", "today", "--var", "n=1"]
    assert [headrace(*words).out for _ in range(2)] == ["1\n", "1\n"]
    refused = headrace("run", "mill", "grind", "--detach", "--key", "today", "--var", "n=2", code=2)
    assert "today" in refused.err
    assert headrace("run", "mill", "grind", "--detach", "--key", "tomorrow").out == "2\n"


def test_a_key_goes_on_with_its_run_or_tells_how_it_ended(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    words = ["run", "mill", "grind", "--key", "today"]
    process = headrace.start(*words)
    meeting.wait()
    assert headrace(*words, code=2).err == "error: The run 1 cannot be resumed: it is running.\n"
    process.kill()
    process.communicate(timeout=PATIENCE)
    process = headrace.start(*words)
    meeting.wait()
    meeting.let_go()
    out, err = process.communicate(timeout=PATIENCE)
    assert "Run 1 of grind completed" in out, err
    assert err == "Run 1 was started before, with this key.\n"
    assert "Run 1 of grind completed" in headrace(*words).out
    assert _statuses(headrace) == ["completed"]


def test_a_run_ends_when_its_time_is_over(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    said = headrace("run", "mill", "grind", "--timeout", "0.2", code=1)
    assert "Run 1 of grind failed after" in said.out
    assert "0.2 s, which is its timeout" in headrace("runs", "why", 1).out
    assert "200 ms after its start it ends as failed" in headrace("runs", "show", 1).out


@pytest.mark.parametrize("given", ["0", "-1", "soon"])
def test_a_timeout_that_is_none(headrace: Command, mill: Folder, given: str) -> None:
    assert "--timeout" in headrace("run", "mill", "grind", "--timeout", given, code=2).err
