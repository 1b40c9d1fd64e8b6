"""Secrets of the Mage dialect: names go out, values do not."""

from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace.api.mage.secrets.shapes import Secret
from headrace.model.access import Role
from headrace.operations import secrets


def test_a_secret_is_made_listed_and_deleted(served: Served) -> None:
    editor, name = served.client(Role.EDITOR), served.name("secret")
    made = editor.post("/api/secrets", json={"secret": {"name": name, "value": "correct horse"}})
    assert made.json()["metadata"] is None
    secret = made.json()["secret"]
    like(secret, Secret)
    assert secret["name"] == name

    listed = served.client(Role.VIEWER).get("/api/secrets?_limit=1000").json()
    assert secret in listed["secrets"]
    assert listed["metadata"] == {"count": len(listed["secrets"]), "next": False}
    assert "correct horse" not in str(listed)

    gone = editor.delete(f"/api/secrets/{name}")
    assert gone.json() == {"secret": secret, "metadata": None}
    again = editor.delete(f"/api/secrets/{name}").json()
    assert (again["error"]["code"], again["error"]["type"]) == (404, "record_not_found")


def test_a_secret_is_not_made_twice(served: Served) -> None:
    client, name = served.client(), served.name("secret")
    given = {"secret": {"name": name, "value": "first"}}
    client.post("/api/secrets", json=given)
    again = client.post("/api/secrets", json={"secret": {"name": name, "value": "second"}})
    assert again.status_code == 200
    error = again.json()["error"]
    assert error["code"] == 500
    assert "already" in error["exception"]
    assert "second" not in again.text
    assert client.post("/api/secrets?_http_error_codes=1", json=given).status_code == 409


def test_those_of_all_projects_are_there_too(served: Served) -> None:
    name = served.name("secret")
    secrets.set(served.app, name, "everybody's")
    assert name in {each["name"] for each in served.client().get("/api/secrets?_limit=1000").json()["secrets"]}
    assert served.client().delete(f"/api/secrets/{name}").json()["secret"]["name"] == name
    assert name not in {each.name for each in secrets.listed(served.app)}


def test_viewers_make_none_and_what_is_missing_is_told(served: Served) -> None:
    given = {"secret": {"name": served.name("secret"), "value": "x"}}
    refused = served.client(Role.VIEWER).post("/api/secrets", json=given).json()
    assert (refused["error"]["code"], refused["error"]["type"]) == (403, "unauthorized_access")
    lacking = served.client().post("/api/secrets", json={"secret": {"name": "", "value": "x"}}).json()
    assert lacking["error"]["errors"]["error"] == "name cannot be empty."
    wrong = served.client().post("/api/secrets", json={"secret": {"name": served.name(), "value": {"of": "topsecret"}}})
    assert wrong.json()["error"]["message"] == "value is '***'; expected text."
    assert "topsecret" not in wrong.text
