"""Triggers over HTTP: defined, changed field by field, called by whoever has their token, and run by whoever may."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.conftest import WAIT, Caller, Served, refused

from headrace.model.access import Role
from headrace.operations import triggers

NEW = {"pipeline": "grind", "type": "time", "interval": "0 6 * * *", "zone": "Europe/Zurich"}
WRONG: dict[str, list[Any]] = {
    "name": [None, 3, "", " ", "n" * 256, "a\x7f"],
    "type": [None, "cron", "backfill", 1, ["time"]],
    "interval": [3, "", "60 * * * *", "* * *", "@never", "i" * 300],
    "zone": [None, 3, "", "Mars/Olympus", "../etc/passwd"],
    "start_time": [3, "", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00"],
    "description": [None, 3, {}],
    "variables": [None, 3, [], "x"],
    "sla": ["x", 0, -1, 1.5, 2**31, True],
    "rules": [None, {}, [3], [{"kind": "moon"}], [{"kind": "file", "every": 0}], [{"kind": "payload", "more": 1}]],
    "tags": [None, "x", [3], {}],
    "active": [None, "yes", 1],
    "pipeline": [None, 3, ""],
    "project": [3, ""],
    "nothing": [1],
}
WRONG_SETTINGS: dict[str, list[Any]] = {
    "skip_if_previous_running": [None, "yes", 1],
    "pipeline_run_limit": [0, "1", 1.5, 2**31],
    "timeout": [0, -1, "1m", 1e10],
    "timeout_status": [None, "completed"],
    "catch_up": [None, "some"],
    "retry_config": [None, 3, {"retries": -1}, {"retries": "3"}, {"delay": "1"}, {"more": 1}],
    "landing_time_enabled": [None, 0],
    "extra": [None, []],
    "nothing": [1],
}


@pytest.fixture
def made(client: Caller, served: Served) -> dict[str, Any]:
    answer = client.post("/v1/triggers", json={**NEW, "name": served.name("trigger")})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def api(client: Caller, served: Served) -> dict[str, Any]:
    """A trigger that is called."""
    new = {"pipeline": "grind", "name": served.name("trigger"), "type": "api", "variables": {"day": "monday"}}
    return client.post("/v1/triggers", json=new).json()


def at(trigger: dict[str, Any], deed: str = "") -> str:
    return f"/v1/triggers/{trigger['id']}{deed}"


def test_a_trigger_is_made_and_shown(client: Caller, served: Served) -> None:
    new = {
        **NEW,
        "name": served.name("trigger"),
        "start_time": "2026-01-01T06:00:00+01:00",
        "variables": {"region": "eu", "api_password": "correct horse"},
        "sla": 3600,
        "settings": {"catch_up": "all", "timeout": 5, "retry_config": {"retries": 2}},
        "tags": ["corn"],
        "active": False,
    }
    answer = client.post("/v1/triggers", json=new)
    assert answer.status_code == 201
    shown = client.get(answer.headers["location"]).json()
    assert shown == answer.json()
    assert shown["start_time"] == "2026-01-01T05:00:00Z"
    assert shown["variables"] == {"region": "eu", "api_password": "***"}
    assert shown["settings"]["retry_config"] == {"retries": 2}
    assert (shown["settings"]["catch_up"], shown["active"], shown["next"]) == ("all", False, [])


def test_next_fire_times_are_in_its_zone(made: dict[str, Any]) -> None:
    hours = {datetime.fromisoformat(each).astimezone(UTC).hour for each in made["next"]}
    assert len(made["next"]) == 5
    assert hours <= {4, 5}


def test_what_cannot_be_a_trigger_is_refused_by_its_field(client: Caller, served: Served) -> None:
    right = {**NEW, "name": served.name("trigger")}
    for field, values in WRONG.items():
        for value in values:
            problem = refused(client.post("/v1/triggers", json={**right, field: value}), 422)
            assert any(each["field"].startswith(field) for each in problem["errors"]), (field, value, problem)
    for field, values in WRONG_SETTINGS.items():
        for value in values:
            problem = refused(client.post("/v1/triggers", json={**right, "settings": {field: value}}), 422)
            assert problem["errors"][0]["field"].startswith(f"settings.{field}"), (field, value, problem)
    refused(client.post("/v1/triggers", json={**right, "pipeline": "nowhere"}), 404, "pipeline")
    refused(client.post("/v1/triggers", json={**right, "project": "nowhere"}), 404, "project")
    refused(client.post("/v1/triggers", json={**right, "type": "api"}), 422, "interval")
    assert all(each["name"] != right["name"] for each in client.get("/v1/triggers").json()["triggers"])


def test_a_name_stands_once(client: Caller, made: dict[str, Any]) -> None:
    refused(client.post("/v1/triggers", json={**NEW, "name": made["name"]}), 409, "name")


def test_only_what_is_given_changes(client: Caller, made: dict[str, Any]) -> None:
    changed = client.patch(at(made), json={"settings": {"timeout": 9}, "sla": 60}).json()
    assert changed["settings"] == {**made["settings"], "timeout": 9.0}
    assert {**changed, "settings": 0, "sla": 0, "updated_at": 0} == {**made, "settings": 0, "sla": 0, "updated_at": 0}
    assert client.patch(at(made), json={"sla": None}).json()["sla"] is None
    assert client.patch(at(made), json={}).json()["sla"] is None


def test_what_is_given_back_as_it_was_shown_stays_as_it_was(client: Caller, served: Served) -> None:
    database = {"host": "a", "password": "correct horse"}
    new = {**NEW, "name": served.name("trigger"), "variables": {"databases": [database]}}
    made = client.post("/v1/triggers", json=new).json()
    variables = made["variables"]
    assert variables == {"databases": [{"host": "a", "password": "***"}]}
    variables["databases"][0]["host"] = "b"
    assert client.patch(at(made), json={"variables": variables}).json()["variables"] == variables
    kept = triggers.find(served.app, str(made["id"])).definition.variables
    assert kept == {"databases": [{"host": "b", "password": "correct horse"}]}


def test_another_type_leaves_nothing_of_the_one_before(client: Caller, made: dict[str, Any]) -> None:
    rules = [{"kind": "payload", "pattern": {"kind": ["order"]}}]
    event = client.patch(at(made), json={"type": "event", "rules": rules}).json()
    assert (event["type"], event["interval"]) == ("event", None)
    assert event["rules"][0]["pattern"] == {"kind": ["order"]}
    assert client.patch(at(made), json={"type": "time", "interval": "@daily"}).json()["rules"] == []


def test_a_change_that_cannot_be_is_refused(client: Caller, made: dict[str, Any]) -> None:
    for field in ("name", "type", "interval", "zone", "start_time", "sla", "rules", "tags", "active", "pipeline"):
        for value in WRONG[field]:
            answer = client.patch(at(made), json={field: value})
            problem = refused(answer, 422)
            assert any(each["field"].startswith(field) for each in problem["errors"]), (field, value, problem)
    assert client.get(at(made)).json() == made


def test_paused_resumed_deleted(client: Caller, made: dict[str, Any]) -> None:
    assert client.post(at(made, "/pause")).json()["active"] is False
    assert client.post(at(made, "/resume")).json()["active"] is True
    assert client.delete(at(made)).status_code == 204
    for answer in (client.get(at(made)), client.delete(at(made)), client.post(at(made, "/pause"))):
        refused(answer, 404)


def test_lists_page_by_page(client: Caller, served: Served) -> None:
    names = [served.name("listed") for _ in range(3)]
    for name in names:
        client.post("/v1/triggers", json={**NEW, "name": name})
    found: list[str] = []
    url = "/v1/triggers?project=mill&pipeline=grind&limit=2"
    while url:
        answer = client.get(url)
        found += [each["name"] for each in answer.json()["triggers"]]
        url = answer.links["next"]["url"] if answer.json()["next"] else ""
    assert found[-3:] == names
    assert client.get("/v1/triggers?project=nowhere").json() == {"triggers": [], "next": None}
    for wrong in ("cursor=x", "cursor=0", f"cursor={2**63}", "limit=0", "project=", "pipeline=%00"):
        refused(client.get(f"/v1/triggers?{wrong}"), 422, wrong.partition("=")[0])
    refused(client.get("/v1/triggers?pipelin=grind"), 422, "pipelin")
    refused(client.get("/v1/triggers?pipeline=grind&pipeline=crack"), 422, "pipeline")


def test_fire_times_of_what_nobody_has_made(client: Caller) -> None:
    asked = {"interval": "30 2 * * *", "zone": "Europe/Zurich", "after": "2026-03-28T00:00:00Z", "count": 2}
    assert client.post("/v1/triggers/preview", json=asked).json()["fire_times"] == [
        {"at": "2026-03-28T01:30:00Z", "local": "2026-03-28T02:30:00+01:00"},
        {"at": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00"},
    ]
    for field in ("interval", "zone", "start_time"):
        for value in WRONG[field]:
            refused(client.post("/v1/triggers/preview", json={**asked, field: value}), 422, field)
    for count in (0, 1001, "3", 1.5, None):
        refused(client.post("/v1/triggers/preview", json={**asked, "count": count}), 422, "count")


def test_a_run_by_somebody_who_may(client: Caller, api: dict[str, Any]) -> None:
    asked = {"variables": {"day": "friday"}, "event_variables": {"order": 3}, "execution_date": "2026-02-01"}
    answer = client.post(at(api, "/runs"), json=asked, headers={**WAIT, "Idempotency-Key": f"friday {api['id']}"})
    assert answer.status_code == 201
    run = answer.json()
    assert (run["status"], run["trigger_id"], run["event_variables"]) == ("completed", api["id"], {"order": 3})
    assert run["variables"]["day"] == "friday"
    assert run["execution_date"] == "2026-02-01T00:00:00Z"
    again = client.post(at(api, "/runs"), json=asked, headers={"Idempotency-Key": f"friday {api['id']}"})
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    other = client.post(at(api, "/runs"), json={}, headers={"Idempotency-Key": f"friday {api['id']}"})
    refused(other, 409, "Idempotency-Key")
    assert client.get(at(api)).json()["last_run"] == {"id": run["id"], "status": "completed"}
    for field, value in (("variables", 3), ("event_variables", []), ("execution_date", "x"), ("nothing", 1)):
        refused(client.post(at(api, "/runs"), json={field: value}), 422, field)


def test_a_call_by_its_token_and_by_no_other(client: Caller, served: Served, api: dict[str, Any]) -> None:
    said = served.client(Role.EDITOR).get(at(api, "/token"))
    assert said.headers["cache-control"] == "no-store"
    caller, body = served.caller(said.json()["token"]), {"order": 7, "pipeline_run": {"variables": {"day": "sunday"}}}
    run = caller.post(at(api, "/call"), json=body, headers=WAIT)
    assert run.status_code == 201
    assert (run.json()["event_variables"], run.json()["variables"]["day"]) == ({"order": 7}, "sunday")
    assert caller.post(at(api, "/call"), headers=WAIT).json()["status"] == "completed"
    for other in (served.client(), served.client(None), served.caller("x")):
        refused(other.post(at(api, "/call"), json=body), 401)
    refused(caller.get(at(api)), 401)
    refused(caller.post(at(api, "/call"), json={"pipeline_run": 3}), 422, "pipeline_run")
    refused(caller.post(at(api, "/call"), json=[3]), 422)
    rotated = client.post(at(api, "/rotate")).json()["token"]
    refused(caller.post(at(api, "/call"), json=body), 401)
    assert served.caller(rotated).post(at(api, "/call"), json=body).status_code == 201


def test_only_those_of_type_api_are_called(client: Caller, served: Served, made: dict[str, Any]) -> None:
    token = client.get(at(made, "/token")).json()["token"]
    assert refused(served.caller(token).post(at(made, "/call")), 409)["kind"] == "not_callable"


def test_what_a_backfill_has_made_is_left_to_it(alone: Served) -> None:
    client = alone.client()
    dates = {"start_time": "2026-01-01", "end_time": "2026-01-01"}
    number = client.post("/v1/backfills", json={"pipeline": "grind", **dates}).json()["id"]
    trigger = client.post(f"/v1/backfills/{number}/start").json()["trigger_id"]
    for answer in (
        client.patch(f"/v1/triggers/{trigger}", json={"sla": 3}),
        client.post(f"/v1/triggers/{trigger}/pause"),
        client.delete(f"/v1/triggers/{trigger}"),
    ):
        assert refused(answer, 409)["kind"] == "trigger_of_backfill"
