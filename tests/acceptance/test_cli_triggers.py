"""`headrace triggers`: made, looked at, changed, paused and run; and what an engine makes of them."""

import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, Said, until

GUIDE = Path(__file__).parents[2] / "docs/guides/triggers.md"


@pytest.fixture
def slow(mill: Folder) -> Folder:
    """The project, whose only block waits to be let go."""
    mill.block("sow", Meeting.BODY)
    mill.pipeline("grind", {"sow": []})
    return mill


def _create(headrace: Command, name: str, *words: object, code: int = 0) -> Said:
    return headrace("triggers", "create", "mill", "grind", name, *words, code=code)


def _show(headrace: Command, named: object) -> Any:
    return headrace("triggers", "show", named, "-o", "json").json


def _run(headrace: Command, run: int) -> Any:
    return headrace("runs", "show", run, "-o", "json").json


def eventually(look: Callable[[], Any]) -> Any:
    """What it finds once it finds something, which must come."""
    end = monotonic() + PATIENCE
    while not (found := look()):
        assert monotonic() < end, "it never came"
    return found


def test_a_trigger_fires_and_its_runs_say_so(anywhere: Command, mill: Folder) -> None:
    with anywhere.engine() as engine:
        said = _create(anywhere, "each second", "--cron", "* * * * * *", "--zone", "Europe/Berlin")
        assert said.out.startswith("Made trigger 1, each second of grind.\nIt fires next at ")
        assert said.err == ""
        until(engine, "run 2 completed")
    first, second = (_run(anywhere, run) for run in (1, 2))
    assert (first["trigger"], first["trigger_id"], first["reason"]) == ("each second", 1, "all blocks settled")
    assert first["fire_time"] == first["execution_date"] < second["fire_time"]
    assert datetime.fromisoformat(first["fire_time"]).microsecond == 0
    out = anywhere("runs", "show", 1).out
    due = datetime.fromisoformat(first["fire_time"])
    assert re.search(r"^started by +trigger 1, each second$", out, re.MULTILINE)
    assert re.search(rf"^due at +{due.astimezone():%Y-%m-%d %H:%M:%S}$", out, re.MULTILINE)
    assert re.search(r" +by its schedule$", out, re.MULTILINE)
    listed = anywhere("runs", "list").out.splitlines()
    assert listed[0].split() == ["run", "pipeline", "project", "trigger", "for", "status", "began", "took"]
    assert re.search(rf"^ +1 +grind +mill +each second +{due:%Y-%m-%d %H:%M}", listed[-1])
    (trigger,) = anywhere("triggers", "list", "-o", "json").json
    assert trigger["last_run"]["id"] >= 2


def test_without_an_engine_whoever_makes_a_trigger_is_told(headrace: Command, mill: Folder) -> None:
    said = _create(headrace, "nightly", "--every", "@daily")
    assert said.err == "No engine runs that would fire it: start one with `headrace engine`.\n"
    assert _create(headrace, "later", "--every", "@daily", "--paused").err == ""


def test_a_run_of_a_paused_trigger_waits_for_it_to_be_resumed(anywhere: Command, mill: Folder) -> None:
    with anywhere.engine() as engine:
        _create(anywhere, "by call", "--api")
        assert anywhere("triggers", "pause", "by call").out.startswith("Paused trigger 1, by call.")
        said = anywhere("triggers", "run", "by call")
        assert said.out == "1\n"
        assert said.err == "Its trigger is paused: it waits until headrace triggers resume 1.\n"
        why = anywhere("runs", "why", 1)
        assert why.out == (
            "Run 1 of grind is waiting.\nits trigger by call is paused: `headrace triggers resume 1` has it begin\n"
        )
        (reason,) = anywhere("runs", "why", 1, "-o", "json").json["reasons"]
        assert reason["kind"] == "held"
        assert anywhere("triggers", "resume", "by call").out.startswith("Resumed trigger 1, by call.\n")
        until(engine, "run 1 completed")


def test_a_run_that_waits_for_a_paused_trigger_can_be_cancelled(headrace: Command, mill: Folder) -> None:
    with headrace.engine() as engine:
        _create(headrace, "by call", "--api", "--paused")
        headrace("triggers", "run", "by call")
        headrace("runs", "cancel", 1)
        until(engine, "run 1 cancelled")


def test_a_fire_that_finds_a_run_under_way_is_cancelled(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    with headrace.engine() as engine:
        _create(headrace, "each second", "--cron", "* * * * * *", "--skip-if-running")
        meeting.wait()
        skipped = eventually(lambda: [run for run in headrace("runs", "list", "-o", "json").json if run["id"] == 2])
        assert (skipped[0]["status"], skipped[0]["reason"]) == ("cancelled", "previous_running")
        why = headrace("runs", "why", 2).out
        assert "the run before was still under way, and its trigger says to skip then" in why
        headrace("triggers", "pause", "each second")
        meeting.let_go()
        until(engine, "run 1 completed")


def test_an_sla_that_is_missed_is_told(headrace: Command, slow: Folder, meeting: Meeting) -> None:
    with headrace.engine():
        _create(headrace, "by call", "--api", "--sla", "1h")
        headrace("triggers", "run", "by call", "--date", "2026-01-31T06:00")
        meeting.wait()
        eventually(lambda: _run(headrace, 1)["passed_sla"])
        out = headrace("runs", "show", 1).out
        ends = datetime(2026, 1, 31, 7, tzinfo=UTC).astimezone()
        assert re.search(rf"^sla +passed: it is to have ended by {ends:%Y-%m-%d %H:%M:%S}$", out, re.MULTILINE)
        assert "it was to have ended by 2026-01-31T07:00:00+00:00" in out
        assert headrace("runs", "list").out.rstrip().endswith("passed its SLA")
        meeting.let_go()


def test_a_run_is_given_variables_an_event_and_a_date(headrace: Command, mill: Folder) -> None:
    names = ("x", "y", "z", "w", "ds", "trigger_name")
    mill.block("sow", f"import json\nprint(json.dumps({{name: kwargs.get(name) for name in {names}}}))")
    mill.pipeline("grind", {"sow": []}, variables={"x": "pipeline", "w": "pipeline"})
    _create(headrace, "by call", "--api", "--var", "x=trigger", "--var", "y=trigger", "--var", "password=hunter2")
    words = ["triggers", "run", "grind/by call", "--var", "y=run", "--event", "z=event", "--event", "y=event"]
    assert headrace(*words, "--date", "2026-01-31").out == "1\n"
    with headrace.engine() as engine:
        until(engine, "run 1 completed")
    seen = json.loads(headrace("runs", "logs", 1, "sow", "-o", "json").json[0]["message"])
    assert (seen["x"], seen["y"], seen["z"], seen["w"]) == ("trigger", "run", "event", "pipeline")
    assert (seen["ds"], seen["trigger_name"]) == ("2026-01-31", "by call")
    run = _run(headrace, 1)
    assert run["event_variables"] == {"z": "event", "y": "event"}
    assert (run["execution_date"], run["fire_time"]) == ("2026-01-31T00:00:00Z", None)
    assert re.search(r"^for +2026-01-31$", headrace("runs", "show", 1).out, re.MULTILINE)


def test_the_same_key_is_the_same_run(headrace: Command, mill: Folder) -> None:
    _create(headrace, "by call", "--api")
    words = ["triggers", "run", 1, "--key", "today", "--var"]
    assert [headrace(*words, "n=1").out for _ in range(2)] == ["1\n", "1\n"]
    assert "today" in headrace(*words, "n=2", code=2).err


def test_list(headrace: Command, mill: Folder) -> None:
    assert headrace("triggers", "list").out.startswith("There are no triggers yet.")
    mill.pipeline("other", {"sow": []})
    _create(headrace, "nightly", "--cron", "30 2 * * *", "--zone", "Europe/Berlin")
    _create(headrace, "by call", "--api", "--paused")
    headrace("triggers", "create", "mill", "other", "on", "--on-pipeline", "grind", "--on-payload", "{}")
    lines = headrace("triggers", "list").out.splitlines()
    assert lines[0].split() == ["trigger", "name", "pipeline", "project", "type", "when", "status", "next"]
    assert re.match(
        r" +1  nightly +grind +mill +time +30 2 \* \* \* \(Europe/Berlin\) +● active +\d{4}-\d\d-\d\d \d\d:30:00$",
        lines[1],
    )
    assert re.match(r" +2  by call +grind +mill +api +on a call +‖ paused$", lines[2])
    assert re.match(r" +3  on +other +mill +event +on any payload; when a run of .*grind has completed +", lines[3])

    def names(*words: object) -> list[str]:
        return [each["name"] for each in headrace("triggers", "list", "-o", "json", *words).json]

    assert names() == ["nightly", "by call", "on"]
    assert names("--pipeline", "grind") == ["nightly", "by call"]
    assert names("--project", "elsewhere") == []
    assert names("--limit", 1, "--after", 1) == ["by call"]
    assert "headrace triggers list --after 1" in headrace("triggers", "list", "--limit", 1).out


def test_show_has_all_of_the_definition(headrace: Command, mill: Folder) -> None:
    start = "2030-06-01T06:00"
    _create(
        headrace, "nightly", "--every", "@daily", "--zone", "Europe/Berlin", "--start", start, "--var", "n=3",
        "--var", "password=hunter2", "--sla", "1h30m", "--timeout", "90", "--limit", 2, "--skip-if-running",
        "--allow-blocks-to-fail", "--initial-run", "--landing", "--catch-up", "all", "--description", "each night",
        "--tag", "a", "--tag", "b", "--timeout-status", "cancelled",
    )  # fmt: skip
    out = headrace("triggers", "show", "nightly").out
    assert out.startswith("Trigger 1, nightly of grind, is active.\n")
    for fact in (
        "begins runs  @daily (Europe/Berlin)",
        "from         2030-06-01 08:00:00 +0200",
        "description  each night",
        "tags         a, b",
        'variables    {"n": 3, "password": "***"}',
        "sla          1 h 30 min from a run's execution date",
        "timeout      1 min 30 s after its start a run ends as cancelled",
        "limit        2 runs at once",
        "catches up   all",
        "written      in the database alone",
    ):
        assert fact in out
    for word in ("skips", "forgives", "initial run", "landing"):
        assert re.search(rf"^{word} ", out, re.MULTILINE), word
    assert "2030-06-01 08:00:00 +0200  2030-06-01 06:00:00" in out
    found = _show(headrace, 1)
    assert (found["interval"], found["zone"], found["sla"]) == ("@daily", "Europe/Berlin", 5400)
    assert found["start_time"] == "2030-06-01T06:00:00Z"
    assert found["settings"]["catch_up"] == "all"
    assert len(found["next"]) == 5
    assert "hunter2" not in json.dumps(found)


def test_a_token_is_shown_where_it_is_asked_for_and_rotated(headrace: Command, mill: Folder) -> None:
    _create(headrace, "by call", "--api")
    token = headrace("triggers", "show", "by call", "--token", "-o", "json").json["token"]
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert token not in headrace("triggers", "show", "by call").out
    assert "token" not in _show(headrace, "by call")
    out = headrace("triggers", "show", "by call", "--token").out
    assert f"curl -X POST http://localhost:6789/v1/triggers/1/call -H 'Authorization: Bearer {token}' " in out
    rotated = headrace("triggers", "rotate", "by call").out.strip()
    assert rotated != token
    assert headrace("triggers", "show", "by call", "--token", "-o", "json").json["token"] == rotated


def test_an_edit_changes_what_is_given_and_begins_no_run(headrace: Command, mill: Folder) -> None:
    _create(headrace, "nightly", "--cron", "0 0 1 1 *", "--sla", "1h", "--var", "a=1", "--tag", "x", "--limit", 3)
    with headrace.engine("--quiet"):
        said = headrace(
            "triggers", "edit", "nightly", "--every", "@monthly", "--sla", "none", "--var", "password=hunter2",
            "--without-var", "a", "--name", "monthly",
        )  # fmt: skip
        rows = [re.split(r"  +", line) for line in said.out.splitlines()]
        assert rows[0] == [
            "Changed trigger 1, monthly. No run begins by that; what was due before was dealt with as it was."
        ]
        assert ["name", "nightly", "monthly"] in rows
        assert ["schedule_interval", "0 0 1 1 *", "@monthly"] in rows
        assert ["sla", "3600", "–"] in rows
        assert ["variables.a", "1", "–"] in rows
        assert ["variables.password", "–", "***"] in rows
        assert "It fires next at " in said.out
        found = _show(headrace, "monthly")
        assert (found["interval"], found["sla"], found["tags"]) == ("@monthly", None, ["x"])
        assert found["settings"]["pipeline_run_limit"] == 3
        again = headrace("triggers", "edit", "monthly", "--every", "@monthly")
        assert again.out == "Trigger 1, monthly, is so already; nothing was changed.\n"
        assert _show(headrace, "monthly")["updated_at"] == found["updated_at"]
    assert headrace("runs", "list", "-o", "json").json == []


def test_a_deleted_trigger_is_gone_and_its_name_free(headrace: Command, mill: Folder) -> None:
    _create(headrace, "by call", "--api")
    headrace("triggers", "run", "by call")
    assert headrace("triggers", "delete", "by call").out.startswith("Deleted trigger 1, by call.")
    assert headrace("triggers", "show", "by call", code=2).err == "error: There is no trigger by call.\n"
    assert headrace("triggers", "show", 1, code=2).err == "error: There is no trigger 1.\n"
    assert headrace("triggers", "list", "-o", "json").json == []
    with headrace.engine() as engine:
        until(engine, "run 1 cancelled")
    _create(headrace, "by call", "--api")


def test_next_goes_by_the_clocks_of_the_zone(headrace: Command) -> None:
    words = ["triggers", "next", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--after", "2026-03-28", "-n", 3]
    assert headrace(*words).out == (
        "Europe/Berlin              UTC\n"
        "2026-03-28 02:30:00 +0100  2026-03-28 01:30:00\n"
        "2026-03-29 03:00:00 +0200  2026-03-29 01:00:00\n"
        "2026-03-30 02:30:00 +0200  2026-03-30 00:30:00\n"
    )
    assert headrace(*words, "-o", "json").json[1] == {
        "at": "2026-03-29T01:00:00Z",
        "local": "2026-03-29T03:00:00+02:00",
    }
    assert headrace("triggers", "next", "--every", "@weekly", "--after", "2026-01-01", "-n", 1).out == (
        "UTC\n2026-01-05 00:00:00\n"
    )
    assert not headrace.home.exists()


def test_the_examples_of_the_guide_are_true(headrace: Command) -> None:
    found = re.findall(r"^\$ headrace (triggers next .*)\n((?:(?!```).*\n)+)```", GUIDE.read_text(), re.MULTILINE)
    assert len(found) == 2
    for words, out in found:
        assert headrace(*shlex.split(words)).out == out


def test_next_of_a_trigger(headrace: Command, mill: Folder) -> None:
    _create(headrace, "nightly", "--every", "@daily")
    _create(headrace, "by call", "--api")
    found = headrace("triggers", "next", "nightly", "-n", 2, "-o", "json").json
    first, second = (datetime.fromisoformat(each["at"]) for each in found)
    assert first > datetime.now(UTC) - timedelta(minutes=5)
    assert (first.hour, second - first) == (0, timedelta(days=1))
    assert headrace("triggers", "next", "by call").out == "It has no fire times to come.\n"
    headrace("triggers", "pause", "nightly")
    said = headrace("triggers", "next", "nightly", "-n", 1)
    assert said.err == "It is paused: it would fire then if it were not.\n"
    assert said.out.startswith("UTC\n20")


REFUSED = {
    "no kind": ([], "Say what begins its runs, by one of --every, --cron"),
    "two kinds": (["--api", "--once"], "Say what begins its runs, by one of"),
    "no cron": (["--cron", "x y"], "The interval of a trigger is 'x y'; it must be @once"),
    "cron that cannot be": (["--cron", "61 * * * *"], "it must be cron whose minute is possible"),
    "cron that never comes": (["--cron", "0 0 30 2 *"], "The interval of a trigger is '0 0 30 2 *'; it must be cron"),
    "no zone": (["--every", "@daily", "--zone", "Mars/Base"], "The zone of a trigger is 'Mars/Base'; it must be"),
    "no zone of a call": (["--api", "--zone", "Mars/Base"], "The zone of a trigger is 'Mars/Base'; it must be"),
    "no period": (["--every", "@yearly"], "Invalid value for '--every'"),
    "no moment": (["--once", "--start", "soon"], "Invalid value for '--start': 'soon' is not a date or a moment"),
    "no variable": (["--api", "--var", "days"], "'days' is not of the form NAME=VALUE"),
    "no duration": (["--api", "--sla", "1x"], "Invalid value for '--sla': '1x' is not a duration"),
    "no limit": (["--api", "--limit", "0"], "Invalid value for '--limit': '0' is not a whole number, 1 or more"),
    "no pattern": (["--on-payload", "[1]"], "Invalid value for '--on-payload': '[1]' is not a JSON object"),
    "no file": (["--on-file", ""], "rules[0]"),
    "landing nowhere": (["--every", "@daily", "--landing"], "start_time"),
    "no catching up": (["--once", "--catch-up", "some"], "Invalid value for '--catch-up'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_trigger_that_cannot_be_is_refused_and_nothing_made(headrace: Command, mill: Folder, case: str) -> None:
    words, sentence = REFUSED[case]
    said = _create(headrace, "bad", *words, code=2)
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert not headrace.home.exists()


def test_names_that_cannot_be(headrace: Command, mill: Folder) -> None:
    assert "The trigger's name is ''" in _create(headrace, "", "--api", code=2).err
    assert "The trigger's name is" in _create(headrace, "a\nb", "--api", code=2).err
    assert "has no pipeline nope" in headrace("triggers", "create", "mill", "nope", "x", "--api", code=2).err
    assert "no project folder" in headrace("triggers", "create", "nowhere", "grind", "x", "--api", code=2).err
    assert not headrace.home.exists()
    _create(headrace, "x", "--api")
    taken = _create(headrace, "x", "--once", code=2).err
    assert taken == "error: The pipeline grind has a trigger x already; names are unique within a pipeline.\n"


def test_triggers_that_are_not_there_or_several(headrace: Command, mill: Folder) -> None:
    for words in (["show"], ["edit", "--sla", "1h"], ["pause"], ["resume"], ["delete"], ["rotate"], ["next"], ["run"]):
        said = headrace("triggers", words[0], "nope", *words[1:], code=2)
        assert said.err == "error: There is no trigger nope.\n"
    assert headrace("triggers", "show", "9" * 30, code=2).err.startswith("error: There is no trigger 999")
    mill.pipeline("other", {"sow": []})
    for pipeline in ("grind", "other"):
        headrace("triggers", "create", "mill", pipeline, "x", "--api")
    several = headrace("triggers", "show", "x", code=2).err
    assert several == (
        "error: There are several triggers x: 1 (mill/grind), 2 (mill/other). Name one by its number, or as PIPELINE/NAME.\n"
    )
    assert _show(headrace, "other/x")["id"] == 2


def test_what_is_asked_of_edit_and_next_must_mean_something(headrace: Command, mill: Folder) -> None:
    _create(headrace, "x", "--every", "@daily")
    before = _show(headrace, "x")
    for words, sentence in (
        (["edit", "x"], "Say what is to be changed."),
        (["edit", "x", "--api", "--once"], "A trigger is of one kind"),
        (["edit", "x", "--cron", "61 * * * *"], "it must be cron whose minute is possible"),
        (["edit", "x", "--zone", "Mars/Base"], "The zone of a trigger is 'Mars/Base'"),
        (["next"], "Name one trigger, or give --cron or --every."),
        (["next", "x", "--cron", "* * * * *"], "Name one trigger, or give --cron or --every."),
        (["next", "x", "--zone", "Europe/Berlin"], "A trigger has a zone of its own"),
        (["next", "--cron", "* * *"], "The interval of a trigger is '* * *'"),
    ):
        assert sentence in headrace("triggers", *words, code=2).err
    assert _show(headrace, "x") == before


def test_diff_tells_what_the_files_would_do(headrace: Command, mill: Folder) -> None:
    assert headrace("triggers", "diff", "mill").out == "Nothing would be done.\n"
    _create(headrace, "nightly", "--every", "@daily", "--var", "password=hunter2")
    _create(headrace, "by call", "--api")
    _create(headrace, "same", "--every", "@hourly")
    new = {"name": "new", "schedule_type": "time", "schedule_interval": "@daily"}
    same = {"name": "same", "schedule_type": "time", "schedule_interval": "@hourly", "status": "active"}
    nightly = {"name": "nightly", "schedule_type": "time", "schedule_interval": "0 3 * * *"}
    broken = {"name": "broken", "schedule_type": "time", "schedule_interval": "@daily", "sla": "soon"}
    mill.write("pipelines/grind/triggers.yaml", json.dumps({"triggers": [new, same, nightly, broken]}))
    said = headrace("triggers", "diff", "mill", code=1)
    lines = [re.split(r"  +", line) for line in said.out.splitlines()]
    assert lines[0] == ["grind (pipelines/grind/triggers.yaml)"]
    assert ["create", "new"] in lines
    assert ["change", "nightly", "schedule_interval", "@daily", "0 3 * * *"] in lines
    assert ["pause", "nightly"] in lines
    assert ["by call is in no file, and stays as it is"] in lines
    assert "same" not in said.out
    assert "hunter2" not in said.out
    assert re.search(r"^✗ pipelines/grind/triggers.yaml line \d+: triggers\[3\].sla: 'soon'", said.out, re.MULTILINE)
    (found,) = headrace("triggers", "diff", "mill", "-o", "json", code=1).json
    assert [(step["name"], step["deed"]) for step in found["steps"]] == [
        ("new", "create"), ("nightly", "change"), ("nightly", "pause"),
    ]  # fmt: skip
    assert (found["faults"][0]["name"], found["unwritten"]) == ("broken", ["by call"])
    assert _show(headrace, "nightly")["interval"] == "@daily"
    mill.write("pipelines/grind/triggers.yaml", json.dumps({"triggers": [same]}))
    assert "stays as it is" in headrace("triggers", "diff", "mill").out
