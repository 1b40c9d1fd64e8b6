"""`headrace runs why`: each kind of waiting, and each way to end, in plain words and as JSON."""

from typing import Any

import psycopg
import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until


@pytest.fixture
def slow(mill: Folder) -> Folder:
    """The project, whose first block waits to be let go."""
    mill.block("sow", Meeting.BODY)
    return mill


def _why(headrace: Command, run: int = 1) -> dict[str | None, tuple[str, str]]:
    """For the run (None) and each block the kind of its reason, and what it says."""
    found = headrace("runs", "why", run, "-o", "json").json["reasons"]
    return {each["block"]: (each["kind"], each["says"]) for each in found}


def test_no_engine_runs(anywhere: Command, mill: Folder) -> None:
    anywhere("run", "mill", "grind", "--detach")
    said = anywhere("runs", "why", 1).out
    assert said == (
        "Run 1 of grind is waiting.\n"
        "no engine has taken it, and none runs that would take it: start one with `headrace engine`; "
        "`headrace run --resume 1` goes on with it alone\n"
    )
    assert "no engine has taken it" in anywhere("runs", "show", 1).out


def test_an_engine_of_another_run_is_none_that_takes_it(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    beside = anywhere.start("run", "mill", "grind")
    meeting.wait()
    anywhere("run", "mill", "grind", "--detach")
    assert _why(anywhere, 2)[None][0] == "no_engine"
    meeting.let_go()
    beside.communicate(timeout=PATIENCE)


def test_its_engine_was_killed(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    beside = headrace.start("run", "mill", "grind")
    meeting.wait()
    beside.kill()
    beside.communicate(timeout=PATIENCE)
    kind, says = _why(headrace)[None]
    assert kind == "no_engine"
    assert says.startswith("its engine is gone, and none runs that would take it: start one with `headrace engine`")


def test_an_engine_has_no_room_for_it(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    slow.pipeline("grind", {"sow": []})
    with anywhere.engine(HEADRACE_WORKERS="1"):
        for _ in range(7):
            anywhere("run", "mill", "grind", "--detach")
        meeting.wait()
        kinds = [_why(anywhere, run) for run in (1, 7)]
        assert kinds[0]["sow"][0] == "running"
        assert kinds[1][None] == (
            "engine_busy", "the engines that run have no room for it yet; the oldest runs come first"
        )  # fmt: skip


def test_upstream_blocks_and_a_free_worker(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    slow.block("mow", Meeting.BODY)
    slow.pipeline("grind", {"sow": [], "mow": [], "bake": ["sow", "mow"]})
    with anywhere.engine(HEADRACE_WORKERS="1"):
        anywhere("run", "mill", "grind", "--detach")
        meeting.wait()
        found = _why(anywhere)
        assert found.pop("bake") == ("upstream", "waits for sow and mow")
        assert sorted(kind for kind, _ in found.values()) == ["running", "worker"]
        assert ("worker", "waits for a free worker") in found.values()


def test_a_retry(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "raise ValueError('no seed')")
    mill.pipeline("grind", {"sow": []}, retry_config={"retries": 1, "delay": 3000, "max_delay": 9000})
    process = headrace.start("run", "mill", "grind")
    until(process, "tried again")
    reason: Any = headrace("runs", "why", 1, "-o", "json").json["reasons"][0]
    assert (reason["kind"], reason["block"]) == ("retry", "sow")
    assert reason["says"].startswith("attempt 1 failed (ValueError: no seed); it is tried again at 20")
    assert reason["until"].endswith("Z")
    process.terminate()
    process.communicate(timeout=PATIENCE)


def test_a_limit_on_runs_and_who_holds_its_places(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    slow.pipeline("grind", {"sow": []}, concurrency_config={"pipeline_run_limit_all_triggers": 1})
    with anywhere.engine():
        anywhere("run", "mill", "grind", "--detach")
        meeting.wait()
        anywhere("run", "mill", "grind", "--detach")
        kind, says = _why(anywhere, 2)[None]
        assert kind == "limit"
        assert says == (
            "of the pipeline's runs at most 1 may go at once (pipeline_run_limit_all_triggers); run 1 has the place"
        )


def test_a_limit_on_runs_by_hand(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    slow.pipeline("grind", {"sow": []}, concurrency_config={"pipeline_run_limit": 2})
    first = [headrace.start("run", "mill", "grind") for _ in range(2)]
    for _ in first:
        meeting.wait()
    third = headrace.start("run", "mill", "grind")
    assert "Run 3 waits: of the runs that one trigger or a hand starts at most 2 " in until(third, "waits", "stderr")
    assert "(pipeline_run_limit); runs 1 and 2 have the places" in _why(headrace, 3)[None][1]
    meeting.let_go(3)
    meeting.wait()
    for process in (*first, third):
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err


@pytest.mark.parametrize(
    ("written", "own", "says"),
    [
        ({"block_run_limit": 1}, False, "of the run's blocks at most 1 may run at once (block_run_limit)"),
        ({"block_run_limit_per_block_uuid": {"mow": 1}}, True, "of this block at most 1 may run at once"),
    ],
)
def test_limits_on_blocks(
    headrace: Command, slow: Folder, meeting: Meeting, written: dict[str, Any], own: bool, says: str
) -> None:
    """Two blocks of one run, or one block of two runs."""
    slow.block("mow", Meeting.BODY)
    slow.pipeline("grind", {"mow": []} if own else {"mow": [], "sow": []}, concurrency_config=written)
    with headrace.engine() as engine:
        for _ in range(1 + own):
            headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        found = list(_why(headrace, 1 + own).values())
        assert [told for kind, told in found if kind == "limit" and told.startswith(says)], found
        meeting.let_go(2)
        until(engine, f"run {1 + own} completed")


def test_a_limit_of_the_project(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    slow.write("metadata.yaml", "queue_config: {concurrency: 1}")
    slow.pipeline("grind", {"sow": []})
    with headrace.engine() as engine:
        for _ in range(2):
            headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        assert _why(headrace, 2)["sow"] == (
            "limit", "of the project's blocks at most 1 may run at once (queue_config.concurrency); run 1 has the place"
        )  # fmt: skip
        meeting.let_go(2)
        until(engine, "run 2 completed")


def test_a_cancel_and_what_is_still_being_stopped(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + Meeting.BODY)
    process = headrace.start("run", "mill", "grind", HEADRACE_STOP_GRACE="40")
    meeting.wait()
    headrace("runs", "cancel", 1)
    kind, says = _why(headrace)[None]
    assert kind == "cancel"
    assert says.endswith("; still being stopped: sow")
    process.kill()
    process.communicate(timeout=PATIENCE)


def test_why_a_run_failed_and_which_block_first(headrace: Command, mill: Folder) -> None:
    mill.block("reap", "raise ValueError('no scythe\\nat all')")
    headrace("run", "mill", "grind", code=1)
    found = _why(headrace)
    assert found[None] == ("failed", "reap failed first")
    assert found["reap"][1].endswith(": ValueError: no scythe")
    assert found["bake"] == ("upstream_failed", "reap failed")
    out = headrace("runs", "why", 1).out
    assert out.startswith("Run 1 of grind failed after ")


def test_why_a_run_was_cancelled_or_completed(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    process = headrace.start("run", "mill", "grind")
    meeting.wait()
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert _why(headrace)[None][1].startswith("its cancel was asked for at 20")
    again = headrace.start("run", "--resume", 1)
    meeting.wait()
    meeting.let_go()
    again.communicate(timeout=PATIENCE)
    assert _why(headrace) == {None: ("completed", "every block of it is settled")}


def test_its_engine_on_another_machine_is_silent(postgres: Command, mill: Folder) -> None:
    postgres("run", "mill", "grind", "--detach")
    with psycopg.connect(postgres.settings["HEADRACE_DATABASE"], autocommit=True) as rows:
        late = "now() - interval '1 second'"
        rows.execute(
            "INSERT INTO engines (name, home, machine, pid, own, started_at, lease_until)"
            f" VALUES ('ghost', 'elsewhere', 'elsewhere', 1, false, {late}, {late})"
        )
        rows.execute("UPDATE runs SET owner = 'ghost', epoch = 1")
    kind, says = _why(postgres)[None]
    assert kind == "engine_silent"
    assert says.startswith("its engine was to be heard of by 20")
    assert says.endswith("7.5 s later it is taken for dead, and another engine goes on with the run")


def test_its_engine_is_gone_and_another_is_there(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    slow.pipeline("grind", {"sow": []}, concurrency_config={"pipeline_run_limit_all_triggers": 1})
    with headrace.engine():
        headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        waiting = headrace.start("run", "mill", "grind")
        until(waiting, "waits", "stderr")
        waiting.kill()
        waiting.communicate(timeout=PATIENCE)
        found = headrace("runs", "why", 2, "-o", "json").json["reasons"]
        assert [each["kind"] for each in found] == ["engine_gone", "limit"]


def test_a_run_that_is_not_there(headrace: Command) -> None:
    assert headrace("runs", "why", 1, code=2).err == "error: There is no run 1.\n"
