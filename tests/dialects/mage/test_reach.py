"""Whoever has a role for the pipelines of a tag alone sees and changes nothing else through the Mage dialect either."""

import pytest
from tests.api.conftest import Caller, Served

from headrace.model.access import Grant, Role
from headrace.operations import secrets, sessions, users


@pytest.fixture
def miller(served: Served) -> Caller:
    """An editor of what carries the tag `corn`, which of the pipelines that have run only `grind` does."""
    for pipeline in ("grind", "crack"):
        served.run(pipeline)
    user = users.create(served.app, served.name("miller"), "correct horse", [Grant(Role.EDITOR, "corn")])
    return served.caller(sessions.begin(served.app, user).said)


def test_logs_and_statistics_are_of_what_is_seen(served: Served, miller: Caller) -> None:
    assert "logs" in miller.get("/api/pipelines/grind/logs").json()
    unseen = miller.get("/api/pipelines/crack/logs?_http_error_codes=1")
    assert unseen.status_code == 404
    everybody = served.client().get("/api/pipelines/crack/logs").json()["logs"][0]["block_run_logs"]
    number = int(everybody[0]["content"].partition('"block_run_id": ')[2].partition(",")[0])
    assert miller.get(f"/api/block_runs/{number}/logs?_http_error_codes=1").status_code == 404

    blocks = miller.get("/api/monitor_stats/block_run_count").json()["monitor_stat"]["stats"]
    assert "load" in blocks
    assert "crack" not in blocks
    assert "grind" in miller.get("/api/monitor_stats/pipeline_run_time").json()["monitor_stat"]["stats"]
    counts = miller.get("/api/monitor_stats/pipeline_run_count?group_by_pipeline_type=1").json()
    statuses = [day["python"] for day in counts["monitor_stat"]["stats"]["null"]["data"].values()]
    assert all("failed" not in each for each in statuses)


def test_variables_are_changed_of_what_is_seen(miller: Caller) -> None:
    assert "variables" in miller.get("/api/pipelines/grind/variables").json()
    given = {"variable": {"name": "stones", "value": 2}}
    for answer in (
        miller.get("/api/pipelines/crack/variables?_http_error_codes=1"),
        miller.post("/api/pipelines/crack/variables?_http_error_codes=1", json=given),
        miller.put("/api/pipelines/crack/variables/stones?_http_error_codes=1", json=given),
        miller.delete("/api/pipelines/crack/variables/stones?_http_error_codes=1"),
        miller.get("/api/pipeline_interactions/crack?_http_error_codes=1"),
    ):
        assert answer.status_code == 404, answer.text


def test_what_is_for_everybody_is_not_theirs(served: Served, miller: Caller) -> None:
    secrets.set(served.app, name := served.name("secret"), "everybody's")
    assert miller.get("/api/secrets").json()["secrets"] == []
    for answer in (
        miller.post("/api/secrets?_http_error_codes=1", json={"secret": {"name": "mine", "value": "x"}}),
        miller.post("/api/tags?_http_error_codes=1", json={"tag": {"name": served.name("tag")}}),
        miller.get("/api/users?_http_error_codes=1"),
    ):
        assert answer.status_code == 403, answer.text
    assert miller.delete(f"/api/secrets/{name}?_http_error_codes=1").status_code == 404


def test_what_is_found_and_carried_is_of_what_is_seen(served: Served, miller: Caller) -> None:
    made = served.client().post("/api/tags", json={"tag": {"name": served.name("tag")}}).json()["tag"]
    for query, found in (("crack", []), ("sieve", ["sieve"])):
        given = {"search_result": {"query": query, "type": "block_action_objects"}}
        results = miller.post("/api/search_results", json=given).json()["search_result"]["results"]
        assert [each["uuid"] for each in results] == found
    tags = [each["name"] for each in miller.get("/api/tags?_limit=1000").json()["tags"]]
    assert "corn" in tags
    assert made["name"] not in tags
