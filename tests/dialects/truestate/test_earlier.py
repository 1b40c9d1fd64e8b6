"""What TrueState's Python client sends under the earlier name of pipelines, and what it takes for an answer."""

from typing import Any

import httpx
import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.truestate import contract, stories

from headrace.model.access import Role

ORGANISATION = "org_7"


class Client(Caller):
    """Shows what TrueState's client does with every request."""

    def request(self, method: str, path: str, headers: Any = None, **given: Any) -> httpx.Response:
        shown = {"Api-key": str(self.token), "Current-Org-Id": ORGANISATION}
        return self.wire.request(method, path, headers=shown, **given)


@pytest.fixture
def own(served: Served) -> Caller:
    return Client(served.wire, served.said[Role.EDITOR])


def config(served: Served, query: str) -> dict[str, Any]:
    """Steps as the client has them: every dataset with a description, which is empty."""
    name = served.name("flow").replace("-", "_")
    step = stories.job("flow", query, name, input_datasets=[])
    step["config"]["output_datasets"] = [{"name": name, "description": ""}]
    return {"organisation_id": ORGANISATION, "jobs": [step]}


def workflow(told: Any) -> Any:
    """The answer, if it has all that the client reads of a workflow, of the types that it takes."""
    contract.pipeline(told, contract.WORKFLOW)
    assert told["organisation_id"] == ORGANISATION
    assert told["workflow_config_versions"][0] == told["current_config_version"]
    for each in told["workflow_config_versions"]:
        version(each, told["id"])
    return told


def version(told: Any, of: str) -> Any:
    contract.version(told, contract.WORKFLOW_VERSION)
    assert told["workflow_id"] == of
    assert told["config"] == {"jobs": [{name: each[name] for name in ("name", "config")} for each in told["steps"]]}
    return told


def test_what_the_client_does_comes_through(served: Served, own: Caller) -> None:
    """It makes a workflow, makes it again with other steps, runs that version, and deletes the workflow."""
    name, first = served.name("a workflow"), config(served, "select 1 as n")
    made = own.post("/workflows/", json={"name": name, "description": "", "workflow_config": first})
    assert made.status_code == 200
    uid = workflow(made.json())["id"]
    assert made.json()["current_config_version"]["config"]["jobs"] == first["jobs"]

    body = {"name": name, "description": "of flows", "workflow_config": first}
    assert own.post("/workflows/", json=body).status_code == 409
    found = own.get(f"/workflows/?name={name}").json()
    assert [(each["id"], each["description"]) for each in map(workflow, found)] == [(uid, "")]
    described = own.patch(f"/workflows/{uid}", json={"name": name, "description": "of flows"})
    assert workflow(described.json())["description"] == "of flows"
    second = {**first, "jobs": config(served, "select 2 as n")["jobs"]}
    revised = own.post(f"/workflows/{uid}/versions/", json=second)
    assert revised.status_code == 200
    assert version(revised.json(), uid)["config"]["jobs"] == second["jobs"]
    assert own.get(f"/workflows/{uid}/versions/").json()[0] == revised.json()

    run = own.post(f"/workflows/{uid}/runs/", json={"workflow_config_version_id": revised.json()["id"]})
    assert run.status_code == 200
    ended = stories.ended(served, own, run.json())
    assert (ended["status"], ended["pipeline_config_version_id"]) == ("Succeeded", revised.json()["id"])
    deleted = own.delete(f"/workflows/{uid}")
    assert (deleted.status_code, workflow(deleted.json())["id"]) == (200, uid)
    assert own.get(f"/workflows/?name={name}").json() == []


def test_under_their_name_of_now_pipelines_have_the_fields_of_now(served: Served, own: Caller) -> None:
    made = stories.made(served)
    contract.pipeline(own.get(f"/pipelines/{made['id']}").json())
    for each in own.get(f"/pipelines/{made['id']}/versions").json():
        contract.version(each)


def test_what_is_wrong_has_its_place_in_what_was_sent(served: Served, own: Caller) -> None:
    for query in ("selec 1", "select * from undeclared"):
        body = {"name": "wrong", "description": "", "workflow_config": config(served, query)}
        stories.refused(own.post("/workflows/", json=body), "body", "workflow_config", "jobs", 0, "config", "query")
    nameless = {"organisation_id": ORGANISATION, "jobs": [{"config": {}}]}
    body = {"name": "wrong", "description": "", "workflow_config": nameless}
    stories.refused(own.post("/workflows/", json=body), "body", "workflow_config", "jobs", 0, "name")


@pytest.mark.parametrize("description", ["", None])
def test_a_pipeline_needs_no_description_and_can_lose_the_one_it_has(
    served: Served, client: Caller, description: str | None
) -> None:
    body = stories.body(served.name("undescribed"), stories.stream(served)) | {"description": description}
    made = client.post("/pipelines/", json=body)
    assert (made.status_code, made.json()["description"]) == (200, "")
    at = f"/pipelines/{made.json()['id']}/"
    for said, now in (("something", "something"), (None, "something"), ("", "")):
        assert client.patch(at, json={"description": said}).json()["description"] == now
