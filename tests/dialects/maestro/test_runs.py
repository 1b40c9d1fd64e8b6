"""Runs: begun, waited for, listed, read; why they failed, and who cancelled them."""

import itertools
import re
from typing import Any

from tests.api.conftest import Served
from tests.dialects.maestro.stories import (
    Document,
    Store,
    begun,
    ended,
    into,
    job,
    made,
    new_id,
    ran,
    shown,
    told,
)

from headrace.model.access import Role

FACTS = {"id", "pipeline_run_id", "pipeline_id", "last_status", "created_at", "updated_at", "trace"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_run_moves_the_table(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, "copy"))])
    run = begun(served.client(), pipeline)
    found = ended(served, pipeline, run)
    assert set(found) == FACTS
    assert (found["pipeline_run_id"], found["pipeline_id"]) == (run, pipeline)
    assert (found["last_status"], found["trace"]) == ("SUCCESS", None)
    assert MOMENT.fullmatch(found["created_at"])
    assert found["created_at"] < found["updated_at"]
    assert store.copied("SELECT id, who, at FROM copy ORDER BY id")[0] == (1, "a", "2026-01-01 00:00:00")
    assert shown(served.client(), pipeline.replace("_", "-"), run.replace("_", "-")) == found


def test_runs_are_listed_the_newest_first(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, "copy"))])
    first, second = ran(served, pipeline), ran(served, pipeline)
    client = served.client()
    for name in ("pipeline_run", "runs", "pipeline_run/"):
        assert client.get(f"/platform/pipeline/{pipeline}/{name}").json() == [second, first]
    assert client.get(f"/platform/pipeline/{pipeline}/runs?limit=1&offset=1").json() == [first]
    assert client.get(f"/platform/pipeline/{told(new_id())}/pipeline_run").json() == []


def test_a_run_of_another_pipeline_is_null(served: Served, store: Store, orders: Document) -> None:
    one, other = made(served, [job(orders, into(store, "one"))]), made(served, [job(orders, into(store, "other"))])
    run = ran(served, one)["pipeline_run_id"]
    for path in (f"{other}/pipeline_run/{run}", f"{one}/pipeline_run/{new_id()}", f"{one}/pipeline_run/nonsense"):
        answer = served.client().get(f"/platform/pipeline/{path}")
        assert (answer.status_code, answer.text) == (200, "null")


def test_a_run_that_fails_says_why(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job({**orders, "table_name": "nothing"}, into(store, "copy"))])
    found = ended(served, pipeline, begun(served.client(), pipeline))
    assert found["last_status"] == "FAILED"
    assert found["trace"] == "The table nothing cannot be moved: there is no such table."


def test_a_run_that_was_cancelled_says_by_whom(served: Served) -> None:
    client = served.client(Role.EDITOR)
    row = client.post("/v1/runs", json={"pipeline": "turn", "variables": {"until": "/nowhere"}}).json()
    client.post(f"/v1/runs/{row['id']}/cancel")
    pipeline = next(each.uid for each in served.app.store.pipelines.all() if each.name == "turn")
    assert ended(served, told(pipeline), told(row["uid"]))["last_status"] == "FAILED"
    said = "The run was cancelled by editor."  # once the audit has it
    assert served.until(lambda: shown(client, told(pipeline), told(row["uid"]))["trace"] == said)


def test_runs_of_any_pipeline_are_told(served: Served) -> None:
    run = served.run("crack")
    pipeline = next(each.uid for each in served.app.store.pipelines.all() if each.name == "crack")
    found = shown(served.client(), told(pipeline), told(run["uid"]))
    assert found["trace"] == "ValueError: the stone is cracked"
    (listed,) = (each for each in _listed(served) if each["pipeline_id"] == told(pipeline))
    assert (listed["name"], listed["last_status"], listed["cron"]) == ("crack", "FAILED", None)
    assert listed["jobs"] == [
        {
            "id": listed["id"] * 1000,
            "job_id": f"{told(pipeline)}_0",
            "job_status": "FAILED",
            "input": {"connector": None, "plugin": None, "table_name": None},
            "output": {"plugin": None},
        }
    ]
    assert ended(served, told(pipeline), begun(served.client(), told(pipeline)))["last_status"] == "FAILED"


def test_a_run_waits_for_the_one_that_is_under_way(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, "copy"))])
    runs = [begun(served.client(), pipeline) for _ in range(3)]
    found = [ended(served, pipeline, run) for run in runs]
    assert [each["last_status"] for each in found] == ["SUCCESS"] * 3
    rows = sorted(found, key=lambda each: each["created_at"])
    assert all(one["updated_at"] <= other["created_at"] for one, other in itertools.pairwise(rows))


def test_the_logs_of_a_run_name_its_jobs(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, f"copy_{number}")) for number in range(2)])
    run = ran(served, pipeline)["pipeline_run_id"]
    found = served.client().get(f"/platform/pipeline/pipeline_run/{run}/logs").json()
    assert found["pipeline_run_id"] == run
    by_job = {each["job_id"]: each for each in found["logs"]}
    assert set(by_job) == {f"{pipeline}_0", f"{pipeline}_1"}
    line = by_job[f"{pipeline}_1"]
    assert set(line) == {"timestamp", "level", "job_id", "message"}
    assert (line["level"], line["message"]) == ("INFO", "orders → sqlite copy_1: 3 rows (replace)")


def test_what_is_wrong_with_a_list_is_told_in_its_own_style(served: Served) -> None:
    client = served.client()
    answer = client.get(f"/platform/pipeline/{new_id()}/pipeline_run?limit=0")
    assert answer.status_code == 400
    assert answer.json()["msg"] == "There was an error retrieving the pipeline_run."
    run = told(new_id())
    answer = client.get(f"/platform/pipeline/pipeline_run/{run}/logs")
    said = {"msg": "There was an error retrieving the pipeline_run.", "error": f"pipeline_run_id {run} not found"}
    assert (answer.status_code, answer.json()) == (404, said)


def _listed(served: Served) -> list[Any]:
    return served.client().get("/platform/pipelines").json()
