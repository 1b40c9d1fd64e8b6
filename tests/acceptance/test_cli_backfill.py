"""`headrace backfill`: planned, started, limited, paused, resumed and cancelled."""

import re
from typing import Any

import pytest
from tests.acceptance.conftest import Command, Folder, Meeting, Said, until
from tests.acceptance.test_cli_triggers import eventually

FIVE = ("--start", "2026-01-01", "--end", "2026-01-05")


@pytest.fixture
def daily(mill: Folder) -> Folder:
    """The project, whose only block says for which date it runs."""
    mill.block("sow", "print(kwargs['ds'], kwargs['interval_end_datetime'].isoformat())\nreturn [1]")
    mill.pipeline("grind", {"sow": []})
    return mill


@pytest.fixture
def slow(mill: Folder) -> Folder:
    """The project, whose only block waits to be let go."""
    mill.block("sow", Meeting.BODY)
    mill.pipeline("grind", {"sow": []})
    return mill


def _plan(headrace: Command, *words: object, code: int = 0) -> Said:
    return headrace("backfill", "plan", "mill", "grind", *words, code=code)


def _planned(headrace: Command, *words: object) -> Any:
    return _plan(headrace, *words, "-o", "json").json


def _show(headrace: Command, number: int = 1) -> Any:
    return headrace("backfill", "show", number, "-o", "json").json


def _ended(headrace: Command, number: int = 1) -> Any:
    """The backfill once it has ended, which an engine does when its last run has."""
    return eventually(lambda: (found := _show(headrace, number))["ended_at"] and found)


def _runs(headrace: Command) -> Any:
    return sorted(headrace("runs", "list", "-o", "json").json, key=lambda run: run["id"])


def test_a_plan_tells_its_dates_and_starts_nothing(headrace: Command, daily: Folder) -> None:
    said = _plan(headrace, *FIVE, "--limit", 2)
    assert said.out.startswith(
        "Wrote down backfill 1, 2026-01-01 to 2026-01-05; nothing is started.\n"
        "It makes 5 runs, for:\n2026-01-01\n2026-01-02\n2026-01-03\n2026-01-04\n2026-01-05\n"
    )
    found = re.search(
        r"^Start just this plan: headrace backfill start 1 --plan ([0-9a-f]{16})$", said.out, re.MULTILINE
    )
    assert found
    shown = headrace("backfill", "show", 1).out
    assert shown.startswith("Backfill 1, 2026-01-01 to 2026-01-05 of grind, is planned.\n")
    assert f"headrace backfill start 1 --plan {found[1]}" in shown
    assert _runs(headrace) == []
    listed = headrace("backfill", "list").out.splitlines()
    assert listed[0].split() == ["backfill", "name", "pipeline", "project", "from", "to", "status"]
    assert re.match(r" +1  2026-01-01 to 2026-01-05  grind +mill +2026-01-01  2026-01-05  · planned$", listed[1])


def test_a_dry_run_writes_nothing_down(headrace: Command, daily: Folder) -> None:
    said = _plan(headrace, "--start", "2026-01-01", "--end", "2026-12-31", "--dry-run")
    assert said.out.splitlines() == [
        "It makes 365 runs, for:",
        *(f"2026-01-{day:02}" for day in range(1, 6)),
        "… 355 more dates",
        *(f"2026-12-{day}" for day in range(27, 32)),
    ]
    assert headrace("backfill", "list").out.startswith("There are no backfills yet.")


def test_steps_are_said_in_one_word_or_two(headrace: Command, daily: Folder) -> None:
    quarters = _planned(headrace, "--start", "2026-01-31", "--end", "2026-12-31", "--every", "3mo", "--dry-run")
    assert quarters["dates"] == [f"2026-{day}T00:00:00Z" for day in ("01-31", "04-30", "07-30", "10-30")]
    six = _planned(
        headrace, *FIVE[:2], "--end", "2026-01-01T13:00+01:00", "--interval", "hour", "--units", 6, "--dry-run"
    )
    assert six["dates"] == [f"2026-01-01T{hour}:00:00Z" for hour in ("00", "06", "12")]
    assert (six["plan"], six["runs"]) == (None, 3)


def test_a_backfill_runs_its_dates_with_their_intervals(anywhere: Command, daily: Folder) -> None:
    plan = _planned(anywhere, *FIVE, "--name", "january", "--var", "n=1")
    with anywhere.engine():
        said = anywhere("backfill", "start", 1, "--plan", plan["plan"])
        assert said.out == "Started backfill 1, january: 5 runs. headrace backfill show 1 tells how far it is.\n"
        assert said.err == ""
        ended = _ended(anywhere)
    assert (ended["status"], ended["runs"], ended["missing"]) == ("completed", {"completed": 5}, [])
    runs = _runs(anywhere)
    assert [run["execution_date"] for run in runs] == plan["dates"]
    assert {(run["trigger"], run["backfill_id"], run["variables"]["n"]) for run in runs} == {("Backfill january", 1, 1)}
    log = anywhere("runs", "logs", 2, "sow", "-o", "json").json
    assert log[0]["message"] == "2026-01-02 2026-01-03T00:00:00+00:00"
    out = anywhere("runs", "show", 2).out
    assert re.search(r"^started by +backfill 1$", out, re.MULTILINE)
    assert re.search(r"^for +2026-01-02$", out, re.MULTILINE)
    assert re.search(r"^made +5 of 5 runs$", anywhere("backfill", "show", 1).out, re.MULTILINE)
    assert anywhere("triggers", "list", "-o", "json").json == []


def test_a_limit_lets_so_many_go_at_once(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    _plan(headrace, *FIVE, "--limit", 2)
    with headrace.engine(HEADRACE_WORKERS="5"):
        headrace("backfill", "start", 1)
        meeting.wait()
        meeting.wait()
        eventually(lambda: _show(headrace)["made"] == 5)
        assert _show(headrace)["runs"] == {"initial": 3, "running": 2}
        kinds = [each["kind"] for each in headrace("runs", "why", 5, "-o", "json").json["reasons"]]
        assert kinds == ["limit"]
        meeting.let_go(5)
        assert _ended(headrace)["runs"] == {"completed": 5}


def test_a_cancelled_backfill_stops_its_runs(anywhere: Command, slow: Folder, meeting: Meeting) -> None:
    _plan(anywhere, *FIVE, "--limit", 1)
    with anywhere.engine() as engine:
        anywhere("backfill", "start", 1)
        meeting.wait()
        eventually(lambda: _show(anywhere)["made"] == 5)
        said = anywhere("backfill", "cancel", 1)
        assert said.out == "Cancelled backfill 1, 2026-01-01 to 2026-01-05. 5 runs of it are being stopped.\n"
        until(engine, "run 1 cancelled")
        eventually(lambda: _show(anywhere)["runs"] == {"cancelled": 5})
    refused = anywhere("backfill", "resume", 1, code=2).err
    assert refused == "error: The backfill 1 cannot be resumed: it is cancelled; it has ended.\n"


def test_a_paused_backfill_goes_on_when_it_is_resumed(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    _plan(headrace, *FIVE, "--limit", 1)
    with headrace.engine() as engine:
        headrace("backfill", "start", 1)
        meeting.wait()
        eventually(lambda: _show(headrace)["made"] == 5)
        assert headrace("backfill", "pause", 1).out.startswith("Paused backfill 1, 2026-01-01 to 2026-01-05.")
        meeting.let_go()
        until(engine, "run 1 completed")
        why = headrace("runs", "why", 2).out
        assert why.endswith("its backfill 1 is paused: `headrace backfill resume 1` has it begin\n")
        refused = headrace("triggers", "resume", 1, code=2).err
        assert "is a backfill's own" in refused
        assert headrace("backfill", "resume", 1).out == "Resumed backfill 1, 2026-01-01 to 2026-01-05.\n"
        meeting.let_go(4)
        assert _ended(headrace)["status"] == "completed"


def test_a_plan_that_has_changed_is_refused_and_the_new_one_passes_over(headrace: Command, daily: Folder) -> None:
    daily.block("sow", "assert kwargs['interval_end_datetime'] is None\nreturn [1]")  # a single date has no next one
    plan = _planned(headrace, *FIVE)
    _plan(headrace, "--start", "2026-01-02", "--end", "2026-01-02")
    with headrace.engine():
        headrace("backfill", "start", 2)
        _ended(headrace, 2)
    said = headrace("backfill", "start", 1, "--plan", plan["plan"], code=2)
    assert re.fullmatch(
        rf"error: The plan of backfill 1 is not {plan['plan']} any more: it is [0-9a-f]{{16}} now, with 4 runs\. Look at it again\.\n",
        said.err,
    )
    assert _show(headrace)["status"] == "initial"
    shown = headrace("backfill", "show", 1).out
    assert "It passes over 1 date:\n2026-01-02  it has a completed run\n" in shown


def test_what_fails_is_told_and_can_be_had_again(headrace: Command, daily: Folder) -> None:
    daily.block("sow", "assert kwargs['ds'] != '2026-01-02', 'a bad day'\nreturn [1]")
    _plan(headrace, *FIVE)
    with headrace.engine():
        headrace("backfill", "start", 1)
        ended = _ended(headrace)
    assert (ended["status"], ended["reason"]) == ("failed", "1 of 5 dates have no completed run")
    assert ended["missing"] == [{"date": "2026-01-02T00:00:00Z", "status": "failed"}]
    out = headrace("backfill", "show", 1).out
    assert out.endswith("dates without a completed run\n2026-01-02  ✗ failed\n")
    dates = [_planned(headrace, *FIVE, "--which", which, "--dry-run")["runs"] for which in ("missing", "failed", "all")]
    assert dates == [1, 1, 5]


def test_without_an_engine_whoever_starts_one_is_told(headrace: Command, daily: Folder) -> None:
    _plan(headrace, *FIVE)
    said = headrace("backfill", "start", 1)
    assert said.err == "No engine runs that would make its runs: start one with `headrace engine`.\n"
    assert headrace("backfill", "start", 1, code=2).err == "error: The backfill 1 cannot be started: it is running.\n"


def test_a_backfill_that_was_only_planned_can_be_cancelled(headrace: Command, daily: Folder) -> None:
    _plan(headrace, *FIVE)
    assert headrace("backfill", "cancel", 1).out == "Cancelled backfill 1, 2026-01-01 to 2026-01-05.\n"
    assert _show(headrace)["status"] == "cancelled"
    assert headrace("backfill", "list", "--before", 1).out == "There are no such backfills.\n"


REFUSED = {
    "no end": (["--start", "2026-01-01"], "Missing option '--end'"),
    "no date": (["--start", "monday", "--end", "2026-01-05"], "Invalid value for '--start': 'monday' is not a date"),
    "an end before its start": (["--start", "2026-01-05", "--end", "2026-01-01"], "end_datetime of a backfill is"),
    "too many": ([*FIVE, "--every", "1s"], "at most 100,000 intervals away"),
    "no step": ([*FIVE, "--every", "day"], "Invalid value for '--every': 'day' is not a step"),
    "a step of nothing": ([*FIVE, "--every", "0d"], "Invalid value for '--every'"),
    "no interval": ([*FIVE, "--interval", "fortnight"], "Invalid value for '--interval'"),
    "no units": ([*FIVE, "--interval", "day", "--units", "0"], "Invalid value for '--units'"),
    "two steps": ([*FIVE, "--every", "1d", "--units", "2"], "--every says both --interval and --units"),
    "no choice": ([*FIVE, "--which", "some"], "Invalid value for '--which'"),
    "no limit": ([*FIVE, "--limit", "0"], "Invalid value for '--limit'"),
    "no name": ([*FIVE, "--name", "a\nb"], "The trigger's name is"),
    "no variable": ([*FIVE, "--var", "days"], "'days' is not of the form NAME=VALUE"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_backfill_that_cannot_be_is_refused_and_nothing_written(headrace: Command, mill: Folder, case: str) -> None:
    words, sentence = REFUSED[case]
    said = _plan(headrace, *words, code=2)
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert not headrace.home.exists()


def test_backfills_that_are_not_there(headrace: Command, mill: Folder) -> None:
    for deed in ("start", "pause", "resume", "cancel", "show"):
        assert headrace("backfill", deed, 7, code=2).err == "error: There is no backfill 7.\n"
    assert "has no pipeline nope" in headrace("backfill", "plan", "mill", "nope", *FIVE, code=2).err
