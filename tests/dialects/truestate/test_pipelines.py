"""Pipelines of steps: made, looked at, described, given other steps, deleted; and seen by everybody else."""

import uuid

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.truestate import contract, stories

from headrace.operations import datasets

AWAY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def test_a_pipeline_is_as_the_contract_says(served: Served, client: Caller) -> None:
    jobs = stories.stream(served)
    answer = client.post("/pipelines/", json=stories.body(served.name("the mill"), jobs))
    assert answer.status_code == 200
    made = answer.json()
    contract.pipeline(made)
    assert client.get(f"/pipelines/{made['id']}/").json() == made
    assert client.get("/pipelines/", params={"name": made["name"]}).json() == [made]
    assert made in client.get("/pipelines/", params={"limit": 1000}).json()
    assert [each["name"] for each in made["current_config_version"]["steps"]] == ["head", "race", "tail"]


def test_a_step_is_answered_as_it_was_given(served: Served) -> None:
    name, other = (served.name("grain").replace("-", "_") for _ in range(2))
    described = {"name": other, "description": "what is left"}
    jobs = [
        stories.job("a", "select 1 as id", name, input_datasets=[]),
        stories.job("b", f"select * from {name}", other, input_datasets=[{"name": name}], memory_limit="64MB"),
    ]
    jobs[1]["config"] |= {"output_datasets": [described], "write_mode": "upsert", "row_unique_identifier": "id"}
    steps = stories.made(served, jobs)["current_config_version"]["steps"]
    assert [each["config"] for each in steps] == [each["config"] for each in jobs]


def test_what_a_query_reads_is_told_where_nobody_said_it(served: Served) -> None:
    jobs = stories.stream(served)
    steps = stories.made(served, jobs)["current_config_version"]["steps"]
    assert "input_datasets" not in jobs[2]["config"]
    assert steps[2]["config"]["input_datasets"] == jobs[1]["config"]["output_datasets"]


def test_every_path_is_answered_with_and_without_its_slash_and_under_its_earlier_name(served: Served) -> None:
    made, client = stories.made(served), served.client()
    for path in (f"/pipelines/{made['id']}", f"/workflows/{made['id']}", f"/workflows/{made['id']}/"):
        assert client.get(path).json().items() >= {"id": made["id"], "name": made["name"]}.items()
    body = stories.body(served.name("earlier"), stories.stream(served))
    body["workflow_config"] = body.pop("pipeline_config")
    assert client.post("/workflows", json=body).status_code == 200
    assert client.get("/workflowsx").status_code == 404


def test_a_name_is_given_once(served: Served, client: Caller) -> None:
    made = stories.made(served)
    answer = client.post("/pipelines/", json=stories.body(made["name"], stories.stream(served)))
    assert answer.status_code == 409
    assert made["name"] in answer.json()["detail"]


def test_the_clients_way_of_applying_does_the_same_when_it_is_done_twice(served: Served, client: Caller) -> None:
    """POST; where the name is taken: look it up, describe it anew if it is described otherwise, and give it its steps."""
    made, jobs = stories.made(served), stories.stream(served)
    for _ in range(2):
        assert client.post("/pipelines/", json=stories.body(made["name"], jobs)).status_code == 409
        found = client.get("/pipelines/", params={"name": made["name"]}).json()[0]
        if found["description"] != "other":
            client.patch(f"/pipelines/{found['id']}/", json={"description": "other"})
        version = client.post(f"/pipelines/{found['id']}/versions/", json={"jobs": jobs})
        assert version.status_code == 200
        contract.version(version.json())
    now = client.get(f"/pipelines/{made['id']}/").json()
    assert (now["description"], now["current_config_version"]) == ("other", version.json())
    assert version.json()["steps"][0]["config"]["query"] == jobs[0]["config"]["query"]
    assert len(now["config_versions"]) == 3  # the first, the one described anew, the one with other steps
    listed = client.get(f"/pipelines/{made['id']}/versions/").json()
    assert listed == now["config_versions"]
    assert client.get(f"/pipelines/{made['id']}/versions/?limit=1&offset=2").json() == [made["current_config_version"]]


def test_what_was_is_the_present_version_again_once_it_is_given_again(served: Served, client: Caller) -> None:
    first, second = stories.stream(served), stories.stream(served)
    made = stories.made(served, first)
    for jobs in (second, first):
        client.post(f"/pipelines/{made['id']}/versions/", json={"jobs": jobs})
    now = client.get(f"/pipelines/{made['id']}/").json()
    assert now["current_config_version"] == made["current_config_version"]
    assert len(now["config_versions"]) == 2


def test_a_pipeline_is_renamed_and_its_runs_stay_its_own(served: Served, client: Caller) -> None:
    made, other = stories.made(served), stories.made(served)
    name = served.name("another name")
    assert client.patch(f"/pipelines/{made['id']}", json={"name": name}).json()["name"] == name
    assert client.patch(f"/pipelines/{made['id']}", json={"name": other["name"]}).status_code == 409
    assert client.patch(f"/pipelines/{made['id']}", json={"name": name}).status_code == 200
    assert [each["id"] for each in client.get("/pipelines", params={"name": name}).json()] == [made["id"]]
    assert client.get("/pipelines", params={"name": made["name"]}).json() == []


def test_a_deleted_pipeline_is_gone_and_its_name_free_for_another(served: Served, client: Caller) -> None:
    made = stories.made(served)
    gone = client.delete(f"/pipelines/{made['id']}/")
    assert (gone.status_code, gone.json()) == (200, made)
    assert client.get(f"/pipelines/{made['id']}/").status_code == 404
    assert client.delete(f"/pipelines/{made['id']}/").status_code == 404
    assert client.get(f"/pipelines/{made['id']}/runs/").json() == []
    again = client.post("/pipelines/", json=stories.body(made["name"], stories.stream(served)))
    assert again.status_code == 200
    assert again.json()["id"] != made["id"]


def test_a_pipeline_is_one_of_blocks_for_everybody_else(served: Served, client: Caller) -> None:
    made = stories.made(served)
    name = served.app.store.pipelines.by_uid(made["id"]).name  # type: ignore[union-attr]
    shown = client.get(f"/v1/projects/authored/pipelines/{name}").json()
    assert (shown["title"], shown["cannot_run"]) == (made["name"], None)
    assert [(each["uuid"], each["language"], each["upstream_blocks"]) for each in shown["blocks"]] == [
        ("head", "sql", []),
        ("race", "sql", ["head"]),
        ("tail", "sql", ["race"]),
    ]
    as_mage = client.get(f"/projects/authored/api/pipelines/{name}").json()["pipeline"]
    assert [each["uuid"] for each in as_mage["blocks"]] == ["head", "race", "tail"]
    code = client.get(f"/v1/projects/authored/pipelines/{name}/blocks/head/code").json()
    assert code["text"] == made["current_config_version"]["steps"][0]["config"]["query"]


def test_a_pipeline_of_a_folder_is_seen_and_is_changed_in_its_folder(served: Served, client: Caller) -> None:
    run = served.run("grind")
    uid = served.app.store.pipelines.get(served.app.store.runs.get(run["id"]).pipeline_id).uid
    found = client.get(f"/pipelines/{uid}").json()
    contract.pipeline(found)
    assert found["current_config_version"]["steps"][1]["config"] == {
        "job_type": "headrace-block",
        "block_type": "transformer",
        "language": "python",
        "upstream_steps": ["load"],
        "input_datasets": [],
        "output_datasets": [],
    }
    for answer in (
        client.patch(f"/pipelines/{uid}", json={"description": "mine"}),
        client.post(f"/pipelines/{uid}/versions", json={"jobs": stories.stream(served)}),
        client.delete(f"/pipelines/{uid}"),
    ):
        assert answer.status_code == 409
        assert "mill" in answer.json()["detail"]


def test_a_pipeline_of_jobs_keeps_them(served: Served, client: Caller) -> None:
    name = served.name("moved").replace("-", "_")
    source = {"connector": "jdbc", "plugin": "sqlite", "path": "/nowhere.db", "table_name": "t"}
    jobs = [{"input": source, "output": {"plugin": "dataset", "table_name": name}}]
    asked = {"id": str(uuid.uuid4()), "name": served.name("moves"), "jobs": jobs}
    assert client.post("/platform/pipeline", json=asked).status_code == 200
    before = client.get(f"/pipelines/{asked['id']}").json()
    answer = client.post(f"/pipelines/{asked['id']}/versions/", json={"jobs": stories.stream(served)})
    assert answer.status_code == 409
    assert "no steps of SQL" in answer.json()["detail"]
    assert client.get(f"/pipelines/{asked['id']}").json() == before


def test_what_looks_like_a_variable_is_text(served: Served, client: Caller) -> None:
    name = served.name("braces").replace("-", "_")
    jobs = [stories.job("one", "select '{{ x }}' as text", name)]
    made = stories.made(served, jobs)
    (step,) = made["current_config_version"]["steps"]
    assert step["config"] == {**jobs[0]["config"], "input_datasets": []}
    begun = client.post(f"/pipelines/{made['id']}/runs/").json()
    assert stories.ended(served, client, begun)["status"] == "Succeeded"
    assert datasets.head(served.app, name).rows == [["{{ x }}"]]


@pytest.mark.parametrize("path", ["", "/versions", "/runs", f"/runs/{AWAY}", f"/runs/{AWAY}/logs"])
def test_what_is_not_there_is_told_in_a_sentence(client: Caller, path: str) -> None:
    answer = client.get(f"/pipelines/{AWAY}{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": f"There is no pipeline {AWAY}."})


def test_an_id_that_is_none_is_told_with_its_place(client: Caller) -> None:
    assert "UUID" in stories.refused(client.get("/pipelines/1"), "path", "pipeline_id")
    assert stories.refused(client.get("/pipelines/?limit=-1"), "query", "limit")
