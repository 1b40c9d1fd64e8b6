"""Logs of the Mage dialect: files of lines, as the contract has them."""

import json
import re
from typing import Any

import pytest
from tests.api.conftest import WAIT, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.logs.shapes import File, Logs
from headrace.operations import listing, log_files
from headrace.store import listing as roads

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d (\{.*\})")


def logs_of(served: Served, path: str) -> Logs:
    answer = served.client().get(path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["logs", "metadata"]
    assert body["metadata"] == {}
    (logs,) = body["logs"]
    like(logs, Logs)
    return logs


def lines(file: File) -> list[dict[str, Any]]:
    assert file["size"] == len(file["content"].encode())
    found = [LINE.fullmatch(line) for line in file["content"].splitlines()]
    assert all(found), file["content"]
    return [json.loads(line[1]) for line in found if line]


def test_a_run_has_a_file_for_each_block_and_two_of_its_own(served: Served) -> None:
    run = served.run("grind", day="friday")
    logs = logs_of(served, f"/api/pipelines/grind/logs?pipeline_run_id[]={run['id']}")
    assert [file["name"] for file in logs["block_run_logs"]] == ["sieve.log", "load.log"]
    assert [file["name"] for file in logs["pipeline_run_logs"]] == ["pipeline.log", "scheduler.log"]
    assert (logs["total_block_run_log_count"], logs["total_pipeline_run_log_count"]) == (2, 1)

    found = lines(logs["block_run_logs"][1])
    messages = [line["message"] for line in found]
    assert messages == [
        "Start executing block with BlockExecutor.",
        "loading friday",
        "Finish executing block with BlockExecutor.",
    ]
    assert list(found[1]) == [
        *("block_run_id", "block_uuid", "pipeline_run_id", "pipeline_schedule_id", "pipeline_uuid", "block_type"),
        *("level", "message", "timestamp", "uuid"),
    ]
    assert found[1] | {"timestamp": 0, "uuid": "", "block_run_id": 0} == {
        "block_run_id": 0,
        "block_uuid": "load",
        "pipeline_run_id": run["id"],
        "pipeline_schedule_id": None,
        "pipeline_uuid": "grind",
        "block_type": "data_loader",
        "level": "INFO",
        "message": "loading friday",
        "timestamp": 0,
        "uuid": "",
    }
    assert re.fullmatch("[0-9a-f]{32}", found[1]["uuid"])
    assert isinstance(found[1]["timestamp"], float)
    assert len({line["uuid"] for line in found}) == 3


def test_the_scheduler_s_file_tells_what_happened(served: Served) -> None:
    run = served.run("grind")
    logs = logs_of(served, f"/api/pipelines/grind/logs?pipeline_run_id={run['id']}")
    empty, told = logs["pipeline_run_logs"]
    assert empty["content"] == ""
    messages = [line["message"] for line in lines(told)]
    block_run = lines(logs["block_run_logs"][1])[0]["block_run_id"]
    assert f"Execute PipelineRun {run['id']}, BlockRun {block_run}: pipeline grind block load" in messages
    assert f"BlockRun {block_run} (block_uuid: load) completes." in messages


def test_a_failure_is_a_line_with_its_traceback(served: Served) -> None:
    run = served.run("crack")
    (file,) = logs_of(served, f"/api/pipelines/crack/logs?pipeline_run_id[]={run['id']}")["block_run_logs"]
    last = lines(file)[-1]
    assert (last["level"], last["message"]) == ("EXCEPTION", "Failed to execute block crack")
    assert "ValueError: the stone is cracked" in last["error"]
    assert last["error_stacktrace"] == "ValueError: the stone is cracked"
    assert last["error_stack"][-1] == "ValueError: the stone is cracked"


def test_logs_are_chosen_by_trigger_run_block_and_date(served: Served) -> None:
    runs = [served.run("grind")["id"] for _ in range(2)]
    some = f"pipeline_run_id[]={runs[0]},{runs[1]}"
    path = "/api/pipelines/grind/logs"
    both = logs_of(served, f"{path}?{some}")
    assert len(both["block_run_logs"]) == 4
    later, earlier = both["block_run_logs"][0], both["block_run_logs"][-1]
    assert lines(later)[0]["pipeline_run_id"] == runs[1]

    by_block = logs_of(served, f"{path}?{some}&block_uuid[]=loa&level[]=ERROR&block_type[]=nothing")
    assert {file["name"] for file in by_block["block_run_logs"]} == {"load.log"}
    assert by_block["pipeline_run_logs"] == []

    number = lines(earlier)[0]["block_run_id"]
    of_one = logs_of(served, f"{path}?block_run_id[]={number}")
    assert of_one["block_run_logs"] == [earlier]
    assert logs_of(served, f"/api/block_runs/{number}/logs")["block_run_logs"] == [earlier]

    assert logs_of(served, f"{path}?{some}&_limit=1")["block_run_logs"] == [later]
    second = logs_of(served, f"{path}?{some}&_limit=1&_offset=1")
    assert lines(second["block_run_logs"][0])[0]["pipeline_run_id"] == runs[0]
    assert logs_of(served, f"{path}?{some}&end_timestamp=1")["block_run_logs"] == []
    assert logs_of(served, f"{path}?{some}&pipeline_schedule_id[]=99")["block_run_logs"] == []
    assert logs_of(served, f"{path}?pipeline_schedule_id[]=99")["block_run_logs"] == []
    assert logs_of(served, f"{path}?pipeline_run_id[]=987654")["block_run_logs"] == []


def test_logs_of_a_day_are_found_behind_however_many_newer_runs(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, made = served.client(), {"name": served.name("trigger"), "type": "api", "pipeline": "grind"}
    trigger = owner.post("/v1/triggers", json=made).json()["id"]

    def run(day: str) -> int:
        asked = {"execution_date": f"{day}T00:00:00Z"}
        return owner.post(f"/v1/triggers/{trigger}/runs", json=asked, headers=WAIT).json()["id"]

    wanted = [run(day) for day in ("1999-12-31", "1999-12-31", "2000-01-02", "2000-01-02")][:2]
    monkeypatch.setattr(roads, "EXAMINED", 1)
    monkeypatch.setattr(listing, "MOST", 1)
    day = "start_timestamp=946598400&end_timestamp=946684799"
    for path in (
        f"/api/pipelines/grind/logs?{day}",
        f"/api/pipelines/grind/logs?{day}&pipeline_schedule_id[]={trigger}",
    ):
        files = logs_of(served, path)["block_run_logs"]
        assert [lines(file)[0]["pipeline_run_id"] for file in files[::2]] == wanted[::-1]
    second = logs_of(served, f"{path}&_limit=1&_offset=1")
    assert lines(second["block_run_logs"][0])[0]["pipeline_run_id"] == wanted[0]


def test_without_a_choice_the_newest_runs_are_shown(served: Served) -> None:
    earlier, later = served.run("grind")["id"], served.run("grind")["id"]
    logs = logs_of(served, "/api/pipelines/grind/logs")
    assert lines(logs["block_run_logs"][0])[0]["pipeline_run_id"] == later
    assert len(logs["block_run_logs"]) <= log_files.MOST
    second = logs_of(served, "/api/pipelines/grind/logs?_limit=1&_offset=1")
    assert lines(second["block_run_logs"][0])[0]["pipeline_run_id"] == earlier
    assert second["total_pipeline_run_log_count"] == logs["total_pipeline_run_log_count"] >= 2


def test_of_a_long_log_the_end_is_told(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    run = served.run("grind", day="sunday")
    monkeypatch.setattr(log_files, "LARGEST", 3)
    file = logs_of(served, f"/api/pipelines/grind/logs?pipeline_run_id[]={run['id']}")["block_run_logs"][1]
    assert file["content"] == ""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/pipelines/nothing/logs", 404),
        (f"/api/pipelines/{'x' * 300}/logs", 404),
        ("/api/pipelines/a%00b/logs", 400),
        ("/api/block_runs/987654/logs", 404),
        ("/api/block_runs/x/logs", 404),
        ("/api/pipelines/grind/logs?pipeline_run_id[]=x", 400),
        (f"/api/pipelines/grind/logs?pipeline_run_id[]={'1,' * 501}", 400),
        ("/api/pipelines/grind/logs?start_timestamp=x", 400),
        ("/api/pipelines/grind/logs?_limit=x", 400),
    ],
)
def test_what_is_wrong_is_told_in_mage_s_way(served: Served, path: str, status: int) -> None:
    answer = served.client().get(path)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] in (400, 404, 500)
    told = served.client().get(path, params={**dict(_pairs(path)), "_http_error_codes": "1"})
    assert told.status_code == status, told.text


def _pairs(path: str) -> list[tuple[str, str]]:
    query = path.partition("?")[2]
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")) if name]
