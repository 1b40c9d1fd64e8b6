"""Secrets over HTTP: what they say goes in, and nothing of it comes out."""

from tests.api.conftest import Caller, Served, refused

SAID = "correct horse battery staple"


def test_set_listed_and_deleted(client: Caller, served: Served) -> None:
    name = served.name("secret")
    assert client.put(f"/v1/secrets/{name}", json={"value": SAID}).status_code == 204
    assert client.put(f"/v1/secrets/{name}?project=mill", json={"value": SAID}).status_code == 204
    listed = client.get("/v1/secrets")
    assert SAID not in listed.text
    scopes = [each["project"] for each in listed.json()["secrets"] if each["name"] == name]
    assert sorted(scopes, key=str) == [None, "mill"]
    own = client.get("/v1/secrets?project=mill").json()["secrets"]
    assert [each["project"] for each in own if each["name"] == name] == ["mill"]
    assert client.delete(f"/v1/secrets/{name}?project=mill").status_code == 204
    refused(client.delete(f"/v1/secrets/{name}?project=mill"), 404)
    assert client.delete(f"/v1/secrets/{name}").status_code == 204


def test_what_it_says_is_in_no_refusal(client: Caller) -> None:
    for body in ({"value": SAID, "more": 1}, {"valeu": SAID}, {"value": [SAID]}, [SAID], {"value": 3, "x": SAID}):
        assert SAID not in str(refused(client.put("/v1/secrets/a", json=body), 422))
    for value in ("", "x" * (64 * 2**10 + 1), "ä" * 40_000):
        refused(client.put("/v1/secrets/a", json={"value": value}), 422, "value")
    refused(client.put("/v1/secrets/a", content=b'{"value": "a\\u0000b"}'), 400, "value")


def test_names_that_are_none(client: Caller) -> None:
    for name in ("a b", "a.b", "n" * 256, "ä"):
        refused(client.put(f"/v1/secrets/{name}", json={"value": SAID}), 422, "name")
    refused(client.put("/v1/secrets/a?project=nowhere", json={"value": SAID}), 404, "project")
    refused(client.put("/v1/secrets/a?project=/tmp", json={"value": SAID}), 404, "project")
