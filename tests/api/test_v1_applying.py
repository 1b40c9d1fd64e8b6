"""Pipelines of steps as they are defined through /v1: made, changed, left as they are; of headrace's own project alone."""

from typing import Any

import pytest
from tests.api.conftest import WAIT, Caller, Served, refused

from headrace.model.access import Grant, Role
from headrace.operations import authoring, tokens, users

AT = "/v1/projects/authored/pipelines"


def defined(query: str, writes: str, **more: Any) -> dict[str, Any]:
    return {"steps": [{"name": "one", "query": query, "output_datasets": [writes], **more}]}


def test_a_pipeline_is_as_it_is_defined(served: Served, client: Caller) -> None:
    name = served.name("sales").replace("-", "_")
    dry = client.put(f"{AT}/{name}?dry_run=true", json=defined("select 1 as n", name)).json()
    assert (dry["deed"], dry["uid"], dry["version"]) == ("created", None, None)
    assert client.get(f"{AT}/{name}").status_code == 404
    for deed, query in (("created", 1), ("unchanged", 1), ("changed", 2)):
        done = client.put(f"{AT}/{name}", json=defined(f"select {query} as n", name))
        assert (done.status_code, done.json()["deed"]) == (200, deed)
    assert done.json()["changes"] == ["step one changed"]
    versions = client.get(f"{AT}/{name}/versions").json()["versions"]
    assert versions[0]["hash"] == done.json()["version"]
    assert len(versions) == 2
    run = client.post("/v1/runs", json={"project": "authored", "pipeline": name}, headers={"Prefer": "wait=30"}).json()
    assert run["status"] == "completed"


def test_a_pipeline_of_a_folder_is_written_in_its_folder(served: Served, client: Caller) -> None:
    answer = client.put("/v1/projects/mill/pipelines/grind", json=defined("select 1 as n", "first"))
    assert "mill" in refused(answer, 409)["detail"]
    refused(client.put("/v1/projects/nowhere/pipelines/a", json=defined("select 1 as n", "first")), 404, "project")
    assert served.run("grind")["status"] == "completed"


def test_a_run_without_a_project_is_of_the_one_that_is_somebodys_folder(served: Served, client: Caller) -> None:
    name = served.name("own").replace("-", "_")
    assert client.put(f"{AT}/{name}", json=defined("select 1 as n", name)).status_code == 200
    assert served.run("grind")["project"] == "mill"


def test_what_a_deleted_pipeline_has_left_is_not_taken_by_who_may_only_look_at_it(
    served: Served, client: Caller
) -> None:
    name = served.name("ledger").replace("-", "_")
    ledger = {**defined("select 1 as n", name), "tags": ["finance"]}
    assert client.put(f"{AT}/{name}", json=ledger).status_code == 200
    run = client.post("/v1/runs", json={"project": "authored", "pipeline": name}, headers=WAIT).json()["id"]
    known = served.app.store.runs.get(run).pipeline_id
    authoring.delete(served.app, known)
    grants = [Grant(Role.VIEWER, "finance"), Grant(Role.EDITOR, "sales")]
    user = users.create(served.app, name, None, grants)
    other = served.caller(tokens.create(served.app, name, Role.OWNER, user_id=user.id)[1])
    for dry in (True, False):
        taken = other.put(f"{AT}/{name}?dry_run={str(dry).lower()}", json={**ledger, "tags": ["sales"]})
        refused(taken, 409)
    assert served.app.store.tags.of_pipeline(known) == {"finance"}
    assert client.put(f"{AT}/{name}", json={**ledger, "tags": ["sales"]}).json()["deed"] == "created"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "steps"),
        ({"steps": [{"name": "one"}]}, "steps.0.query"),
        (defined("select 1 as n", "first", mode="all"), "steps.0.mode"),
        (defined("select 1 as n", "first", write_mode="some"), "steps.0.write_mode"),
        ({**defined("select 1 as n", "first"), "tags": [1]}, "tags.0"),
        (defined("selec 1", "first"), "one"),
        (defined("select 1 as n", "a/b"), "one"),
    ],
)
def test_what_is_wrong_with_a_definition_is_named(client: Caller, body: Any, field: str) -> None:
    before = client.get("/v1/projects").json()
    problem = refused(client.put(f"{AT}/wrong", json=body), 422)
    assert field in str(problem["errors"]) + problem["detail"]
    assert client.get(f"{AT}/wrong").status_code == 404
    assert client.get("/v1/projects").json() == before
