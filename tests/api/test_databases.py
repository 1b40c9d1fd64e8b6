"""What is asked of the database is answered by either kind of it."""

from tests.api.conftest import Served, refused


def test_every_list_and_what_is_in_it(either: Served) -> None:
    client, run = either.client(), either.run(day="friday")
    new = {"pipeline": "grind", "name": "nightly", "type": "time", "interval": "@daily", "tags": ["corn"]}
    trigger = client.post("/v1/triggers", json=new).json()["id"]
    dates = {"start_time": "2026-01-01", "end_time": "2026-01-02"}
    client.post("/v1/backfills", json={"pipeline": "grind", **dates})
    client.post("/v1/events", json={"kind": "order"})
    client.put("/v1/secrets/a", json={"value": "correct horse"})
    for noun in ("projects", "runs", "triggers", "backfills", "events", "engines", "secrets", "tokens"):
        assert client.get(f"/v1/{noun}").json()[noun], noun
    asked = {"variable": 'day:"friday"', "tag": "corn", "created_to": "9999-12-31", "blocks": "true"}
    assert [each["id"] for each in client.get("/v1/runs", params=asked).json()["runs"]] == [run["id"]]
    assert client.get("/v1/runs/counts?project=mill").json()["completed"] == 1
    version = client.get(f"/v1/runs/{run['id']}").json()["version"]
    code = "/v1/projects/mill/pipelines/grind/blocks/load/code"
    assert client.get(code).json()["text"] == client.get(code, params={"version": version}).json()["text"]
    assert client.get(f"/v1/runs/{run['id']}/events?limit=1").json()["next"]
    assert client.patch(f"/v1/triggers/{trigger}", json={"tags": []}).json()["tags"] == []


def test_text_that_no_database_keeps(either: Served) -> None:
    client = either.client()
    for asked in (
        "runs?project=%00",
        "runs?tag=%00",
        "runs?variable=a%00:1",
        "triggers?pipeline=%00",
        "backfills?pipeline=%00",
    ):
        refused(client.get(f"/v1/{asked}"), 422)
    for path in ("projects/%00", "projects/mill/pipelines/%00/versions", "projects/mill/pipelines/grind/versions/%00"):
        refused(client.get(f"/v1/{path}"), 404)
    refused(client.get("/v1/projects/mill/pipelines/grind/blocks/load/code?version=%00"), 422, "version")
    refused(client.get("/v1/secrets?project=%00"), 422, "project")
    refused(client.post("/v1/engines/%00/drain"), 404)
