"""Events and what triggers ask of them, as Mage's clients post and change them."""

import dataclasses
from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.events import shapes
from headrace.model.access import Role

PATTERN = {"source": ["mill"], "detail": {"grains": [1, 2]}}


def trigger(client: Caller, name: str, **given: Any) -> dict[str, Any]:
    body = {"pipeline_schedule": {"name": name, "schedule_type": "event", "status": "active", **given}}
    made = client.post("/api/pipelines/grind/pipeline_schedules", json=body).json()["pipeline_schedule"]
    return client.get(f"/api/pipeline_schedules/{made['id']}").json()["pipeline_schedule"]


def matchers(client: Caller, of: dict[str, Any]) -> list[str]:
    """The names of those of a trigger."""
    answer = client.get("/api/event_matchers").json()
    assert list(answer) == ["event_matchers"]
    return [each["name"] for each in answer["event_matchers"] if each["pipeline_schedules"][0]["id"] == of["id"]]


def test_an_event_is_answered_with_itself_and_begins_a_run(served: Served) -> None:
    client = served.client()
    made = trigger(client, served.name(), event_matchers=[{"event_type": "aws_event", "name": "m", "pattern": PATTERN}])
    (matcher,) = made["event_matchers"]
    like(matcher, shapes.EventMatcher)
    assert (matcher["event_type"], matcher["name"], matcher["pattern"]) == ("aws_event", "m", PATTERN)
    fitting = {"source": "mill", "detail": {"grains": 2}, "day": "friday"}
    for payload in ({"source": "other"}, fitting):
        assert client.post("/api/events", json=payload).json() == {"event": payload}
    runs = f"/api/pipeline_schedules/{made['id']}/pipeline_runs"
    served.until(lambda: client.get(runs).json()["metadata"]["count"])
    (run,) = client.get(runs).json()["pipeline_runs"]
    assert run["variables"]["event"] == fitting


def test_events_are_posted_by_those_who_may_run_things(served: Served) -> None:
    for client in (served.client(None), served.client(Role.VIEWER)):
        answer = client.post("/api/events?_http_error_codes=1", json={"a": 1})
        assert answer.status_code in (401, 403)
        assert "error" in answer.json()
    assert "error" in served.client().post("/api/events", json=[1]).json()


def test_a_server_may_be_set_to_take_events_from_anybody(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.app, "settings", dataclasses.replace(served.app.settings, mage_open_events=True))
    nobody = served.client(None)
    assert nobody.post("/api/events", json={"a": 1}).json() == {"event": {"a": 1}}
    assert nobody.get("/api/event_matchers").status_code == 401


def test_matchers_are_put_to_a_trigger_and_taken_away(served: Served) -> None:
    client = served.client()
    made = trigger(client, served.name(), event_matchers=[{"name": "one", "pattern": {"a": [1]}}])
    assert matchers(client, made) == ["one"]
    body = {"name": "two", "pattern": PATTERN, "pipeline_schedules": [{"id": made["id"]}]}
    two = client.post("/api/event_matchers", json={"event_matcher": body}).json()["event_matcher"]
    like(two, shapes.ShownEventMatcher)
    assert two["pipeline_schedules"] == [{"id": made["id"], "name": made["name"]}]
    changed = client.put(f"/api/event_matchers/{two['id']}", json={"event_matcher": {"pattern": {"b": [2]}}}).json()
    assert (changed["event_matcher"]["id"], changed["event_matcher"]["pattern"]) == (two["id"], {"b": [2]})
    assert client.delete(f"/api/event_matchers/{two['id']}").json()["event_matcher"]["name"] == "two"
    assert client.get(f"/api/event_matchers/{two['id']}").json()["error"]["type"] == "record_not_found"
    assert matchers(client, made) == ["one"]


def test_of_matchers_that_are_alike_one_is_changed_or_taken_away(served: Served) -> None:
    client = served.client()
    alike = {"name": "alike", "pattern": PATTERN}
    made = trigger(client, served.name(), event_matchers=[alike] * 3)
    first, second, _ = made["event_matchers"]

    def patterns() -> list[Any]:
        shown = client.get(f"/api/pipeline_schedules/{made['id']}").json()["pipeline_schedule"]
        return [each["pattern"] for each in shown["event_matchers"]]

    client.put(f"/api/event_matchers/{second['id']}", json={"event_matcher": {"pattern": {"b": [2]}}})
    assert patterns() == [PATTERN, {"b": [2]}, PATTERN]
    client.delete(f"/api/event_matchers/{first['id']}")
    assert patterns() == [{"b": [2]}, PATTERN]


def test_the_matchers_of_a_trigger_are_replaced_as_a_whole(served: Served) -> None:
    client = served.client()
    made = trigger(
        client, served.name(), event_matchers=[{"name": "one", "pattern": {}}, {"name": "two", "pattern": {}}]
    )
    given = {"event_matchers": [{"name": "two", "pattern": {"c": [3]}, "id": made["event_matchers"][1]["id"]}]}
    path = f"/api/pipeline_schedules/{made['id']}"
    (left,) = client.put(path, json={"pipeline_schedule": given}).json()["pipeline_schedule"]["event_matchers"]
    assert (left["id"], left["name"], left["pattern"]) == (made["event_matchers"][1]["id"], "two", {"c": [3]})
    untouched = client.put(path, json={"pipeline_schedule": {"description": "d"}}).json()["pipeline_schedule"]
    assert len(untouched["event_matchers"]) == 1


def test_a_matcher_is_a_triggers(client: Caller) -> None:
    for given in ({"name": "x"}, {"name": "x", "pipeline_schedules": ["a"]}):
        answer = client.post("/api/event_matchers", json={"event_matcher": given}).json()
        assert "pipeline_schedules" in answer["error"]["exception"]
