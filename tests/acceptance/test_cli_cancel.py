"""`headrace runs cancel`: a run is asked to end, whoever moves it, and whether anybody does."""

import signal

from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until


def test_a_run_of_an_engine_is_cancelled(anywhere: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", Meeting.BODY)
    with anywhere.engine() as engine:
        anywhere("run", "mill", "grind", "--detach")
        meeting.wait()
        said = anywhere("runs", "cancel", 1)
        assert said.out.startswith("Run 1 is asked to be cancelled; headrace runs why 1 ")
        assert said.err == ""
        until(engine, "run 1 cancelled")
    shown = anywhere("runs", "show", 1, "-o", "json").json
    assert [each["status"] for each in shown["blocks"]] == ["cancelled"] * 3
    assert shown["blocks"][0]["attempts"][0]["reason"] == "cancel_requested"


def test_who_began_a_run_is_told_that_another_cancelled_it(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", Meeting.BODY)
    process = headrace.start("run", "mill", "grind")
    meeting.wait()
    headrace("runs", "cancel", 1)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, out + err
    assert "Run 1 of grind cancelled" in out


def test_a_run_that_nobody_moves_is_cancelled_by_the_next_engine(headrace: Command, mill: Folder) -> None:
    headrace("run", "mill", "grind", "--detach")
    said = headrace("runs", "cancel", 1)
    assert said.err == "No engine runs that would take it up: start one with `headrace engine`.\n"
    assert "its cancel was asked for at" in headrace("runs", "why", 1).out
    with headrace.engine() as engine:
        until(engine, "run 1 cancelled")


def test_a_final_run_has_nothing_to_cancel(headrace: Command, mill: Folder) -> None:
    headrace("run", "mill", "grind")
    said = headrace("runs", "cancel", 1, code=2)
    assert said.err == "error: The run 1 is completed already; there is nothing left to cancel.\n"
    assert headrace("runs", "cancel", 2, code=2).err == "error: There is no run 2.\n"


def test_a_run_whose_cancel_was_left_half_way_goes_on_by_hand(
    headrace: Command, mill: Folder, meeting: Meeting
) -> None:
    mill.block("sow", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + Meeting.BODY)
    process = headrace.start("run", "mill", "grind", HEADRACE_STOP_GRACE="40")
    meeting.wait()
    process.send_signal(signal.SIGINT)
    until(process, "sow")
    headrace("runs", "cancel", 1)
    process.kill()
    process.communicate(timeout=PATIENCE)
    resumed = headrace.start("run", "--resume", 1)
    meeting.wait()
    meeting.let_go()
    out, err = resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 0, out + err
    assert "Run 1 of grind completed" in out
