"""`headrace runs`: what is kept of runs, for people and as JSON."""

import contextlib
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.acceptance.conftest import HEADRACE, Command, Folder

from headrace import store
from headrace.store.runs import Fenced


@pytest.fixture(scope="module")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A home with two runs: the first completed, the second failed at its second try."""
    root = tmp_path_factory.mktemp("runs")
    command, mill = Command(root / "home", root), Folder(root / "mill")
    mill.block(
        "sow", "import logging\nprint('sowing')\nlogging.getLogger('weather').warning('rain\\nahead')\nreturn [1, 2, 3]"
    )
    mill.block(
        "bake",
        "print('attempt', kwargs['retry']['attempts'])\nassert kwargs['oven'] == 'hot', 'cold oven'\nreturn {'loaves': 3}",
    )
    mill.pipeline("grind", {"sow": [], "bake": ["sow"]}, retry_config={"retries": 1, "delay": 0})
    command("run", "mill", "grind", "--var", "oven=hot")
    command("run", "mill", "grind", "--var", "oven=cold", code=1)
    return command


def test_list(headrace: Command) -> None:
    lines = headrace("runs", "list").out.splitlines()
    assert lines[0].split() == ["run", "pipeline", "project", "status", "began", "took"]
    assert re.match(r" +2  grind +mill +✗ failed +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +[\d.]+ \w+ +bake failed", lines[1])
    assert re.match(r" +1  grind +mill +✓ completed ", lines[2])


def test_list_in_pages_and_of_some(headrace: Command) -> None:
    def ids(*words: object) -> list[int]:
        return [run["id"] for run in headrace("runs", "list", "-o", "json", *words).json]

    assert ids("--project", "mill", "--pipeline", "grind", "--status", "failed", "--var", "oven=cold") == [2]
    assert ids("--pipeline", "other") == ids("--since", "2999-01-01") == ids("--tag", "none") == []
    first = headrace("runs", "list", "--limit", 1, "--pipeline", "grind", "--since", "2001-01-01").out
    again = "headrace runs list --pipeline grind --since 2001-01-01T00:00:00+00:00 --limit 1 --after "
    cursor = first.strip().rpartition(again)[2]
    assert ids("--pipeline", "grind", "--since", "2001-01-01", "--after", cursor) == [1]
    assert "2 in all; older ones: " in headrace("runs", "list", "--limit", 1).out
    refused = headrace("runs", "list", "--pipeline", "other", "--after", cursor, code=2)
    assert "is of no page of this list" in refused.err


def test_list_as_json_is_complete(headrace: Command) -> None:
    run = headrace("runs", "list", "-o", "json").json[0]
    assert run["variables"] == {"oven": "cold"}
    assert (run["status"], run["abandoned"], run["project"]) == ("failed", False, "mill")
    started, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "ended_at"))
    assert run["started_at"].endswith("Z")
    assert (ended - started).total_seconds() == pytest.approx(run["seconds"])


def test_show(headrace: Command) -> None:
    out = headrace("runs", "show", 2).out
    assert out.startswith("Run 2 of grind failed after ")
    assert 'variables   {"oven": "cold"}' in out
    assert re.search(r"^bake +✗ failed .* after 2 attempts$", out, re.MULTILINE)
    assert "mill/custom/bake.py:4 in bake" in out
    assert "AssertionError: cold oven" in out
    assert re.search(r"^bake +1 +✗ failed", out, re.MULTILINE)
    assert re.search(r"^bake +2 +✗ failed", out, re.MULTILINE)
    assert re.search(r"^[\d:.]+ +run +failed +bake failed$", out, re.MULTILINE)


def test_show_as_json_is_complete(headrace: Command) -> None:
    run = headrace("runs", "show", 2, "-o", "json").json
    sow, bake = run["blocks"]
    assert [attempt["status"] for attempt in bake["attempts"]] == ["failed", "failed"]
    failure = bake["attempts"][1]["failure"]
    assert (failure["type"], failure["message"], failure["line"]) == ("AssertionError", "cold oven", 4)
    (output,) = sow["attempts"][0]["outputs"]
    assert (output["kind"], output["rows"]) == ("list", 3)
    assert bake["attempts"][0]["rows_in"] == 3
    assert output["path"] is None, "a small list needs no file"
    assert Path(run["code"], "custom/sow.py").exists()
    assert [event["status"] for event in run["events"] if event["block"] is None] == ["initial", "running", "failed"]


def test_show_has_the_limits_of_a_run_and_what_came_too_late(headrace: Command, tmp_path: Path) -> None:
    command = Command(tmp_path / "home", headrace.folder)
    command("run", "mill", "grind", "--var", "oven=hot", "--timeout", "90")
    late = Fenced(1, "bake", 1, "0190-uid", 1, datetime.now(UTC), "completed: returned")
    with contextlib.closing(store.open(command.home)) as opened:
        opened.runs.fenced([late])
    out = command("runs", "show", 1).out
    assert re.search(r"^timeout +1 min 30 s after its start it ends as failed$", out, re.MULTILINE)
    assert re.search(r"^started by +hand$", out, re.MULTILINE)
    assert re.search(r"^[\d:.]+ +bake +fenced, attempt 1 +completed: returned", out, re.MULTILINE)
    shown = command("runs", "show", 1, "-o", "json").json
    assert shown["settings"]["timeout"] == 90
    assert shown["events"][-1]["kind"] == "attempt.fenced"


def test_logs_of_all_blocks_in_order(headrace: Command) -> None:
    out = headrace("runs", "logs", 1).out
    assert [line for line in out.splitlines() if line.startswith("──")] == ["── sow", "── bake"]
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}  INFO +stdout +sowing$", out, re.MULTILINE)
    assert re.search(r"WARNING +log +rain\n +ahead$", out, re.MULTILINE)


def test_logs_of_one_block(headrace: Command) -> None:
    def messages(*words: object) -> list[str]:
        return [line["message"] for line in headrace("runs", "logs", *words, "-o", "json").json]

    assert [each for each in messages(2, "bake") if "attempt" in each] == ["attempt 1", "attempt 2"]
    assert messages(2, "bake", "--attempt", 2, "--tail", 100)[0] == "attempt 2"
    assert messages(1, "--level", "warning", "--grep", "RAIN") == ["rain\nahead"]
    assert messages(1, "--since", "2000-01-01") == messages(1)
    assert messages(1, "--until", "2000-01-01") == []
    assert len(messages(1, "sow", "--tail", 1)) == 1
    refused = headrace("runs", "logs", 2, "bake", "--attempt", 3, code=2)
    assert refused.err == "error: The block bake of run 2 has no such attempt; it has 2.\n"


def test_output(headrace: Command) -> None:
    out = headrace("runs", "output", 1, "sow", "--rows", 2).out
    assert out.startswith("output_0: list, 3 rows")
    assert re.search(r"^value\n +1\n +2\n\n", out, re.MULTILINE)
    (output,) = headrace("runs", "output", 1, "sow", "output_0", "-o", "json").json["outputs"]
    assert output["head"] == {"columns": ["value"], "rows": [[1], [2], [3]]}
    assert re.fullmatch(r"[0-9a-f]{32}", output["hash"])


def test_output_that_is_not_there(headrace: Command) -> None:
    assert "left nothing behind in run 2" in headrace("runs", "output", 2, "bake").out
    assert "has no output flour; it has output_0" in headrace("runs", "output", 1, "sow", "flour", code=2).err
    assert "has no block mow; it has sow, bake" in headrace("runs", "output", 1, "mow", code=2).err


def test_a_reader_that_left_is_no_error(headrace: Command) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [HEADRACE, "runs", "show", "1"], env=headrace.environment(), stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")


def test_columns_of_one_name_have_each_its_own_figures(tmp_path: Path) -> None:
    command, mill = Command(tmp_path / "home", tmp_path), Folder(tmp_path / "mill")
    mill.block("sow", "import pandas\nreturn pandas.DataFrame([[1, 2], [3, 40]], columns=['d', 'd'])")
    mill.pipeline("grind", {"sow": []})
    command("run", "mill", "grind")
    out = command("runs", "output", 1, "sow").out
    assert re.findall(r"^d +int64 +0 +(\d+) +(\d+)$", out, re.MULTILINE) == [("1", "3"), ("2", "40")]
